package arch

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// step35 serves Step 3.5 and the text model of 3.7: windows in most layers, which
// have other query heads and rotate all of a head where the others rotate half,
// a gate for each head, and, after some dense layers, experts chosen by sigmoids
// beside one that all positions share. The last layers limit the activations.
// Prediction layers are kept; they are dense and have a window.
var step35 = Arch{
	Name:             "step35",
	Classes:          []string{"Step3p5ForCausalLM", "Step3p7ForConditionalGeneration"},
	Rename:           []string{"transformer.shared_head.output.", "shared_head.head.", "transformer.shared_head.", "shared_head."},
	KeepsPredictions: true,
	Defaults: map[string]Defaults{"": {Keys: Keys{
		"max_position_embeddings": 128000, "vocab_size": 128815, "hidden_size": 4096, "intermediate_size": 11264, "num_hidden_layers": 45, "num_attention_heads": 64,
		"num_key_value_heads": 8, "head_dim": 128, "rms_norm_eps": 1e-5, "rope_theta": 1e4, "moe_intermediate_size": 1280, "n_routed_experts": 288,
		"num_experts_per_tok": 8, "share_expert_dim": 1280, "moe_router_scaling_factor": 1.0,
	}, StatesHead: true}},
	Only: Keys{
		"attention_bias": false, "mlp_bias": false, "moe_router_activation": "sigmoid", "sink": false, "use_head_wise_attn_gate": true, "use_moe_router_bias": true,
		"use_qk_norm": true, "use_rope_layers": []any{}, "yarn_only_types": []any{"full_attention"}, "zero_centered": true,
	},
	Common: []string{
		"block_count", "context_length", "embedding_length", "feed_forward_length", "attention.head_count", "rope.freq_base", "rope.freq_base_swa",
		"attention.layer_norm_rms_epsilon", "expert_gating_func", "attention.key_length", "attention.value_length",
	},
	Params: []Param{
		{Key: "attention.head_count", From: func(h Hyper) (any, bool) { return perLayer(h, heads), true }},
		{Key: "attention.head_count_kv", From: func(h Hyper) (any, bool) { return perLayer(h, keyHeads), true }},
		u32("attention.sliding_window", func(h Hyper, _ int) int { return h.Meaning.Window }),
		{Key: slidingPattern, From: func(h Hyper) (any, bool) {
			return each(h.Layers+h.MTPLayers, func(i int) bool { return slidesAt(h, i) }), true
		}},
		u32("expert_count", experts),
		u32("expert_used_count", func(h Hyper, _ int) int { return h.MoE.Used }),
		u32("expert_feed_forward_length", expertFF),
		u32("expert_shared_feed_forward_length", sharedFF),
		f32("expert_weights_scale", func(h Hyper) float64 { return h.MoE.Scale }),
		{Key: "expert_weights_norm", From: func(h Hyper) (any, bool) { return h.MoE.Normalize, true }},
		always("leading_dense_block_count", func(h Hyper, _ int) int { return h.MoE.LeadingDense }),
		{Key: "moe_every_n_layers", From: func(Hyper) (any, bool) { return uint32(1), true }},
		{Key: "swiglu_clamp_exp", From: func(h Hyper) (any, bool) { return limitsOf(h, h.Meaning.Limits), h.Meaning.Limits != nil }},
		{Key: "swiglu_clamp_shexp", From: func(h Hyper) (any, bool) { return limitsOf(h, h.Meaning.SharedLimits), h.Meaning.SharedLimits != nil }},
		// llama.cpp halves what it rotates without a window; it takes a whole head.
		u32("rope.dimension_count", rotated(func(r Rope) int { return 2 * r.Dim })),
		u32("rope.dimension_count_swa", rotated(func(r Rope) int { return r.LocalDim })),
		u32("nextn_predict_layers", func(h Hyper, _ int) int { return h.MTPLayers }),
	},
	Tensors: withOps(map[string][]Op{"norm.weight": ops(AddOne)}, slices.Concat(trunk, attention(unmoved), headNorms, []Tensor{
		{Source: "model.layers.{i}.self_attn.g_proj.weight", Target: "blk.{i}.attn_gate.weight", Shape: []Dim{heads, embed}},
	},
		in(func(h Hyper, layer int) bool { return dense(h, layer) || predicts(h, layer) }, mlp("mlp", "", ff)),
		in(func(h Hyper, layer int) bool { return sparse(h, layer) && !predicts(h, layer) }, router("moe.gate"), []Tensor{
			{Source: "model.layers.{i}.moe.router_bias", Target: "blk.{i}.exp_probs_b.bias", Shape: []Dim{experts}},
			{Source: "model.layers.{i}.moe.gate_proj.weight", Target: "blk.{i}.ffn_gate_exps.weight", Shape: []Dim{experts, expertFF, embed}},
			{Source: "model.layers.{i}.moe.up_proj.weight", Target: "blk.{i}.ffn_up_exps.weight", Shape: []Dim{experts, expertFF, embed}},
			{Source: "model.layers.{i}.moe.down_proj.weight", Target: "blk.{i}.ffn_down_exps.weight", Shape: []Dim{experts, embed, expertFF}},
		}, mlp("share_expert", "_shexp", sharedFF)),
		in(predicts, deepseekPrediction),
	)),
	Ignore: append([]string{inverseFrequencies}, otherModalities...),
	Extra:  []Extra{{ropeFactors, blendedFactors}},
	Graph:  Graph{Router: Router{Score: SigmoidScore}, Layer: decoder(normedHeads, gatedAndLimited)},
	Source: Convention{Rope: RopeHalf, NormOffset: 1},
	File:   Convention{Rope: RopeHalf},

	sizes: (*reader).step35,
	fromConfig: func(c *reader, h *Hyper) {
		m := &h.Meaning
		m.Router = Router{Used: h.MoE.Used, Score: SigmoidScore, Normalize: true, Scale: h.MoE.Scale}
		m.Limits, m.SharedLimits = c.limits("swiglu_limits"), c.limits("swiglu_limits_shared")
		if m.Window = c.int("sliding_window"); m.Window == 0 && slices.Contains(m.Sliding, true) {
			c.keep(c.place("sliding_window").Corrupt(" is missing or 0"))
		}
		h.turnLocally()
	},
	fromFile: func(g *fileReader, h *Hyper) {
		m := &h.Meaning
		g.window(h, 0, 1)
		m.Sliding, _ = g.kvs.Bools(g.prefix + slidingPattern)
		m.Limits, m.SharedLimits = g.limits("swiglu_clamp_exp", h.Layers), g.limits("swiglu_clamp_shexp", h.Layers)
		h.Keyless = nil // every layer attends
		h.Rope.LocalDim = first(g.int("rope.dimension_count_swa"), h.Rope.Dim)
		h.Rope.Dim /= 2
		h.turnLocally()
	},
}

