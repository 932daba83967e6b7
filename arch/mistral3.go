package arch

import "slices"

// mistral3 serves the text part of Mistral Small 3.1 and 3.2, Magistral and
// Devstral, and Ministral 3, which stretches its context with YaRN and scales
// queries with their position.
var mistral3 = Arch{
	Name:       "mistral3",
	Classes:    []string{"Mistral3ForConditionalGeneration", "Ministral3ForCausalLM"},
	Strip:      []string{"language_model."},
	Vocabulary: llamaVocabulary,
	Defaults: map[string]Defaults{
		"": {Context: 131072, Eps: 1e-6, RopeBase: 1e4, HeadDim: Derived},
	},
	Params: append(slices.Clip(llamaParams),
		Param{Key: "rope.scaling.yarn_log_multiplier", From: func(h Hyper) (any, bool) {
			return float32(h.Rope.MScaleAllDim), h.TemperatureScale != 0
		}},
		f32("attention.temperature_scale", func(h Hyper) float64 { return h.TemperatureScale }),
	),
	Tensors: slices.Concat(trunk, attention(permuted), mlp("mlp", "", ff)),
	Ignore:  append([]string{inverseFrequencies}, otherModalities...),
	Extra:   llamaExtra,
	Source:  Convention{Rope: RopeHalf},
	File:    Convention{Rope: RopeInterleaved},
	Graph:   Graph{SourceRope: RopeHalf, GGUFRope: RopeInterleaved},
}
