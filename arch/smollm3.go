package arch

import "slices"

// smollm3 is Llama's decoder with every fourth layer left unrotated.
var smollm3 = Arch{
	Name:    "smollm3",
	Classes: []string{"SmolLM3ForCausalLM"},
	Defaults: map[string]Defaults{
		"": {Context: 32768, Eps: 1e-6, RopeBase: 2e6},
	},
	Params:  llamaParams,
	Tensors: slices.Concat(trunk, attention(RopePermute), attentionBias(RopePermute), mlp("mlp", "", ff)),
	Ignore:  []string{inverseFrequencies},
	Extra:   llamaExtra,
	Graph:   Graph{SourceRope: RopeHalf, GGUFRope: RopeInterleaved, NoRopeEvery: 4},
}
