package arch

import "slices"

// nomicBERT serves Nomic Embed 1 and 1.5: BERT with rotated positions and
// gates, and without biases.
var nomicBERT = Arch{
	Name:    "nomic-bert",
	Classes: []string{"NomicBertModel"},
	Defaults: map[string]Defaults{"": {Keys: Keys{
		"max_position_embeddings": 2048, "layer_norm_eps": 1e-12, "hidden_act": "silu", "type_vocab_size": 2, "rope_theta": 1000.0,
	}, AsStated: true}},
	Only: Keys{
		"prenorm": false, "causal": false, "qkv_proj_bias": false, "mlp_fc1_bias": false, "mlp_fc2_bias": false, "use_rms_norm": false, "parallel_block": false,
		"rotary_emb_fraction": 1.0, "rotary_emb_interleaved": false,
	},
	Params: encoderParams,
	Tensors: slices.Concat(
		[]Tensor{
			{Source: "embeddings.word_embeddings.weight", Target: "token_embd.weight", Shape: []Dim{vocab, embed}},
			{Source: "embeddings.token_type_embeddings.weight", Target: "token_types.weight", Shape: []Dim{tokenTypes, embed}, F32: true},
			{Source: "encoder.layers.{i}.attn.Wqkv.weight", Target: "blk.{i}.attn_qkv.weight", Shape: []Dim{qkvRows, embed}},
			{Source: "encoder.layers.{i}.attn.out_proj.weight", Target: "blk.{i}.attn_output.weight", Shape: []Dim{embed, oCols}},
			{Source: "encoder.layers.{i}.mlp.fc11.weight", Target: "blk.{i}.ffn_up.weight", Shape: []Dim{ff, embed}},
			{Source: "encoder.layers.{i}.mlp.fc12.weight", Target: "blk.{i}.ffn_gate.weight", Shape: []Dim{ff, embed}},
			{Source: "encoder.layers.{i}.mlp.fc2.weight", Target: "blk.{i}.ffn_down.weight", Shape: []Dim{embed, ff}},
		},
		affine("emb_ln", "token_embd_norm", embed, nil),
		affine("encoder.layers.{i}.norm1", "blk.{i}.attn_output_norm", embed, nil),
		affine("encoder.layers.{i}.norm2", "blk.{i}.layer_output_norm", embed, nil),
	),
	Ignore: bertHeads,
	Graph: Graph{
		Input:  func(h Hyper) Input { return Input{TokenTypes: true, Norm: centeredEmbedding(h)} },
		Layer:  decoder(encoding, normedSums),
		Output: embeddings,
	},
	Source: Convention{Rope: RopeHalf},
	File:   Convention{Rope: RopeHalf},

	// The models claim positions that they are not trained for.
	sizes: func(c *reader, h *Hyper) {
		switch trained := first(c.int("max_trained_positions"), 2048); {
		case c.int("n_positions") == 8192 && trained == 2048:
			h.Context = 2048
		case c.int("n_positions") == 2048 && trained == 2048:
			h.Context = 512
		}
	},
}
