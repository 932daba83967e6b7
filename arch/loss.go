package arch

import (
	"fmt"
	"math"
	"slices"
)

var commonLosses = []lossRule{lostLatentEps, lostWindow, lostTemperature, lostScaling, lostNormalizing, lostWeight, ignoredFactor, wholePairs, otherGELU}

// lostLatentEps gives the norms within latent attention the epsilon of the
// others: their class does not ask the configuration for it.
func lostLatentEps(_ *reader, _ Arch, h Hyper) (l Loss) {
	if h.MLA.KVRank > 0 && h.Eps != h.Meaning.LatentEps {
		l.Patch = func(m *Model) {
			for i := range m.Layers {
				if a, ok := m.Layers[i].Mixer.(*LatentAttention); ok {
					a.NormEps = h.Eps
				}
			}
		}
		l.Text = fmt.Sprintf("rms_norm_eps is %v: llama.cpp takes it for the norms within latent attention, too, where the model has %v: its results differ a little from the model's", h.Eps, h.Meaning.LatentEps)
	}
	return l
}

// lostWindow lets queries see all positions. A window as long as the context
// is not missed.
func lostWindow(_ *reader, a Arch, h Hyper) (l Loss) {
	window := h.Meaning.Window
	if window == 0 || a.writes("attention.sliding_window") {
		return l
	}
	l.Patch = func(m *Model) { m.attentions(func(at *Attention) { at.Mask.Window = 0 }) }
	if (h.Context == 0 || window < h.Context) && slices.Contains(h.Meaning.Sliding, true) {
		l.Text = fmt.Sprintf("sliding_window: a file of architecture %s has no window, so llama.cpp attends to all positions; contexts of more than %d tokens differ from the model's", a.Name, window)
	}
	return l
}

// lostTemperature keeps the attention's temperature from growing.
func lostTemperature(_ *reader, a Arch, h Hyper) (l Loss) {
	if h.TemperatureScale == 0 || a.writes("attention.temperature_scale") {
		return l
	}
	l.Patch = func(m *Model) { m.attentions(func(at *Attention) { at.Temperature = nil }) }
	l.Text = fmt.Sprintf("llama_4_scaling_beta: the reference converter writes no key for it, so llama.cpp leaves out the attention's temperature; contexts of more than %d tokens differ from the model's", h.Rope.OriginalContext)
	return l
}

// lostScaling rotates positions without the scaling.
func lostScaling(_ *reader, a Arch, h Hyper) (l Loss) {
	switch s := h.Rope.Scaling; {
	case s == "dynamic":
		l.Text = fmt.Sprintf("rope_scaling: a file has no key for the type dynamic, so llama.cpp does not stretch positions; contexts of more than %d tokens differ from the model's", h.Context)
	case s == "longrope" && !a.computes("rope_factors_long.weight"):
		l.Text = "rope_scaling: the reference converter leaves the factors of longrope out for this architecture, so llama.cpp rotates positions without them: its results differ from the model's in every context"
	case s == "llama3" && a.computes(ropeFactors):
		l.InTensor = true
	case s == "llama3":
		l.Text = fmt.Sprintf("rope_scaling: a file of architecture %s has no factors of type llama3, so llama.cpp rotates positions without them: its results differ from the model's in every context", a.Name)
	default:
		return l
	}
	l.Patch = unscaled
	return l
}

// lostNormalizing takes the architecture's own choice whether experts' weights
// sum to 1.
func lostNormalizing(_ *reader, a Arch, h Hyper) (l Loss) {
	own := a.Graph.Router.Normalize
	if h.MoE.Experts == 0 || a.writes("expert_weights_norm") || h.MoE.Normalize == own {
		return l
	}
	l.Patch = func(m *Model) { m.routers(func(r *Router) { r.Normalize = own }) }
	l.Text = fmt.Sprintf("norm_topk_prob is %v: a file of architecture %s has no key for it, and llama.cpp takes it as %v: its results differ from the model's", h.MoE.Normalize, a.Name, own)
	return l
}

// lostWeight leaves the weights of experts unscaled.
func lostWeight(_ *reader, a Arch, h Hyper) (l Loss) {
	scale := orOne(h.Meaning.Router.Scale)
	if h.MoE.Experts == 0 || a.writes("expert_weights_scale") || scale == 1 {
		return l
	}
	l.Patch = func(m *Model) { m.routers(func(r *Router) { r.Scale = 1 }) }
	l.Text = fmt.Sprintf("routed_scaling_factor is %v: a file of architecture %s has no key for it, and llama.cpp does not scale the experts' weights: its results differ from the model's", scale, a.Name)
	return l
}

// ignoredFactor is in the file, and mq computes what the model does.
func ignoredFactor(_ *reader, _ Arch, h Hyper) (l Loss) {
	implied := magnitude(h.Rope.Factor, 1)
	if h.Rope.ggufScaling() == "yarn" && h.Rope.AttnFactor != 0 && math.Abs(h.Rope.AttnFactor-implied) > rounding && h.Compress.Ratios == nil {
		l.Text = fmt.Sprintf("rope_scaling: llama.cpp takes what the factor implies, %.4g, in place of attention_factor, %v: its results differ from the model's", implied, h.Rope.AttnFactor)
	}
	return l
}

// wholePairs is a blend of YaRN that begins and ends between pairs.
func wholePairs(_ *reader, _ Arch, h Hyper) (l Loss) {
	if h.Meaning.Rotation.Exact {
		l.Text = "rope_scaling: truncate is false: a file has no key for it, and llama.cpp rounds where YaRN's blend begins and ends: its results differ a little from the model's"
		l.Patch = func(m *Model) { m.rotations(func(r *Rotation) { r.Exact = false }) }
	}
	return l
}

// otherGELU is GELU where the file means its approximation, or the reverse.
func otherGELU(_ *reader, a Arch, h Hyper) (l Loss) {
	own, given := a.Graph.Activation, h.Meaning.Activation
	if names := [2]string{gelus[own], gelus[given]}; own != given && names[0] != "" && names[1] != "" {
		l.Patch = func(m *Model) { m.activations(func(f *Activation) { *f = own }) }
		l.Text = fmt.Sprintf("the activation is %s: a file has no key for it, and one of architecture %s means %s: its results differ a little from the model's", names[1], a.Name, names[0])
	}
	return l
}

var gelus = map[Activation]string{GELU: "GELU itself", GELUTanh: "GELU's approximation by tanh"}
