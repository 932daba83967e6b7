package arch

import (
	"math"
	"slices"
	"strconv"
)

// gemma4 serves the text models of Gemma 4: Gemma 3's layers without offsets
// in the norms, heads of another size where there is no window, of whose pairs
// a part turns, values normalized; and, by model, keys that are the values, keys
// and values shared by the last layers, embeddings by layer, and experts beside
// the dense part.
var gemma4 = Arch{
	Name:       "gemma4",
	Classes:    []string{"Gemma4ForCausalLM", "Gemma4ForConditionalGeneration", "Gemma4UnifiedForConditionalGeneration"},
	Strip:      []string{"language_model."},
	Vocabulary: gemma4Vocabulary,
	Defaults: map[string]Defaults{"": {Keys: Keys{
		"max_position_embeddings": 131072, "rms_norm_eps": 1e-6, "intermediate_size": 9216, "num_key_value_heads": 4, "head_dim": 256, "global_head_dim": 512,
		"sliding_window": 512, "hidden_size_per_layer_input": 256, "tie_word_embeddings": true, "rope_parameters": Keys{
			"full_attention":    Keys{"rope_type": "proportional", "partial_rotary_factor": 0.25, "rope_theta": 1e6},
			"sliding_attention": Keys{"rope_type": "default", "rope_theta": 1e4},
		},
	}, StatesHead: true, windows: func(c *reader, h Hyper, layer int) bool {
		return listedLayers(6)(c, h, layer) && layer < h.Layers-1
	}}},
	Only: Keys{"attention_bias": false},
	Params: []Param{
		number("final_logit_softcapping", 0, "final_logit_softcapping"),
		u32("attention.sliding_window", func(h Hyper, _ int) int { return h.Meaning.Window }),
		always("attention.shared_kv_layers", func(h Hyper, _ int) int { return h.SharedKeys }),
		always("embedding_length_per_layer_input", func(h Hyper, _ int) int { return h.LayerEmbed }),
		{Key: slidingPattern, From: func(h Hyper) (any, bool) { return h.Meaning.Sliding, h.Meaning.Window > 0 }},
		u32("attention.key_length_swa", func(h Hyper, _ int) int { return h.LocalDim }),
		u32("attention.value_length_swa", func(h Hyper, _ int) int { return h.LocalDim }),
		u32("expert_feed_forward_length", func(h Hyper, _ int) int {
			if h.MoE.Experts == 0 {
				return 0
			}
			return h.MoE.FF
		}),
		u32("rope.dimension_count", func(h Hyper, _ int) int { return h.Rope.Dim }),
		u32("rope.dimension_count_swa", func(h Hyper, _ int) int { return h.LocalDim }),
	},
	Tensors: slices.Concat([]Tensor{
		embedding, outputNorm, head,
		{Source: "model.layers.{i}.input_layernorm.weight", Target: "blk.{i}.attn_norm.weight", Shape: []Dim{embed}},
		{Source: "model.layers.{i}.pre_feedforward_layernorm.weight", Target: "blk.{i}.ffn_norm.weight", Shape: []Dim{embed}},
		{Source: "model.layers.{i}.layer_scalar", Target: "blk.{i}.layer_output_scale.weight", Shape: []Dim{one}, Optional: true},
		{Source: "model.layers.{i}.self_attn.q_proj.weight", Target: "blk.{i}.attn_q.weight", Shape: []Dim{qRows, embed}},
		{Source: "model.layers.{i}.self_attn.q_norm.weight", Target: "blk.{i}.attn_q_norm.weight", Shape: []Dim{headDim}},
		{Source: "model.layers.{i}.self_attn.o_proj.weight", Target: "blk.{i}.attn_output.weight", Shape: []Dim{embed, oCols}},
	},
		postNorms, mlp("mlp", "", ff), in(ownKeys, ownKeysAndValues), in(sharedKeys, idle(ownKeysAndValues)),
		in(layerEmbedded, layerEmbedding), in(sparse, gemma4Experts),
	),
	Ignore: append([]string{inverseFrequencies}, otherModalities...),
	Extra:  []Extra{{ropeFactors, turningPairs}},
	Graph: Graph{
		Activation: GELUTanh, Router: Router{Score: SoftmaxScore, Normalize: true}, Output: cappedOutput,
		Input: func(h Hyper) Input { return Input{Scale: math.Sqrt(float64(h.Embed)), PerLayer: byLayer(h)} },
		Layer: decoder(sandwiched, normedHeads, gemma4Layer),
	},
	Source: Convention{Rope: RopeHalf},
	File:   Convention{Rope: RopeHalf},
	losses: []lossRule{turningInTensor},

	sizes: func(c *reader, h *Hyper) {
		h.LocalDim, h.HeadDim = h.HeadDim, c.ofFullLayers("global_head_dim", "head_dim")
		h.ValueDim, h.Rope.Dim = h.HeadDim, h.HeadDim
		h.SharedKeys, h.LayerEmbed = c.int("num_kv_shared_layers"), c.int("hidden_size_per_layer_input")
		if h.MoE = (MoE{}); c.bool("enable_moe_block") {
			h.MoE = MoE{Experts: c.need("num_experts"), Used: c.need("top_k_experts"), FF: c.need("moe_intermediate_size"), StatesFF: true, Normalize: true}
		}
		if c.bool("use_double_wide_mlp") {
			h.ByLayer.FF = differing(layerSizes(h.Layers, func(i int) int { return h.FF * (1 + int(oneIf(i >= h.Layers-h.SharedKeys))) }))
		}
		h.FF = sizeOf(h.ByLayer.FF, 0, h.FF)
	},
	fromConfig: func(c *reader, h *Hyper) {
		m := &h.Meaning
		m.Scale, m.Router.Normalize = 1, true
		m.Local = h.ownRotation(h.LocalDim)
		if full := c.ofFullLayers("num_global_key_value_heads", "num_key_value_heads"); full > 0 && c.bool("attention_k_eq_v") {
			h.ByLayer.KVHeads = differing(layerSizes(h.Layers, func(i int) int {
				if at(m.Sliding, i, false) {
					return h.KVHeads
				}
				return full
			}))
			h.KVHeads = sizeOf(h.ByLayer.KVHeads, 0, h.KVHeads)
		}
		if c.string("use_bidirectional_attention") == "all" {
			c.keep(c.place("use_bidirectional_attention").Unsupported("all is not supported, only vision is"))
		}
		c.keysOfLast(h)
	},
	fromFile: func(g *fileReader, h *Hyper) {
		m := &h.Meaning
		m.Scale = 1
		g.window(h, 0, 1)
		h.LocalDim, h.SharedKeys, h.LayerEmbed = g.int("attention.key_length_swa"), g.int("attention.shared_kv_layers"), g.int("embedding_length_per_layer_input")
		m.Local = h.ownRotation(first(g.int("rope.dimension_count_swa"), h.LocalDim))
		g.keysOfLast(h)
	},
}

