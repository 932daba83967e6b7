package arch

import "slices"

// glm4moe serves GLM 4.5, 4.6, 4.7 and Air: half of each head is rotated,
// leading dense layers, then DeepSeek V3's choice of experts. The larger models
// normalize query and key heads. Prediction layers are kept.
var glm4moe = Arch{
	Name:             "glm4moe",
	Classes:          []string{"Glm4MoeForCausalLM"},
	Vocabulary:       glmMoEVocabulary,
	KeepsPredictions: true,
	Late:             "expert_gating_func",
	Defaults: map[string]Defaults{"": {Keys: Keys{
		"max_position_embeddings": 131072, "rms_norm_eps": 1e-5, "rope_theta": 1e4, "partial_rotary_factor": 0.5, "num_key_value_heads": 8,
		"first_k_dense_replace": 1, "moe_intermediate_size": 1408, "n_routed_experts": 128, "n_shared_experts": 1, "num_experts_per_tok": 8,
		"n_group": 1, "topk_group": 1, "norm_topk_prob": true, "routed_scaling_factor": 1.0, "scoring_func": "sigmoid",
	}}},
	Params: []Param{
		u32("rope.dimension_count", func(h Hyper, _ int) int { return h.Rope.Dim }),
		u32("expert_feed_forward_length", expertFF),
		always("expert_shared_count", func(h Hyper, _ int) int { return h.MoE.Shared }),
		always("leading_dense_block_count", func(h Hyper, _ int) int { return h.MoE.LeadingDense }),
		u32("expert_gating_func", func(h Hyper, _ int) int { return h.MoE.Gating }),
		f32("expert_weights_scale", func(h Hyper) float64 { return h.MoE.Scale }),
		{Key: "expert_weights_norm", From: func(h Hyper) (any, bool) { return h.MoE.Normalize, true }},
		always("nextn_predict_layers", func(h Hyper, _ int) int { return h.MTPLayers }),
	},
	Tensors: slices.Concat(postTrunk, attention(unmoved), attentionBias(unmoved), optional(slices.Clone(headNorms)),
		in(dense, mlp("mlp", "", ff)),
		in(sparse, router("mlp.gate"), routerBias, perExpert, fusedExperts, mlp("mlp.shared_experts", "_shexp", sharedFF)),
		in(predicts, deepseekPrediction),
	),
	Ignore: []string{inverseFrequencies},
	Graph:  Graph{Layer: decoder(mayNormHeads, feedNormed), Router: Router{Score: SigmoidScore}},
	Source: Convention{Rope: RopeHalf},
	File:   Convention{Rope: RopeHalf},
	Views:  fusedViews,

	fromConfig: (*reader).deepseek,
}
