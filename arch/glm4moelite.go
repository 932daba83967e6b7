package arch

import "slices"

// glm4moeLite serves GLM 4.7 Flash: DeepSeek V3's layers in a file of the same
// architecture, which keeps the prediction layers. Its file always says how
// experts are scored, which llama.cpp otherwise knows of the published model
// alone.
var glm4moeLite = Arch{
	Name:             deepseek2.Name,
	Classes:          []string{"Glm4MoeLiteForCausalLM"},
	Only:             deepseek2.Only,
	Vocabulary:       glmMoEVocabulary,
	KeepsPredictions: true,
	Defaults: map[string]Defaults{"": {Keys: Keys{
		"max_position_embeddings": 202752, "rms_norm_eps": 1e-5, "rope_theta": 1e4, "q_lora_rank": 768, "kv_lora_rank": 512, "qk_nope_head_dim": 192,
		"qk_rope_head_dim": 64, "v_head_dim": 256, "moe_intermediate_size": 1536, "n_routed_experts": 64, "n_shared_experts": 1,
		"num_experts_per_tok": 4, "n_group": 1, "topk_group": 1, "norm_topk_prob": true, "routed_scaling_factor": 1.8, "scoring_func": "sigmoid",
	}}},
	Params:  slices.Concat(deepseek2.Params, predictionParams),
	Tensors: slices.Concat(deepseek2.Tensors, in(predicts, deepseekPrediction)),
	Ignore:  deepseek2.Ignore,
	Graph:   deepseek2.Graph,
	Source:  deepseek2.Source,
	File:    deepseek2.File,
	Views:   deepseek2.Views,

	losses:     deepseek2.losses,
	fromConfig: deepseek2.fromConfig,
	sizes: func(_ *reader, h *Hyper) { // the first layer is dense, or the layers are listed
		h.HasHeadDim = false // sizes of heads stand with the others of latent attention
		h.MoE.LeadingDense = 1
		if kinds := h.MoE.Listed; kinds != nil {
			h.MoE.LeadingDense = max(slices.Index(kinds, true), 0)
		}
	},
}
