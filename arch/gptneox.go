package arch

import "slices"

// gptneox serves GPT-NeoX, Pythia and their kin: layer norms and biases
// everywhere, queries, keys and values grouped by head in one matrix, part of
// each head rotated, and both parts of a layer added to its input.
var gptneox = Arch{
	Name:    "gptneox",
	Classes: []string{"GPTNeoXForCausalLM"},
	Defaults: map[string]Defaults{"": {Keys: Keys{
		"max_position_embeddings": 2048, "layer_norm_eps": 1e-5, "rotary_emb_base": 1e4, "rotary_pct": 0.25, "use_parallel_residual": true,
	}}},
	Common: []string{
		"context_length", "embedding_length", "block_count", "feed_forward_length", "rope.dimension_count", "attention.head_count", "use_parallel_residual",
		"attention.layer_norm_epsilon",
	},
	Params: []Param{
		u32("rope.dimension_count", func(h Hyper, _ int) int { return h.Rope.Dim }),
		truth("use_parallel_residual", true, "use_parallel_residual"),
		statedBase,
	},
	Tensors: slices.Concat(
		[]Tensor{
			{Source: "embed_out.weight", Target: "output.weight", Shape: []Dim{vocab, embed}, Optional: true, Untied: true},
			headOf("gpt_neox.embed_in.weight"),
			{Source: "gpt_neox.embed_in.weight", Target: "token_embd.weight", Shape: []Dim{vocab, embed}},
		},
		affine("gpt_neox.layers.{i}.input_layernorm", "blk.{i}.attn_norm", embed, nil),
		affine("gpt_neox.layers.{i}.post_attention_layernorm", "blk.{i}.ffn_norm", embed, nil),
		affine("gpt_neox.final_layer_norm", "output_norm", embed, nil),
		mayLack(slices.Concat(
			affine("gpt_neox.layers.{i}.attention.query_key_value", "blk.{i}.attn_qkv", qkvRows, embed, ungroup(0, 3)...),
			affine("gpt_neox.layers.{i}.attention.dense", "blk.{i}.attn_output", embed, oCols),
		)),
		affine("gpt_neox.layers.{i}.mlp.dense_h_to_4h", "blk.{i}.ffn_up", ff, embed),
		affine("gpt_neox.layers.{i}.mlp.dense_4h_to_h", "blk.{i}.ffn_down", embed, ff),
	),
	Graph: Graph{Activation: GELU, Output: centeredOutput, Layer: decoder(centered, ungated, func(h Hyper, layer int, l *Layer) {
		l.Parallel = !oneAfterTheOther(h, layer)
	})},
	Source: Convention{Rope: RopeHalf},
	File:   Convention{Rope: RopeHalf},
	Views:  groupedViews("gpt_neox.layers.{i}.attention.query_key_value"),
}
