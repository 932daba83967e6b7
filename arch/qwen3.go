package arch

import "slices"

// qwen3 drops Qwen 2's biases and normalizes every query and key head.
var qwen3 = Arch{
	Name:    "qwen3",
	Classes: []string{"Qwen3ForCausalLM", "Qwen3Model"},
	Defaults: map[string]Defaults{
		"": {Context: 32768, Eps: 1e-6, RopeBase: 1e4, HeadDim: 128},
	},
	Tensors: slices.Concat(trunk, attention(unmoved), attentionBias(unmoved), headNorms, mlp("mlp", "", ff)),
	Ignore:  []string{inverseFrequencies},
	Pooling: true,
	Graph:   Graph{SourceRope: RopeHalf, GGUFRope: RopeHalf, Layer: decoder(normedHeads)},
	Source:  Convention{Rope: RopeHalf},
	File:    Convention{Rope: RopeHalf},
}

// qwen3moe replaces the feed-forward network by routed experts.
var qwen3moe = Arch{
	Name:    "qwen3moe",
	Classes: []string{"Qwen3MoeForCausalLM"},
	Defaults: map[string]Defaults{
		"": {Context: 32768, Eps: 1e-6, RopeBase: 1e4},
	},
	Params: qwenMoEParams,
	Tensors: slices.Concat(trunk, attention(unmoved), attentionBias(unmoved), headNorms,
		in(dense, mlp("mlp", "", ff)),
		in(sparse, router("mlp.gate"), perExpert, fusedExperts),
	),
	Ignore: []string{inverseFrequencies},
	Graph:  Graph{SourceRope: RopeHalf, GGUFRope: RopeHalf, NormalizeExperts: true, Gating: Softmax, Layer: decoder(normedHeads)},
	Source: Convention{Rope: RopeHalf},
	File:   Convention{Rope: RopeHalf},
	Views:  fusedViews,
}