// keysOfLast has the last layers use keys and values of the last before them that
// has a window as they have.
func (c *reader) keysOfLast(h *Hyper) {
	m := &h.Meaning
	m.KeysOf = keysOf(*h, func(i int) int {
		for j := h.Layers - h.SharedKeys - 1; j >= 0; j-- {
			if at(m.Sliding, i, false) == at(m.Sliding, j, false) {
				return j + 1
			}
		}
		c.keep(c.place("num_kv_shared_layers").Corrupt("no layer before the last %d has keys for layer %d", h.SharedKeys, i))
		return 0
	})
}

// keysOfLast is llama.cpp's rule: the last layer of its own keys has no window,
// the one before it has.
func (g *fileReader) keysOfLast(h *Hyper) {
	m := &h.Meaning
	m.KeysOf = keysOf(*h, func(i int) int {
		if of := h.Layers - h.SharedKeys - int(oneIf(at(m.Sliding, i, false))); of > 0 {
			return of
		}
		g.keep(g.place("attention.shared_kv_layers").Corrupt("%d of %d layers share keys, which leaves none to share", h.SharedKeys, h.Layers))
		return 0
	})
}

// ownKeysAndValues are what layers lack that use those of others.
var ownKeysAndValues = []Tensor{
	{Source: "model.layers.{i}.self_attn.k_proj.weight", Target: "blk.{i}.attn_k.weight", Shape: []Dim{kRows, embed}},
	{Source: "model.layers.{i}.self_attn.k_norm.weight", Target: "blk.{i}.attn_k_norm.weight", Shape: []Dim{headDim}},
	{Source: "model.layers.{i}.self_attn.v_proj.weight", Target: "blk.{i}.attn_v.weight", Shape: []Dim{vRows, embed}, Optional: true},
}

// layerEmbedding is what embeddings by layer need.
var layerEmbedding = []Tensor{
	{Source: "model.embed_tokens_per_layer.weight", Target: "per_layer_token_embd.weight", Shape: []Dim{vocab, allLayersEmbed}},
	{Source: "model.per_layer_model_projection.weight", Target: "per_layer_model_proj.weight", Shape: []Dim{allLayersEmbed, embed}},
	{Source: "model.per_layer_projection_norm.weight", Target: "per_layer_proj_norm.weight", Shape: []Dim{layerEmbed}},
	{Source: "model.layers.{i}.per_layer_input_gate.weight", Target: "blk.{i}.inp_gate.weight", Shape: []Dim{layerEmbed, embed}},
	{Source: "model.layers.{i}.per_layer_projection.weight", Target: "blk.{i}.proj.weight", Shape: []Dim{embed, layerEmbed}},
	{Source: "model.layers.{i}.post_per_layer_input_norm.weight", Target: "blk.{i}.post_norm.weight", Shape: []Dim{embed}},
}

