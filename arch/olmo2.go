package arch

import (
	"fmt"
	"slices"
)

// olmo2 serves OLMo 2, whose norms stand after each part instead of before,
// and OLMo 3, which adds a window in three layers of four and stretches the
// rotation of the others alone.
var olmo2 = Arch{
	Name:    "olmo2",
	Classes: []string{"Olmo2ForCausalLM", "Olmo3ForCausalLM"},
	Defaults: map[string]Defaults{
		"": {Keys: Keys{"max_position_embeddings": 2048, "rms_norm_eps": 1e-5, "rope_theta": 1e4}},
		"Olmo3ForCausalLM": {Keys: Keys{
			"max_position_embeddings": 2048, "rms_norm_eps": 1e-5, "rope_theta": 5e5, "rope_local_base_freq": 5e5, "sliding_window": 4096,
		}, windows: listedLayers(4)},
	},
	Params:  windowParams,
	Tensors: slices.Concat([]Tensor{head, tiedHead, embedding, outputNorm}, postNorms, attention(unmoved), attentionBias(unmoved), outputBias, rowNorms, mlp("mlp", "", ff)),
	Ignore:  []string{inverseFrequencies},
	Graph:   Graph{Layer: decoder(postNormed, normedRows)},
	Source:  Convention{Rope: RopeHalf},
	File:    Convention{Rope: RopeHalf},

	losses: []lossRule{oneBase},
	fromFile: func(g *fileReader, h *Hyper) {
		g.window(h, 0, 4)
		if h.Meaning.Window > 0 {
			h.Rope.LocalBase = first(h.Rope.LocalBase, h.Rope.Base)
			h.Meaning.Local = h.Rope.local()
		}
	},
}

// oneBase is in the file, and mq computes what the model does.
func oneBase(_ *reader, _ Arch, h Hyper) (l Loss) {
	if h.Rope.LocalBase != 0 && h.Rope.LocalBase != h.Rope.Base {
		l.Text = fmt.Sprintf("rope_theta: llama.cpp rotates layers with a window by %v as it does the others, the model by %v: its results differ from the model's", h.Rope.Base, h.Rope.LocalBase)
	}
	return l
}
