package arch

// mpt serves MPT: positions weigh on the scores, layer norms without biases,
// queries, keys and values in one matrix.
var mpt = Arch{
	Name:     "mpt",
	Classes:  []string{"MPTForCausalLM", "MptForCausalLM"},
	Strip:    []string{"transformer."},
	Defaults: map[string]Defaults{"": {Keys: Keys{"max_seq_len": 2048, "layer_norm_epsilon": 1e-5, "expansion_ratio": 4, "rope_theta": 1e4, "tie_word_embeddings": true}}},
	Only:     Keys{"no_bias": true, "attn_config.alibi": true, "attn_config.alibi_bias_max": 8, "attn_config.qk_ln": false, "attn_config.softmax_scale": nil, "logit_scale": nil},
	Common: []string{
		"context_length", "embedding_length", "block_count", "feed_forward_length", "attention.head_count", "attention.layer_norm_epsilon",
	},
	Params: []Param{
		number("attention.clamp_kqv", 0, "attn_config.clip_qkv"),
		f32(alibi, func(h Hyper) float64 { return h.Value(alibi) }),
	},
	Tensors: []Tensor{
		{Source: "wte.weight", Target: "token_embd.weight", Shape: []Dim{vocab, embed}},
		{Source: "blocks.{i}.norm_1.weight", Target: "blk.{i}.attn_norm.weight", Shape: []Dim{embed}},
		{Source: "blocks.{i}.attn.Wqkv.weight", Target: "blk.{i}.attn_qkv.weight", Shape: []Dim{qkvRows, embed}},
		{Source: "blocks.{i}.attn.out_proj.weight", Target: "blk.{i}.attn_output.weight", Shape: []Dim{embed, oCols}},
		{Source: "blocks.{i}.norm_2.weight", Target: "blk.{i}.ffn_norm.weight", Shape: []Dim{embed}},
		{Source: "blocks.{i}.ffn.up_proj.weight", Target: "blk.{i}.ffn_up.weight", Shape: []Dim{ff, embed}},
		{Source: "blocks.{i}.ffn.down_proj.weight", Target: "blk.{i}.ffn_down.weight", Shape: []Dim{embed, ff}},
		{Source: "norm_f.weight", Target: "output_norm.weight", Shape: []Dim{embed}},
		head,
	},
	Graph: Graph{Activation: GELU, Output: centeredOutput, Layer: decoder(centered, ungated, unrotated, clamped, func(h Hyper, _ int, l *Layer) { l.Mixer.(*Attention).ALiBi = h.Value(alibi) })},

	sizes: func(c *reader, h *Hyper) {
		h.FF = c.int("expansion_ratio") * h.Embed
		h.Context = c.int("max_seq_len")
		h.set(alibi, 8) // of transformers' class
	},
	fromFile: func(g *fileReader, h *Hyper) { h.set(alibi, g.float(alibi)) },
}

// alibi is the key of the exponent of a linear bias of positions.
const alibi = "attention.max_alibi_bias"
