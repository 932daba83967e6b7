package arch

import "slices"

// glm4 serves GLM 4 and Z1 of April 2025: norms before and after each part,
// biases of queries, keys and values, and half of each head rotated.
var glm4 = Arch{
	Name:       "glm4",
	Classes:    []string{"Glm4ForCausalLM"},
	Vocabulary: glmVocabulary,
	Defaults: map[string]Defaults{"": {Keys: Keys{
		"max_position_embeddings": 131072, "rms_norm_eps": 1.5625e-07, "rope_theta": 1e4, "num_key_value_heads": 2, "head_dim": 128, "partial_rotary_factor": 0.5,
	}, StatesHead: true}},
	Params: []Param{u32("rope.dimension_count", func(h Hyper, _ int) int { return h.Rope.Dim })},
	Tensors: slices.Concat([]Tensor{
		{Source: "model.embed_tokens.weight", Target: "token_embd.weight", Shape: []Dim{vocab, embed}},
		{Source: "model.layers.{i}.input_layernorm.weight", Target: "blk.{i}.attn_norm.weight", Shape: []Dim{embed}},
		{Source: "model.layers.{i}.post_self_attn_layernorm.weight", Target: "blk.{i}.post_attention_norm.weight", Shape: []Dim{embed}},
		{Source: "model.layers.{i}.post_attention_layernorm.weight", Target: "blk.{i}.ffn_norm.weight", Shape: []Dim{embed}},
		{Source: "model.layers.{i}.post_mlp_layernorm.weight", Target: "blk.{i}.post_ffw_norm.weight", Shape: []Dim{embed}},
		{Source: "model.norm.weight", Target: "output_norm.weight", Shape: []Dim{embed}},
		{Source: "lm_head.weight", Target: "output.weight", Shape: []Dim{vocab, embed}, Optional: true, Untied: true},
	}, attention(unmoved), attentionBias(unmoved), fusedMLP),
	Ignore: []string{inverseFrequencies},
	Graph:  Graph{Layer: decoder(sandwiched, fusedGate)},
	Source: Convention{Rope: RopeInterleaved},
	File:   Convention{Rope: RopeInterleaved},
}
