package arch

import "slices"

// qwen2 serves Qwen 1.5, 2 and 2.5: biases on query, key and value, and
// rotated dimensions paired by halves in checkpoint and file alike.
var qwen2 = Arch{
	Name:    "qwen2",
	Classes: []string{"Qwen2ForCausalLM", "Qwen2Model"},
	Defaults: map[string]Defaults{
		"": {Context: 32768, Eps: 1e-6, RopeBase: 1e4},
	},
	Tensors: slices.Concat(trunk, attention(unmoved), attentionBias(unmoved), mlp("mlp", "", ff)),
	Ignore:  []string{inverseFrequencies},
	Pooling: true,
	Graph:   Graph{SourceRope: RopeHalf, GGUFRope: RopeHalf},
	Source:  Convention{Rope: RopeHalf},
	File:    Convention{Rope: RopeHalf},
}

// qwen2moe serves Qwen 1.5 MoE and Qwen 2 57B-A14B: routed experts beside one
// shared expert with a gate of its own.
var qwen2moe = Arch{
	Name:    "qwen2moe",
	Classes: []string{"Qwen2MoeForCausalLM"},
	Defaults: map[string]Defaults{
		"": {Context: 32768, Eps: 1e-6, RopeBase: 1e4},
	},
	Params: qwenMoEParams,
	Tensors: slices.Concat(trunk, attention(unmoved), attentionBias(unmoved),
		in(dense, mlp("mlp", "", ff)),
		in(sparse, router("mlp.gate"), perExpert, fusedExperts, mlp("mlp.shared_expert", "_shexp", sharedFF), sharedExpertGate),
	),
	Ignore: []string{inverseFrequencies},
	Graph:  Graph{SourceRope: RopeHalf, GGUFRope: RopeHalf, Gating: Softmax, Layer: decoder(gatedShared)},
	Source: Convention{Rope: RopeHalf},
	File:   Convention{Rope: RopeHalf},
	Views:  fusedViews,
}

var qwenMoEParams = []Param{
	u32("expert_feed_forward_length", func(h Hyper, _ int) int {
		if !h.MoE.StatesFF {
			return 0
		}
		return h.MoE.FF
	}),
	u32("expert_shared_feed_forward_length", sharedFF),
}
