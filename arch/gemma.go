package arch

import "slices"

// gemma serves Gemma 1 and CodeGemma: Llama's layers with GELU, norms stored
// without their offset of 1, and the embedding scaled by the root of its
// width.
var gemma = Arch{
	Name:       "gemma",
	Classes:    []string{"GemmaForCausalLM"},
	Vocabulary: Vocabulary{NoSpacePrefix: true, EOT: 107},
	Defaults: map[string]Defaults{"": {Keys: Keys{
		"max_position_embeddings": 8192, "rms_norm_eps": 1e-6, "rope_theta": 1e4, "num_key_value_heads": 16, "head_dim": 256, "tie_word_embeddings": true,
	}, StatesHead: true}},
	Only:   Keys{"use_bidirectional_attention": false},
	Common: gemma2.Common,
	Params: []Param{statedBase},
	Tensors: slices.Concat([]Tensor{
		{Source: "model.embed_tokens.weight", Target: "token_embd.weight", Shape: []Dim{vocab, embed}},
		{Source: "model.layers.{i}.input_layernorm.weight", Target: "blk.{i}.attn_norm.weight", Shape: []Dim{embed}, Ops: offset},
		{Source: "model.layers.{i}.post_attention_layernorm.weight", Target: "blk.{i}.ffn_norm.weight", Shape: []Dim{embed}, Ops: offset},
		{Source: "model.norm.weight", Target: "output_norm.weight", Shape: []Dim{embed}, Ops: offset},
		{Source: "lm_head.weight", Shape: []Dim{vocab, embed}, Optional: true}, // the embedding once more
	}, attention(unmoved), attentionBias(unmoved), mlp("mlp", "", ff)),
	Ignore: []string{inverseFrequencies},
	Graph:  Graph{Activation: GELUTanh, Input: embedScaled},
	Source: Convention{Rope: RopeHalf, NormOffset: 1},
	File:   Convention{Rope: RopeHalf},

	// The first releases say gelu and mean its approximation.
	fromConfig: func(_ *reader, h *Hyper) {
		if h.Meaning.Activation == GELU {
			h.Meaning.Activation = GELUTanh
		}
	},
}
