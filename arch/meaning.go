package arch

import (
	"slices"
)

// meaning derives what transformers computes of the keys that many classes
// share; what a class alone has, its own reader adds.
func (c *reader) meaning(h *Hyper, a Arch, assumed Defaults) {
	m := &h.Meaning
	m.Rotation, m.LatentScale = h.Rope.configRotation(h.Context)
	m.Rotation.Short, m.Rotation.Long = c.longRoPE(h.Rope)
	if m.Activation = a.Graph.Activation; c.states(activationKeys...) {
		name := c.string(activationKeys...)
		known := false
		if m.Activation, known = activations[name]; !known {
			c.keep(c.place(activationKeys...).Unsupported("unsupported activation %q", name))
		}
	}
	m.LatentEps = 1e-6 // of these classes, whatever the configuration says of the other norms
	m.Router = Router{Used: h.MoE.Used, Score: SoftmaxScore, Normalize: h.MoE.Normalize}
	if window := c.int("sliding_window"); window > 0 && assumed.windows != nil {
		m.Window, m.Sliding = window, each(h.Layers, func(layer int) bool { return assumed.windows(c, *h, layer) })
	}
	m.Local = h.Rope.local()
	m.Warming, m.WarmRope = Temperature{Scale: h.TemperatureScale, Floor: h.Rope.OriginalContext}, true
	if a.fromConfig != nil {
		a.fromConfig(c, h)
	}
}

var activationKeys = []string{"hidden_activation", "hidden_act", "activation_function"}

// longRoPE reads a divisor for every pair, within the original context and
// beyond.
func (c *reader) longRoPE(r Rope) (short, long []float64) {
	if r.Scaling != "longrope" {
		return nil, nil
	}
	p := c.sub("rope_scaling", "rope_parameters")
	short, long = p.floats("short_factor"), p.floats("long_factor")
	c.keepOf(p)
	if len(short) != r.Dim/2 || len(long) != r.Dim/2 {
		c.keep(p.place("long_factor").Corrupt("%d short and %d long factors for %d pairs", len(short), len(long), r.Dim/2))
	}
	for _, f := range slices.Concat(short, long) {
		if !(f > 0) {
			c.keep(p.place("long_factor").Corrupt("invalid factor %v", f))
		}
	}
	return short, long
}

// meaning derives what ggml computes of the key-values that many architectures
// share.
func (g *fileReader) meaning(h *Hyper, a Arch) {
	m := &h.Meaning
	m.Rotation, m.LatentScale = h.Rope.fileRotation()
	switch m.Rotation.Scaling {
	case YaRNScaling:
		if m.Rotation.Extrapolate = 1; g.kvs.Has(g.prefix + "rope.scaling.yarn_ext_factor") {
			m.Rotation.Extrapolate = h.Rope.ExtFactor
		}
	case LongRoPEScaling:
		if !a.computes("rope_factors_long.weight") { // a file that names it has no factors
			m.Rotation = h.Rope.unscaled()
			break
		}
		m.Rotation.Magnitude = first(g.float("rope.scaling.attn_factor"), 1)
	}
	m.Activation = a.Graph.Activation
	m.LatentEps = h.Eps
	m.Router = Router{
		Used: h.MoE.Used, Score: Score(first(h.MoE.Gating, int(a.Graph.Router.Score), Softmax)), Normalize: h.MoE.Normalize,
		Scale: h.MoE.Scale, Groups: h.MoE.Groups, GroupsUsed: h.MoE.GroupsUsed,
	}
	if m.Router.Score > SqrtSoftplusScore {
		g.keep(g.place("expert_gating_func").Unsupported("unsupported gating function %d", m.Router.Score))
	}
	m.Warming, m.WarmRope = Temperature{Scale: h.TemperatureScale, Floor: first(g.int("attention.temperature_length"), h.Rope.OriginalContext)}, true
	m.Local = h.Rope.local()
	m.Pooling = Pooling(g.int("pooling_type"))
	if a.fromFile != nil {
		a.fromFile(g, h)
	}
}
