package arch

import "slices"

// gemma3 serves the text models of Gemma 3: Gemma 2 with normalized query and
// key heads in place of the soft cap on scores, five layers with a window and a
// rotation of their own for each without, and a context stretched in the
// latter.
var gemma3 = Arch{
	Name:       "gemma3",
	Classes:    []string{"Gemma3ForCausalLM", "Gemma3ForConditionalGeneration"},
	Strip:      []string{"language_model."},
	Vocabulary: gemmaVocabulary,
	Defaults: map[string]Defaults{"": {Keys: Keys{
		"max_position_embeddings": 131072, "rms_norm_eps": 1e-6, "rope_theta": 1e6, "rope_local_base_freq": 1e4, "num_key_value_heads": 4, "head_dim": 256,
		"query_pre_attn_scalar": 256.0, "sliding_window": 4096, "tie_word_embeddings": true,
		// The published configurations with a vision part leave out even these.
		"vocab_size": 262208, "hidden_size": 2304, "intermediate_size": 9216, "num_hidden_layers": 26, "num_attention_heads": 8,
	}, StatesHead: true, windows: listedLayers(6)}},
	Only: Keys{"use_bidirectional_attention": false},
	Params: []Param{
		number("final_logit_softcapping", 0, "final_logit_softcapping"),
		u32("attention.sliding_window", func(h Hyper, _ int) int { return h.Meaning.Window }),
	},
	Tensors: slices.Concat(gemmaTrunk, attention(unmoved), attentionBias(unmoved), offsetHeadNorms, mlp("mlp", "", ff)),
	Ignore:  append([]string{inverseFrequencies}, otherModalities...),
	Graph:   Graph{Activation: GELUTanh, Input: embedScaled, Layer: decoder(sandwiched, normedHeads), Output: cappedOutput},
	Source:  Convention{Rope: RopeHalf, NormOffset: 1},
	File:    Convention{Rope: RopeHalf},

	losses:     []lossRule{otherScalar(62)},
	fromConfig: (*reader).queryScalar,
	fromFile: func(g *fileReader, h *Hyper) {
		h.queryScalar(62)
		g.gemmaWindows(h)
	},
}

// gemmaWindows reads the windows, and what layers with one rotate by.
func (g *fileReader) gemmaWindows(h *Hyper) {
	g.window(h, 0, 6)
	if h.Rope.LocalBase = first(h.Rope.LocalBase, 1e4); h.Meaning.Window > 0 {
		h.Meaning.Local = h.Rope.local()
	} else {
		h.Meaning.Local = nil
	}
}

// offsetHeadNorms normalize each query and key head, stored without their
// offset of 1.
var offsetHeadNorms = []Tensor{
	{Source: "model.layers.{i}.self_attn.q_norm.weight", Target: "blk.{i}.attn_q_norm.weight", Shape: []Dim{headDim}, Ops: offset},
	{Source: "model.layers.{i}.self_attn.k_norm.weight", Target: "blk.{i}.attn_k_norm.weight", Shape: []Dim{headDim}, Ops: offset},
}
