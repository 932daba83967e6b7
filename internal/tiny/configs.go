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
	"MistralForCausalLM": `{"architectures": ["MistralForCausalLM"], "vocab_size": 300, "hidden_size": 40, "intermediate_size": 72,
		"num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16, "max_position_embeddings": 128,
		"rms_norm_eps": 1e-5, "rope_theta": 1000000.0, "sliding_window": null}`,
	"MixtralForCausalLM": `{"architectures": ["MixtralForCausalLM"], "vocab_size": 300, "hidden_size": 48, "intermediate_size": 40,
		"num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 128,
		"rms_norm_eps": 1e-5, "rope_theta": 1000000.0, "num_local_experts": 4, "num_experts_per_tok": 2}`,
	"SmolLM3ForCausalLM": `{"architectures": ["SmolLM3ForCausalLM"], "vocab_size": 300, "hidden_size": 48, "intermediate_size": 80,
		"num_hidden_layers": 5, "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 128,
		"rms_norm_eps": 1e-6, "rope_theta": 2000000.0, "no_rope_layers": [1, 1, 1, 0, 1], "tie_word_embeddings": true}`,
	"Llama4ForCausalLM": `{"architectures": ["Llama4ForCausalLM"], "vocab_size": 300, "hidden_size": 48, "intermediate_size": 24,
		"intermediate_size_mlp": 80, "num_hidden_layers": 4, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 20,
		"max_position_embeddings": 256, "rms_norm_eps": 1e-5, "rope_theta": 500000.0, "num_local_experts": 4, "num_experts_per_tok": 1,
		"interleave_moe_layer_step": 2, "no_rope_layers": [1, 1, 1, 0]}`,
	"Ministral3ForCausalLM": `{"architectures": ["Ministral3ForCausalLM"], "model_type": "ministral3", "vocab_size": 300, "hidden_size": 48,
		"intermediate_size": 80, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 20,
		"max_position_embeddings": 256, "rms_norm_eps": 1e-5, "rope_parameters": {"rope_type": "yarn", "rope_theta": 1000000.0, "factor": 16.0,
		"original_max_position_embeddings": 16, "beta_fast": 32.0, "beta_slow": 1.0, "mscale": 1.0, "mscale_all_dim": 1.0, "llama_4_scaling_beta": 0.1}}`,
	"Qwen2MoeForCausalLM": `{"architectures": ["Qwen2MoeForCausalLM"], "vocab_size": 300, "hidden_size": 48, "intermediate_size": 80,
		"num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 128, "rms_norm_eps": 1e-6,
		"rope_theta": 1000000.0, "num_experts": 6, "num_experts_per_tok": 2, "moe_intermediate_size": 24, "shared_expert_intermediate_size": 40}`,
	"Qwen3ForCausalLM": `{"architectures": ["Qwen3ForCausalLM"], "vocab_size": 300, "hidden_size": 48, "intermediate_size": 80,
		"num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 20, "max_position_embeddings": 128,
		"rms_norm_eps": 1e-6, "rope_theta": 1000000.0, "attention_bias": false}`,
	"Qwen3MoeForCausalLM": `{"architectures": ["Qwen3MoeForCausalLM"], "vocab_size": 300, "hidden_size": 48, "intermediate_size": 80,
		"num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 20, "max_position_embeddings": 128,
		"rms_norm_eps": 1e-6, "rope_theta": 1000000.0, "num_experts": 6, "num_experts_per_tok": 2, "moe_intermediate_size": 24, "norm_topk_prob": true}`,
	"DeepseekForCausalLM": `{"architectures": ["DeepseekForCausalLM"], "vocab_size": 300, "hidden_size": 48, "intermediate_size": 80,
		"num_hidden_layers": 3, "num_attention_heads": 4, "num_key_value_heads": 4, "max_position_embeddings": 128, "rms_norm_eps": 1e-6,
		"rope_theta": 10000.0, "first_k_dense_replace": 1, "moe_layer_freq": 1, "n_routed_experts": 6, "n_shared_experts": 2,
		"num_experts_per_tok": 2, "moe_intermediate_size": 24, "norm_topk_prob": false, "scoring_func": "softmax"}`,
	"DeepseekV2ForCausalLM": `{"architectures": ["DeepseekV2ForCausalLM"], "vocab_size": 300, "hidden_size": 48, "intermediate_size": 80,
		"num_hidden_layers": 3, "num_attention_heads": 4, "num_key_value_heads": 4, "max_position_embeddings": 128, "rms_norm_eps": 1e-6,
		"rope_theta": 10000.0, "first_k_dense_replace": 1, "n_routed_experts": 6, "n_shared_experts": 2, "num_experts_per_tok": 2,
		"moe_intermediate_size": 24, "routed_scaling_factor": 1.0, "q_lora_rank": null, "kv_lora_rank": 32, "qk_nope_head_dim": 20,
		"qk_rope_head_dim": 8, "v_head_dim": 12, "scoring_func": "softmax", "topk_method": "greedy",
		"rope_scaling": {"type": "yarn", "factor": 4, "original_max_position_embeddings": 32, "beta_fast": 32, "beta_slow": 1, "mscale": 0.707, "mscale_all_dim": 0.707}}`,
	"DeepseekV3ForCausalLM": `{"architectures": ["DeepseekV3ForCausalLM"], "vocab_size": 300, "hidden_size": 48, "intermediate_size": 80,
		"num_hidden_layers": 3, "num_attention_heads": 4, "num_key_value_heads": 4, "max_position_embeddings": 128, "rms_norm_eps": 1e-6,
		"rope_theta": 10000.0, "first_k_dense_replace": 1, "n_routed_experts": 8, "n_shared_experts": 1, "num_experts_per_tok": 2,
		"moe_intermediate_size": 24, "n_group": 4, "topk_group": 2, "routed_scaling_factor": 2.5, "norm_topk_prob": true, "scoring_func": "sigmoid",
		"topk_method": "noaux_tc", "q_lora_rank": 24, "kv_lora_rank": 32, "qk_nope_head_dim": 20, "qk_rope_head_dim": 8, "v_head_dim": 12,
		"rope_scaling": {"type": "yarn", "factor": 4, "original_max_position_embeddings": 32, "beta_fast": 32, "beta_slow": 1, "mscale": 1.0, "mscale_all_dim": 1.0}}`,
}
