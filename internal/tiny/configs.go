package tiny

import (
	"maps"
	"slices"
)

// Classes lists the classes that Write knows.
func Classes() []string { return slices.Sorted(maps.Keys(configs)) }

// configs holds one configuration of every class, with lengths that differ
// from each other so that a mixed-up one shows.
var configs = map[string]string{
	"LlamaForCausalLM": `{"architectures": ["LlamaForCausalLM"], "vocab_size": 300, "hidden_size": 48, "intermediate_size": 80,
		"num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 20, "max_position_embeddings": 128,
		"rms_norm_eps": 1e-5, "rope_theta": 500000.0,
		"rope_scaling": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 32}}`,
	"Qwen2ForCausalLM": `{"architectures": ["Qwen2ForCausalLM"], "vocab_size": 300, "hidden_size": 48, "intermediate_size": 80,
		"num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 128,
		"rms_norm_eps": 1e-6, "rope_theta": 1000000.0, "tie_word_embeddings": true}`,
}