// gatedAndLimited gates each head, and limits what the activation gives and
// what it multiplies.
func gatedAndLimited(h Hyper, layer int, l *Layer) {
	m := h.Meaning
	l.Mixer.(*Attention).Gate = PerHeadGate
	own := sizeOf(m.SharedLimits, layer, 0) // of dense layers, too
	switch f := l.Feed.(type) {
	case *Dense:
		f.Limit, f.LimitAfter = own, own > 0
	case *Experts:
		f.Limit = sizeOf(m.Limits, layer, 0)
		f.LimitAfter = f.Limit > 0
		f.Shared.Limit, f.Shared.LimitAfter = own, own > 0
	}
}

// turnLocally rotates layers with a window by themselves; nothing divides their
// pairs.
func (h *Hyper) turnLocally() {
	m, r := &h.Meaning, h.Rope
	m.Rotation.Dim, m.Rotation.Divisors = r.Dim, h.divisors()
	r.Dim, r.LocalBase = r.LocalDim, first(r.LocalBase, r.Base)
	m.Local = r.local()
	m.Local.Factors = ""
}

// blendedFactors are Llama 3.1's divisors of the pairs that rotate without a
// window, and 1 for as many more as rotate with one. The reference converter
// blends them in float64.
func blendedFactors(h Hyper) []float32 {
	r := h.Rope
	if r.Scaling != "llama3" {
		return nil
	}
	factors := slices.Repeat([]float32{1}, h.divisors())
	for j := range r.Dim / 2 {
		frequency := 1 / float32(math.Pow(r.Base, float64(float32(2*j)/float32(r.Dim))))
		turns := float64(r.OriginalContext) * float64(frequency) / (2 * math.Pi)
		smooth := min(max((turns-r.LowFreqFactor)/(r.HighFreqFactor-r.LowFreqFactor), 0), 1)
		factors[j] = float32(1 / (float64((1-smooth)/r.Factor) + smooth))
	}
	return factors
}

// rotated is a number of dimensions where not half of a head rotates, or all of
// it in layers with a window.
func rotated(dims func(Rope) int) Dim {
	return func(h Hyper, _ int) int {
		if r := h.Rope; 2*r.Dim == h.HeadDim && r.LocalDim == h.HeadDim {
			return 0
		}
		return dims(h.Rope)
	}
}

