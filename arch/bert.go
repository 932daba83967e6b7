package arch

import "slices"

// bert serves BERT and the many embedding models with its layers, such as BGE,
// E5 and MiniLM: an encoder with learned positions and layer norms after the
// residual sums.
var bert = Arch{
	Name:    "bert",
	Classes: []string{"BertModel", "BertForMaskedLM"},
	Strip:   []string{"bert."},
	Rename:  oldNorms,
	Defaults: map[string]Defaults{"": {Keys: Keys{
		"max_position_embeddings": 512, "layer_norm_eps": 1e-12, "hidden_act": "gelu", "type_vocab_size": 2,
	}, AsStated: true}},
	Only:    bertOnly,
	Params:  encoderParams,
	Tensors: slices.Concat([]Tensor{bertPositions(positions)}, bertTensors),
	Ignore:  bertHeads,
	Graph: Graph{
		Activation: GELU,
		Input: func(h Hyper) Input {
			return Input{Positions: true, TokenTypes: true, Norm: centeredEmbedding(h)}
		},
		Layer:  decoder(ungated, unrotated, encoding, normedSums),
		Output: embeddings,
	},
}

// oldNorms are the names that BERT's first checkpoints have for the weights of
// norms.
var oldNorms = []string{".gamma", ".weight", ".beta", ".bias"}

// bertOnly are the values that BERT's graph is made for.
var bertOnly = Keys{"position_embedding_type": "absolute", "is_decoder": false}

// bertHeads are what models with BERT's layers have been trained with.
var bertHeads = []string{"pooler.*", "cls.*", "lm_head.*", "embeddings.position_ids"}

// encoderParams say that queries see all positions, and how embeddings pool.
var encoderParams = []Param{
	{Key: causal, Truth: true, Implied: 1, From: func(h Hyper) (any, bool) { return h.Value(causal) != 0, true }, compute: func(*reader, Hyper) float64 { return 0 }},
	poolingType,
}

func bertPositions(rows Dim, ops ...Op) Tensor {
	return Tensor{Source: "embeddings.position_embeddings.weight", Target: "position_embd.weight", Shape: []Dim{rows, embed}, Ops: ops, F32: true}
}

var bertTensors = slices.Concat(
	[]Tensor{
		{Source: "embeddings.word_embeddings.weight", Target: "token_embd.weight", Shape: []Dim{vocab, embed}},
		{Source: "embeddings.token_type_embeddings.weight", Target: "token_types.weight", Shape: []Dim{tokenTypes, embed}, F32: true},
	},
	affine("embeddings.LayerNorm", "token_embd_norm", embed, nil),
	affine("encoder.layer.{i}.attention.self.query", "blk.{i}.attn_q", qRows, embed),
	affine("encoder.layer.{i}.attention.self.key", "blk.{i}.attn_k", kRows, embed),
	affine("encoder.layer.{i}.attention.self.value", "blk.{i}.attn_v", vRows, embed),
	affine("encoder.layer.{i}.attention.output.dense", "blk.{i}.attn_output", embed, oCols),
	affine("encoder.layer.{i}.attention.output.LayerNorm", "blk.{i}.attn_output_norm", embed, nil),
	affine("encoder.layer.{i}.intermediate.dense", "blk.{i}.ffn_up", ff, embed),
	affine("encoder.layer.{i}.output.dense", "blk.{i}.ffn_down", embed, ff),
	affine("encoder.layer.{i}.output.LayerNorm", "blk.{i}.layer_output_norm", embed, nil),
)
