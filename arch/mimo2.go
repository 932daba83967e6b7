package arch

import "slices"

// mimo2 serves MiMo V2 Flash: windows in most layers, which have more key heads
// and a score without a value for each head, values smaller than keys and scaled,
// and DeepSeek V3's choice of experts after a dense layer. Prediction layers
// are kept; they are dense and have a window.
var mimo2 = Arch{
	Name:             "mimo2",
	Classes:          []string{"MiMoV2FlashForCausalLM"},
	Rename:           []string{"self_attn.sinks", "self_attn.attention_sink_bias"},
	KeepsPredictions: true,
	Late:             "attention.layer_norm_rms_epsilon",
	Defaults: map[string]Defaults{"": {Keys: Keys{
		"max_position_embeddings": 131072, "rope_theta": 5e6, "swa_rope_theta": 1e4, "partial_rotary_factor": 0.334, "num_key_value_heads": 4, "head_dim": 192,
		"v_head_dim": 128, "sliding_window": 129, "attention_value_scale": 0.707, "first_k_dense_replace": 1, "moe_intermediate_size": 2048, "n_routed_experts": 256,
		"num_experts_per_tok": 8, "n_group": 1, "topk_group": 1, "norm_topk_prob": true, "scoring_func": "sigmoid",
	}, StatesHead: true, windows: mimoSlides}},
	Only: Keys{"add_full_attention_sink_bias": false, "add_swa_attention_sink_bias": true, "attention_bias": false},
	Params: []Param{
		u32("attention.sliding_window", func(h Hyper, _ int) int { return h.Meaning.Window }),
		{Key: slidingPattern, From: func(h Hyper) (any, bool) {
			return perLayer(h, func(h Hyper, layer int) int { return int(oneIf(slides(h, layer))) }), true
		}},
		u32("expert_feed_forward_length", expertFF),
		{Key: "expert_weights_scale", From: func(h Hyper) (any, bool) { return float32(h.MoE.Scale), orOne(h.MoE.Scale) != 1 }},
		u32("rope.dimension_count", func(h Hyper, _ int) int { return h.Rope.Dim }),
		f32("attention.layer_norm_rms_epsilon", func(h Hyper) float64 { return h.Eps }),
		number("attention.value_scale", 0, "attention_value_scale"),
		u32("nextn_predict_layers", func(h Hyper, _ int) int { return h.MTPLayers }),
	},
	Tensors: slices.Concat([]Tensor{
		embedding, outputNorm, head,
		{Source: "model.layers.{i}.input_layernorm.weight", Target: "blk.{i}.attn_norm.weight", Shape: []Dim{embed}},
	}, attention(unmoved),
		in(slides, []Tensor{{Source: "model.layers.{i}.self_attn.attention_sink_bias", Target: "blk.{i}.attn_sinks.weight", Shape: []Dim{heads}}}),
		in(func(h Hyper, layer int) bool { return !predicts(h, layer) }, []Tensor{
			{Source: "model.layers.{i}.post_attention_layernorm.weight", Target: "blk.{i}.ffn_norm.weight", Shape: []Dim{embed}},
		}),
		in(func(h Hyper, layer int) bool { return dense(h, layer) || predicts(h, layer) }, mlp("mlp", "", ff)),
		in(func(h Hyper, layer int) bool { return sparse(h, layer) && !predicts(h, layer) }, router("mlp.gate"), routerBias, perExpert[1:], perExpert[:1], fusedExperts),
		in(predicts, []Tensor{
			{Source: "model.layers.{i}.pre_mlp_layernorm.weight", Target: "blk.{i}.ffn_norm.weight", Shape: []Dim{embed}},
			{Source: "model.layers.{i}.eh_proj.weight", Target: "blk.{i}.nextn.eh_proj.weight", Shape: []Dim{embed, twice(embed)}},
			{Source: "model.layers.{i}.enorm.weight", Target: "blk.{i}.nextn.enorm.weight", Shape: []Dim{embed}},
			{Source: "model.layers.{i}.hnorm.weight", Target: "blk.{i}.nextn.hnorm.weight", Shape: []Dim{embed}},
			{Source: "model.layers.{i}.final_layernorm.weight", Target: "blk.{i}.layer_output_norm.weight", Shape: []Dim{embed}},
		}),
	),
	Ignore: []string{inverseFrequencies},
	Graph: Graph{Router: Router{Score: SigmoidScore, Normalize: true}, Layer: decoder(func(h Hyper, layer int, l *Layer) {
		a := l.Mixer.(*Attention)
		a.Sinks, a.ValueScale = slides(h, layer), orOne(h.Value("attention.value_scale"))
	})},
	Source: Convention{Rope: RopeHalf},
	File:   Convention{Rope: RopeHalf},
	Views:  fusedViews,

	sizes: func(c *reader, h *Hyper) {
		h.ValueDim, h.Eps = c.need("v_head_dim"), first(h.Eps, c.amount("layernorm_epsilon"), 1e-5)
		h.Rope.LocalBase = first(h.Rope.LocalBase, c.amount("swa_rope_theta"))
		full, local := h.KVHeads, first(c.int("swa_num_key_value_heads"), 2*h.KVHeads)
		h.keyHeadsBy(layerSizes(h.Layers, func(i int) int {
			if mimoSlides(c, *h, i) {
				return local
			}
			return full
		}), local)
		if listed := c.ints("moe_layer_freq"); len(listed) > 0 {
			h.MoE.Listed = each(len(listed), func(i int) bool { return listed[i] == 1 })
		}
	},
	fromConfig: func(c *reader, h *Hyper) {
		c.deepseek(h)
		if n := c.int("sliding_window_size"); n > 0 { // keys beside the query's own
			h.Meaning.Window = n + 1
		}
	},
	fromFile: func(g *fileReader, h *Hyper) {
		h.MoE.LeadingDense = 1
		h.Meaning.Window = g.int("attention.sliding_window")
		pattern, _ := g.kvs.Ints(g.prefix + slidingPattern)
		h.Meaning.Sliding = each(h.Layers, func(i int) bool { return sizeOf(pattern, i, 0) == 1 })
		if all := h.ByLayer.KVHeads; len(all) > 0 {
			h.keyHeadsBy(all[:min(h.Layers, len(all))], all[len(all)-1])
		}
	},
}

// mimoSlides names the layers with a window, or has all slide but the first and
// every sixth.
func mimoSlides(c *reader, _ Hyper, layer int) bool {
	if kinds := c.strings("layer_types"); len(kinds) > 0 {
		return layer < len(kinds) && kinds[layer] == slidingLayer
	}
	if listed := c.ints("hybrid_layer_pattern"); len(listed) > 0 {
		return sizeOf(listed, layer, 0) == 1
	}
	return layer > 0 && (layer+1)%6 != 0
}

// slides selects the layers with a window, prediction layers among them.
func slides(h Hyper, layer int) bool {
	return layer >= h.Layers || at(h.Meaning.Sliding, layer, false)
}

// keyHeadsBy gives layers their key heads, and those after the last others
// where not all are alike.
func (h *Hyper) keyHeadsBy(layers []int, behind int) {
	h.KVHeads = sizeOf(layers, 0, behind)
	if h.ByLayer.KVHeads = differing(layers); h.ByLayer.KVHeads != nil {
		h.KVHeads = behind
	}
}
