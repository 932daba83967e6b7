package arch

import "slices"

// embeddingGemma serves EmbeddingGemma: Gemma 3 as an encoder, whose windows
// reach to both sides, with matrices after the pooling.
var embeddingGemma = Arch{
	Name:       "gemma-embedding",
	Classes:    []string{"Gemma3TextModel"},
	Vocabulary: gemmaVocabulary,
	Defaults:   gemma3.Defaults,
	Only:       Keys{"use_bidirectional_attention": true},
	Params:     slices.Concat(gemma3.Params, projectionParams(), []Param{poolingType}),
	Tensors:    slices.Concat(gemma3.Tensors, projectionTensors()),
	First:      [][]string{{"dense_2.weight"}, {"dense_3.weight"}},
	Graph: Graph{Activation: GELUTanh, Input: embedScaled, Layer: decoder(sandwiched, normedHeads, encoding), Output: func(h Hyper) Output {
		return Output{Norm: rms("output_norm", h), Kind: Embeddings, Pooling: h.Meaning.Pooling, Projections: projections(h)}
	}},
	Source: gemma3.Source,
	File:   gemma3.File,

	losses: []lossRule{otherScalar(0)},
	fromConfig: func(c *reader, h *Hyper) {
		if !c.states("use_bidirectional_attention") {
			c.keep(c.place("use_bidirectional_attention").Corrupt(" is missing; embedding models have it true"))
		}
		c.queryScalar(h)
	},
	fromFile: func(g *fileReader, h *Hyper) {
		h.queryScalar(0)
		g.gemmaWindows(h)
	},
}
