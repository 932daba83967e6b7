package arch

import "slices"

// mistral3 serves the text part of Mistral Small 3.1 and 3.2, Magistral and
// Devstral, and Ministral 3, which stretches its context with YaRN and scales
// queries with their position.
var mistral3 = Arch{
	Name:       "mistral3",
	Scaled:     true,
	Classes:    []string{"Mistral3ForConditionalGeneration", "Ministral3ForCausalLM"},
	Strip:      []string{"language_model."},
	Vocabulary: llamaVocabulary,
	Defaults: map[string]Defaults{
		"":                      mistralDefaults,
		"Ministral3ForCausalLM": ministralDefaults,
		"Mistral3ForConditionalGeneration with ministral3": ministralDefaults,
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
}

var ministralDefaults = Defaults{
	Keys: Keys{
		"max_position_embeddings": 262144, "rms_norm_eps": 1e-5, "rope_theta": 1e4, "num_key_value_heads": 8, "head_dim": 128,
		"rope_parameters": Keys{
			"rope_type": "yarn", "rope_theta": 1e6, "factor": 16.0, "original_max_position_embeddings": 16384, "beta_fast": 32.0, "beta_slow": 1.0,
			"mscale": 1.0, "mscale_all_dim": 1.0, "llama_4_scaling_beta": 0.1,
		},
	},
	StatesHead: true, windows: everyLayer,
}