// gemma4Experts run beside the dense part, each with norms of its own.
var gemma4Experts = slices.Concat([]Tensor{
	{Source: "model.layers.{i}.post_feedforward_layernorm_1.weight", Target: "blk.{i}.post_ffw_norm_1.weight", Shape: []Dim{embed}},
	{Source: "model.layers.{i}.pre_feedforward_layernorm_2.weight", Target: "blk.{i}.pre_ffw_norm_2.weight", Shape: []Dim{embed}},
	{Source: "model.layers.{i}.post_feedforward_layernorm_2.weight", Target: "blk.{i}.post_ffw_norm_2.weight", Shape: []Dim{embed}},
	{Source: "model.layers.{i}.router.scale", Target: "blk.{i}.ffn_gate_inp.scale", Shape: []Dim{embed}},
	{Source: "model.layers.{i}.router.per_expert_scale", Target: "blk.{i}.ffn_down_exps.scale", Shape: []Dim{experts}},
	{Source: "model.layers.{i}.experts.gate_up_proj", Target: "blk.{i}.ffn_gate_up_exps.weight", Shape: []Dim{experts, twice(expertFF), embed}},
	{Source: "model.layers.{i}.experts.down_proj", Target: "blk.{i}.ffn_down_exps.weight", Shape: []Dim{experts, embed, expertFF}},
}, router("router.proj"))

func layerEmbed(h Hyper, _ int) int     { return h.LayerEmbed }
func allLayersEmbed(h Hyper, _ int) int { return h.LayerEmbed * h.Layers }

func layerEmbedded(h Hyper, _ int) bool  { return h.LayerEmbed > 0 }
func ownKeys(h Hyper, layer int) bool    { return sizeOf(h.Meaning.KeysOf, layer, 0) == 0 }
func sharedKeys(h Hyper, layer int) bool { return !ownKeys(h, layer) }

// ownRotation is that of layers with a window, of heads of another size.
func (h *Hyper) ownRotation(dim int) *Rotation {
	local := h.Rope.local()
	if local != nil {
		local.Dim, local.Turning, local.Factors = dim, 0, ""
	}
	return local
}

// gemma4Layer is what a layer of Gemma 4 does otherwise.
func gemma4Layer(h Hyper, layer int, l *Layer) {
	a := l.Mixer.(*Attention)
	a.ValueNorm, a.ValueOptional = true, a.KeysOf == 0 && !at(h.Meaning.Sliding, layer, false)
	l.PerLayer, l.OutScale = byLayer(h), true
	e, ok := l.Feed.(*Experts)
	if !ok {
		return
	}
	e.Norm, e.Router.Unit, e.Router.ByExpert = rms("blk.{i}.pre_ffw_norm_2", h), h.Eps, true
	beside := &Dense{Width: ff(h, layer), Gated: true, Activation: h.Meaning.Activation}
	l.Feed, l.FeedNorm = Feeds{
		&NormedFeed{Before: l.FeedNorm, After: rms("blk.{i}.post_ffw_norm_1", h), Feed: beside},
		&NormedFeed{After: rms("blk.{i}.post_ffw_norm_2", h), Feed: e},
	}, nil
}

// byLayer describes embeddings by layer.
func byLayer(h Hyper) *PerLayer {
	if h.LayerEmbed == 0 {
		return nil
	}
	return &PerLayer{Width: h.LayerEmbed, Eps: h.Eps, Activation: h.Meaning.Activation}
}

// turningPairs are the divisors that keep all but the first pairs from turning.
func turningPairs(h Hyper) []float32 {
	factors := make([]float32, h.Rope.Dim/2)
	for i := range factors {
		if factors[i] = 1; h.Meaning.Rotation.Turning > 0 && i >= h.Meaning.Rotation.Turning {
			factors[i] = 1e30
		}
	}
	return factors
}

// turningInTensor says that the file has divisors for the pairs that do not
// turn.
func turningInTensor(_ *reader, _ Arch, _ Hyper) Loss {
	return Loss{InTensor: true, Patch: func(m *Model) { m.rotations(func(r *Rotation) { r.Turning = 0 }) }}
}

// layerSizes asks every layer for its size.
func layerSizes(layers int, size func(layer int) int) []int {
	all := make([]int, min(layers, mostLayers))
	for i := range all {
		all[i] = size(i)
	}
	return all
}

// keysOf asks the layers that use keys of others for those.
func keysOf(h Hyper, of func(layer int) int) []int {
	if h.SharedKeys == 0 {
		return nil
	}
	return layerSizes(h.Layers, func(i int) int {
		if i < h.Layers-h.SharedKeys {
			return 0
		}
		return of(i)
	})
}

// ofFullLayers reads a count of the layers without a window: under a key of its
// own, or among those that transformers 5 lists by layer.
func (c *reader) ofFullLayers(key, listed string) int {
	if !c.states(key) {
		for i, kind := range c.strings("layer_types") {
			if n := c.sub("per_layer_config").sub(strconv.Itoa(i)).int(listed); n > 0 && kind != slidingLayer {
				return n
			}
		}
	}
	return c.int(key)
}
