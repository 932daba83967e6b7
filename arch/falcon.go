package arch

import "slices"

// falcon serves Falcon 7B, 11B, 40B and 180B: queries, keys and values grouped
// by key head in one matrix, both parts of a layer added to its input. The
// largest two have a norm for each part.
var falcon = Arch{
	Name:    "falcon",
	Classes: []string{"FalconForCausalLM", "RWForCausalLM"},
	Strip:   []string{"transformer."},
	Defaults: map[string]Defaults{"": {Keys: Keys{
		"max_position_embeddings": 2048, "layer_norm_epsilon": 1e-5, "rope_theta": 1e4, "multi_query": true, "new_decoder_architecture": false,
		"tie_word_embeddings": true,
	}}},
	Only: Keys{"alibi": false, "parallel_attn": true, "activation": "gelu"},
	Common: []string{
		"context_length", "tensor_data_layout", "embedding_length", "feed_forward_length", "block_count", "attention.head_count", "attention.head_count_kv",
		"attention.layer_norm_epsilon",
	},
	Params: []Param{
		{Key: "tensor_data_layout", From: func(Hyper) (any, bool) { return "jploski", true }}, // how queries, keys and values follow each other
		statedBase,
	},
	Tensors: slices.Concat(
		[]Tensor{{Source: "word_embeddings.weight", Target: "token_embd.weight", Shape: []Dim{vocab, embed}}, head},
		optional(affine("h.{i}.input_layernorm", "blk.{i}.attn_norm", embed, nil)),
		optional(affine("h.{i}.ln_mlp", "blk.{i}.attn_norm", embed, nil)),
		optional(affine("h.{i}.ln_attn", "blk.{i}.attn_norm_2", embed, nil)),
		affine("ln_f", "output_norm", embed, nil),
		mayLack(slices.Concat(
			affine("h.{i}.self_attention.query_key_value", "blk.{i}.attn_qkv", qkvRows, embed, ungroup(0, 3)...),
			affine("h.{i}.self_attention.dense", "blk.{i}.attn_output", embed, oCols),
			affine("h.{i}.mlp.dense_h_to_4h", "blk.{i}.ffn_up", ff, embed),
			affine("h.{i}.mlp.dense_4h_to_h", "blk.{i}.ffn_down", embed, ff),
		)),
	),
	Graph: Graph{Activation: GELU, Output: centeredOutput, Layer: decoder(parallel, ungated, func(_ Hyper, _ int, l *Layer) {
		l.MixNorm.Name, l.MixNorm.Else, l.FeedNorm.Name = "blk.{i}.attn_norm_2", "blk.{i}.attn_norm", "blk.{i}.attn_norm"
	}, centered)},
	Source: Convention{Rope: RopeHalf},
	File:   Convention{Rope: RopeHalf},
	Views:  groupedViews("h.{i}.self_attention.query_key_value"),

	sizes: func(c *reader, h *Hyper) {
		h.FF = first(c.int("ffn_hidden_size"), 4*h.Embed)
		h.KVHeads = first(c.int("num_kv_heads", "n_head_kv"), h.Heads)
		if c.bool("multi_query") && !c.bool("new_decoder_architecture") {
			h.KVHeads = 1
		}
	},
}
