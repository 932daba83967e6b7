package arch

import "slices"

// qwen3 drops Qwen 2's biases and normalizes every query and key head.
var qwen3 = Arch{
	Name:     "qwen3",
	Classes:  []string{"Qwen3ForCausalLM", "Qwen3Model"},
	Defaults: map[string]Defaults{"": {Keys: qwen2Keys.and(Keys{"head_dim": 128}), windows: fromLayer}},
	Tensors:  slices.Concat(trunk, attention(unmoved), attentionBias(unmoved), headNorms, mlp("mlp", "", ff)),
	Ignore:   []string{inverseFrequencies},
	Pooling:  true,
	Graph:    Graph{Layer: decoder(normedHeads)},
	Source:   Convention{Rope: RopeHalf},
	File:     Convention{Rope: RopeHalf},
}

// qwen3moe replaces the feed-forward network by routed experts.
var qwen3moe = Arch{
	Name:    "qwen3moe",
	Classes: []string{"Qwen3MoeForCausalLM"},
	Defaults: map[string]Defaults{"": {Keys: qwen2Keys.and(Keys{
		"num_key_value_heads": 4, "moe_intermediate_size": 768, "num_experts": 128, "num_experts_per_tok": 8, "norm_topk_prob": false,
	}), windows: whereUsed}},
	Params: qwenMoEParams,
	Tensors: slices.Concat(trunk, attention(unmoved), attentionBias(unmoved), headNorms,
		in(dense, mlp("mlp", "", ff)),
		in(sparse, router("mlp.gate"), perExpert, fusedExperts),
	),
	Ignore: []string{inverseFrequencies},
	Graph:  Graph{Router: Router{Score: SoftmaxScore, Normalize: true}, Layer: decoder(normedHeads)},
	Source: Convention{Rope: RopeHalf},
	File:   Convention{Rope: RopeHalf},
	Views:  fusedViews,
}
