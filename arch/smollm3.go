package arch

import (
	"slices"

	"github.com/f190792d/mq/formats/fault"
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
	fromFile:   func(_ *fileReader, h *Hyper) { h.Meaning.NoRope = every(unrotatedEvery, h.Layers) },
}

// noRope reads which layers are not rotated: one in four, as files imply.
func (c *reader) noRope(layers int) []bool {
	for layer, rotated := range c.ints("no_rope_layers") {
		if want := (layer+1)%unrotatedEvery != 0; want != (rotated == 1) {
			c.keep(fault.Unsupported("convert: config.json: key \"no_rope_layers\": layer %d deviates from one unrotated layer in %d, which a GGUF file implies", layer, unrotatedEvery))
		}
	}
	if n := c.int("no_rope_layer_interval"); !c.states("no_rope_layers") && n != 0 && n != unrotatedEvery {
		c.keep(fault.Unsupported("convert: config.json: key \"no_rope_layer_interval\": one unrotated layer in %d, but a GGUF file implies one in %d (key \"no_rope_layers\")", n, unrotatedEvery))
	}
	return every(unrotatedEvery, layers)
}

// unrotatedEvery is llama.cpp's interval of unrotated layers.
const unrotatedEvery = 4