// divisors are as many as the pairs of the layers that rotate most.
func (h Hyper) divisors() int {
	if sliding := h.Meaning.Sliding; slices.Contains(sliding[:min(len(sliding), h.Layers)], true) {
		return max(h.Rope.Dim, h.Rope.LocalDim) / 2
	}
	return h.Rope.Dim / 2
}

// step35 reads sizes that differ by layer, those of prediction layers among
// them. What the lists leave out is as in layers without a window.
func (c *reader) step35(h *Hyper) {
	m, layers := &h.MoE, h.Layers+h.DroppedLayers
	kinds := append(c.strings("layer_types"), c.strings("mtp_layer_types")...)
	h.Meaning.Sliding = each(layers, func(i int) bool { return sizeOf(kinds, i, "") == slidingLayer })
	by := func(sliding, full int) (int, []int) {
		sizes := layerSizes(layers, func(i int) int {
			if h.Meaning.Sliding[i] {
				return sliding
			}
			return full
		})
		return sizeOf(sizes, 0, full), differing(sizes)
	}
	other := c.sub("attention_other_setting")
	h.KVHeads = first(c.int("num_attention_groups", "num_key_value_heads"), h.Heads)
	h.KVHeads, h.ByLayer.KVHeads = by(first(other.int("num_attention_groups"), h.KVHeads), h.KVHeads)
	h.Heads, h.ByLayer.Heads = by(first(c.int("num_sliding_attention_heads"), other.int("num_attention_heads"), h.Heads), h.Heads)
	c.keepOf(other)

	h.Rope.LocalBase = first(h.Rope.LocalBase, c.ofLayers(true, "rope_theta"))
	h.Rope.Dim = int(float64(h.HeadDim) * first(c.sub("rope_parameters").sub("full_attention").float("partial_rotary_factor"), c.ofLayers(false, "partial_rotary_factors"), 1))
	local := first(c.sub("rope_parameters").sub("sliding_attention").float("partial_rotary_factor"), c.ofLayers(true, "partial_rotary_factors"), 1)
	h.Rope.LocalDim = int(float64(h.HeadDim) * local)

	m.Experts, m.Used = c.int("moe_num_experts", "n_routed_experts"), c.int("moe_top_k", "num_experts_per_tok")
	m.SharedFF, m.Scale, m.Normalize = c.need("share_expert_dim", "share_expert_dims"), c.float("moe_router_scaling_factor"), true
	m.Gating = Sigmoid
	if listed := c.layerNumbers("moe_layers_enum"); listed != nil {
		m.Listed = each(layers, func(i int) bool { return slices.Contains(listed, i) })
	}
	if m.LeadingDense = max(slices.Index(m.Listed, true), 0); m.Listed == nil {
		m.LeadingDense = 3
	}
	for i, sparse := range m.Listed[:min(h.Layers, len(m.Listed))] {
		if sparse != (i >= m.LeadingDense) {
			c.keep(c.place("moe_layers_enum", "mlp_layer_types").Unsupported("layer %d is dense after one with experts, which a GGUF file cannot say", i))
		}
	}
}

// layerNumbers reads numbers of layers, as a list or with commas between.
func (c *reader) layerNumbers(key string) (listed []int) {
	if value, _ := c.given(key); isList(value) {
		return c.ints(key)
	}
	for part := range strings.SplitSeq(c.string(key), ",") {
		if n, err := strconv.Atoi(strings.TrimSpace(part)); err == nil {
			listed = append(listed, n)
		}
	}
	return listed
}

// limits reads the limits of the layers, 0 where null says that there is none.
func (c *reader) limits(key string) (limits []float64) {
	value, _ := c.given(key)
	list, _ := value.([]any)
	for _, x := range list {
		limit, err := strconv.ParseFloat(fmt.Sprint(x), 64)
		if x != nil && !(err == nil && limit >= 0) {
			c.keep(c.place(key).Corrupt("%v is not a limit", x))
		}
		limits = append(limits, limit)
	}
	return limits
}

// limits reads the limits of a file, one for every layer or one for all.
func (g *fileReader) limits(key string, layers int) []float64 {
	if limits, ok := g.kvs.Floats(g.prefix + key); ok {
		return limits
	}
	return slices.Repeat([]float64{g.float(key)}, layers)
}

// limitsOf lists the limits of all layers that are kept.
func limitsOf(h Hyper, limits []float64) []float32 {
	all := make([]float32, h.Layers+h.MTPLayers)
	for i := range all {
		all[i] = float32(sizeOf(limits, i, 0))
	}
	return all
}

// slidesAt reports whether a layer has a window.
func slidesAt(h Hyper, layer int) bool { return at(h.Meaning.Sliding, layer, false) }
