package arch

import "slices"

// xlmRoberta serves XLM-RoBERTa and the embedding models with its layers, such
// as BGE M3 and the multilingual E5: BERT, with positions counted from behind
// the padding token on. A file has them without the rows before.
var xlmRoberta = Arch{
	Name:    "bert",
	Classes: []string{"XLMRobertaModel"},
	Strip:   []string{"roberta."},
	Defaults: map[string]Defaults{"": {Keys: Keys{
		"max_position_embeddings": 512, "layer_norm_eps": 1e-12, "hidden_act": "gelu", "type_vocab_size": 2, "pad_token_id": 1,
	}, AsStated: true}},
	Only:       bertOnly,
	Vocabulary: Vocabulary{Writer: Fairseq},
	Params:     encoderParams,
	Tensors:    slices.Concat([]Tensor{bertPositions(learned, slice(skipped, positions)...)}, bertTensors),
	Ignore:     bertHeads,
	Views:      []View{{Matrix: "position_embd.weight", Source: "embeddings.position_embeddings.weight", Rows: usedPositions}},
	Graph:      bert.Graph,

	sizes: func(c *reader, h *Hyper) {
		if c.has("pad_token_id") {
			h.Skipped = 1 + c.int("pad_token_id")
			h.Context -= h.Skipped
		}
	},
}

// skipped are the rows before the first position, learned all rows.
func skipped(h Hyper, _ int) int { return h.Skipped }
func learned(h Hyper, _ int) int { return h.Context + h.Skipped }

func usedPositions(h Hyper, _ int) []RowSet {
	return []RowSet{{learned(h, 0), h.Skipped, h.Context}}
}
