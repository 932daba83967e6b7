package arch

import "slices"

// dots1 serves dots.llm1: Qwen 3's attention, leading dense layers, then
// DeepSeek V3's choice of experts.
var dots1 = Arch{
	Name:    "dots1",
	Classes: []string{"Dots1ForCausalLM"},
	Defaults: map[string]Defaults{"": {Keys: Keys{
		"max_position_embeddings": 2048, "rms_norm_eps": 1e-6, "rope_theta": 1e4, "num_key_value_heads": 32, "moe_intermediate_size": 1408,
		"n_group": 1, "topk_group": 1, "first_k_dense_replace": 0, "norm_topk_prob": false, "routed_scaling_factor": 1.0,
		"scoring_func": "sigmoid", "sliding_window": 4096, "max_window_layers": 62,
	}, windows: lateLayers}},
	Params: []Param{
		u32("expert_feed_forward_length", expertFF),
		always("leading_dense_block_count", func(h Hyper, _ int) int { return h.MoE.LeadingDense }),
		always("expert_shared_count", func(h Hyper, _ int) int { return h.MoE.Shared }),
		f32("expert_weights_scale", func(h Hyper) float64 { return h.MoE.Scale }),
		{Key: "expert_weights_norm", From: func(h Hyper) (any, bool) { return h.MoE.Normalize, true }},
	},
	Tensors: slices.Concat(trunk, attention(unmoved), attentionBias(unmoved), headNorms,
		in(dense, mlp("mlp", "", ff)),
		in(sparse, router("mlp.gate"), routerBias, perExpert, fusedExperts, mlp("mlp.shared_experts", "_shexp", sharedFF)),
	),
	Ignore: []string{inverseFrequencies},
	Graph:  Graph{Layer: decoder(normedHeads), Router: Router{Score: SoftmaxScore}},
	Source: Convention{Rope: RopeHalf},
	File:   Convention{Rope: RopeHalf},
	Views:  fusedViews,

	sizes:      func(c *reader, _ *Hyper) { c.need("n_routed_experts") },
	fromConfig: (*reader).deepseek,
	losses: []lossRule{func(_ *reader, _ Arch, h Hyper) (l Loss) {
		if h.KVHeads != h.Heads {
			l.Text = "num_key_value_heads: llama.cpp expects as many key heads as query heads in this architecture, and does not load this model"
		}
		return l
	}},
}
