package arch

import "slices"

// exaoneMoE serves K-EXAONE: Llama's decoder with normalized query and key
// heads, a window and a rotation in three layers of four, and experts as
// DeepSeek V3 has them. The layers that predict further tokens are left out.
var exaoneMoE = Arch{
	Name:    "exaone-moe",
	Classes: []string{"ExaoneMoEForCausalLM", "ExaoneMoeForCausalLM"},
	Defaults: map[string]Defaults{"": {Keys: Keys{
		"max_position_embeddings": 2048, "intermediate_size": 16384, "rms_norm_eps": 1e-5, "rope_theta": 1e4, "num_key_value_heads": 32, "sliding_window": 4096,
		"first_k_dense_replace": 1, "moe_intermediate_size": 1024, "num_experts": 64, "num_experts_per_tok": 8, "num_shared_experts": 1, "norm_topk_prob": true,
		"routed_scaling_factor": 2.5, "n_group": 1, "topk_group": 1,
	}, windows: lettered}},
	Only: Keys{"attention_bias": false, "scoring_func": "sigmoid"},
	Params: slices.Concat([]Param{u32("vocab_size", vocab)}, windowParams, []Param{
		u32("expert_feed_forward_length", expertFF),
		u32("expert_shared_count", func(h Hyper, _ int) int { return h.MoE.Shared }),
		u32("expert_shared_feed_forward_length", sharedFF),
		f32("expert_weights_scale", func(h Hyper) float64 { return h.MoE.Scale }),
		{Key: "expert_weights_norm", From: func(h Hyper) (any, bool) { return h.MoE.Normalize, true }},
		always("leading_dense_block_count", func(h Hyper, _ int) int { return h.MoE.LeadingDense }),
		always("nextn_predict_layers", func(h Hyper, _ int) int { return h.MTPLayers }),
		unscaledRope,
	}),
	Tensors: slices.Concat(trunk, []Tensor{tiedHead}, attention(unmoved), headNorms,
		in(dense, mlp("mlp", "", ff)),
		in(sparse, router("mlp.gate"), perExpert, fusedExperts, []Tensor{
			{Source: "model.layers.{i}.mlp.e_score_correction_bias", Target: "blk.{i}.exp_probs_b.bias", Shape: []Dim{experts}, F32: true},
		}),
		in(sharing, mlp("mlp.shared_experts", "_shexp", sharedFF)),
	),
	Ignore: []string{inverseFrequencies, "mtp.*"},
	Views:  fusedViews,
	Graph:  Graph{Router: Router{Score: SigmoidScore}, Layer: decoder(normedHeads)},
	Source: Convention{Rope: RopeHalf},
	File:   Convention{Rope: RopeHalf},

	sizes: func(c *reader, h *Hyper) {
		h.MoE.Shared, h.MoE.Gating = c.int("num_shared_experts"), Sigmoid
		h.MoE.SharedFF = h.MoE.Shared * h.MoE.FF
	},
	fromConfig: func(c *reader, h *Hyper) {
		h.Meaning.Router = Router{
			Used: h.MoE.Used, Score: SigmoidScore, Normalize: h.MoE.Normalize, Scale: h.MoE.Scale, Groups: h.MoE.Groups, GroupsUsed: h.MoE.GroupsUsed,
		}
		h.rotatesWindows()
	},
	fromFile: func(g *fileReader, h *Hyper) {
		g.window(h, 128, unrotatedEvery)
		h.rotatesWindows()
	},
}

// lettered names the layers with a window, in words or by a letter each that
// repeat, or has all but every so many slide.
func lettered(c *reader, h Hyper, layer int) bool {
	if letters, ok := c.letters("sliding_window_pattern"); ok && len(c.strings("layer_types")) == 0 {
		return letters[layer%len(letters)] == 'L'
	}
	return listedLayers(4)(c, h, layer)
}

// letters reads a pattern of letters, where it is one.
func (c *reader) letters(key string) (string, bool) {
	layer, key, ok := c.stated([]string{key})
	if !ok {
		return "", false
	}
	text, err := layer.String(key)
	return text, err == nil && text != ""
}
