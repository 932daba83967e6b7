package arch

import "slices"

// bloom serves BLOOM: positions weigh on the scores, the embedding is
// normalized, and queries, keys and values are grouped by head in one matrix.
var bloom = Arch{
	Name:     "bloom",
	Classes:  []string{"BloomForCausalLM", "BloomModel"},
	Strip:    []string{"transformer."},
	Defaults: map[string]Defaults{"": {Keys: Keys{"layer_norm_epsilon": 1e-5, "rope_theta": 1e4, "tie_word_embeddings": true}}},
	Only:     Keys{"apply_residual_connection_post_layernorm": false},
	Common: []string{
		"context_length", "embedding_length", "feed_forward_length", "block_count", "attention.head_count", "attention.head_count_kv",
		"attention.layer_norm_epsilon",
	},
	Tensors: slices.Concat(
		[]Tensor{{Source: "word_embeddings.weight", Target: "token_embd.weight", Shape: []Dim{vocab, embed}}, head},
		affine("word_embeddings_layernorm", "token_embd_norm", embed, nil),
		affine("h.{i}.input_layernorm", "blk.{i}.attn_norm", embed, nil),
		affine("h.{i}.post_attention_layernorm", "blk.{i}.ffn_norm", embed, nil),
		affine("ln_f", "output_norm", embed, nil),
		affine("h.{i}.self_attention.query_key_value", "blk.{i}.attn_qkv", qkvRows, embed, ungroup(0, 3)...),
		affine("h.{i}.self_attention.dense", "blk.{i}.attn_output", embed, oCols),
		affine("h.{i}.mlp.dense_h_to_4h", "blk.{i}.ffn_up", ff, embed),
		affine("h.{i}.mlp.dense_4h_to_h", "blk.{i}.ffn_down", embed, ff),
	),
	Graph: Graph{
		Activation: GELUTanh,
		Input:      func(h Hyper) Input { return Input{Norm: &Norm{"token_embd_norm", LayerNorm, h.LayerEps, "", false}} },
		Layer:      decoder(centered, ungated, unrotated, positionsWeigh),
		Output:     centeredOutput,
	},
	Views: groupedViews("h.{i}.self_attention.query_key_value"),

	sizes: func(c *reader, h *Hyper) {
		h.FF = 4 * h.Embed
		h.Context = first(c.int("seq_length"), h.Embed)
	},
}
