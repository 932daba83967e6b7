package arch

import "slices"

// seedOSS serves Seed-OSS: Llama's decoder with biases of queries, keys and
// values.
var seedOSS = Arch{
	Name:    "seed_oss",
	Classes: []string{"SeedOssForCausalLM"},
	Defaults: map[string]Defaults{"": {Keys: Keys{
		"max_position_embeddings": 524288, "rms_norm_eps": 1e-6, "rope_theta": 1e4, "num_key_value_heads": 8, "head_dim": 128,
	}, StatesHead: true}},
	Only:    Keys{"mlp_bias": false, "attention_out_bias": false},
	Tensors: slices.Concat(postTrunk, attention(unmoved), attentionBias(unmoved), mlp("mlp", "", ff)),
	Ignore:  []string{inverseFrequencies},
	Graph:   Graph{Layer: decoder(feedNormed)},
	Source:  Convention{Rope: RopeHalf},
	File:    Convention{Rope: RopeHalf},
}
