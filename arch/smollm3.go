package arch

import (
	"slices"
)

// smollm3 is Llama's decoder with every fourth layer left unrotated.
var smollm3 = Arch{
	Name:    "smollm3",
	Classes: []string{"SmolLM3ForCausalLM"},
	Defaults: map[string]Defaults{"": {Keys: Keys{
		"max_position_embeddings": 32768, "rms_norm_eps": 1e-6, "rope_theta": 2e6, "num_key_value_heads": 4, "use_sliding_window": false,
		"tie_word_embeddings": true, "no_rope_layer_interval": 4,
	}, windows: unrotatedLayers}},
	Params:     llamaParams,
	Vocabulary: llamaVocabulary,
	Tensors:    slices.Concat(trunk, attention(permuted), attentionBias(permuted), mlp("mlp", "", ff)),
	Ignore:     []string{inverseFrequencies},
	Extra:      llamaExtra,
	Source:     Convention{Rope: RopeHalf},
	File:       Convention{Rope: RopeInterleaved},

	fromConfig: func(c *reader, h *Hyper) { h.Meaning.NoRope = c.noRope(h.Layers) },
	fromFile:   func(_ *fileReader, h *Hyper) { h.Meaning.NoRope = everyFourth(h.Layers) },
}
