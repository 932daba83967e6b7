package arch

import "slices"

// deepseek32 serves DeepSeek V3.2: V3 whose attention looks only at the keys
// that a small indexer picks. Its prediction layers are kept.
var deepseek32 = Arch{
	Name:             "deepseek32",
	Classes:          []string{"DeepseekV32ForCausalLM"},
	Only:             deepseek2.Only,
	KeepsPredictions: true,
	Defaults: map[string]Defaults{"": {Keys: deepseek3Keys.and(Keys{
		"max_position_embeddings": 163840, "index_n_heads": 64, "index_head_dim": 128, "index_topk": 2048,
	})}},
	Params: slices.Concat(deepseek2.Params, []Param{
		{Key: "nextn_predict_layers", From: func(h Hyper) (any, bool) { return uint32(h.MTPLayers), h.Index.StatesPredictions }},
	}, indexerParams),
	Tensors: slices.Concat(deepseek2.Tensors, indexer, in(predicts, deepseekPrediction)),
	Ignore:  []string{inverseFrequencies},
	Graph:   deepseek2.Graph,
	Source:  deepseek2.Source,
	File:    deepseek2.File,
	Views:   deepseek2.Views,

	losses:     []lossRule{linearSharpens},
	fromConfig: deepseek2.fromConfig,
}

var indexerParams = []Param{
	u32("attention.indexer.head_count", func(h Hyper, _ int) int { return h.Index.Heads }),
	u32("attention.indexer.key_length", func(h Hyper, _ int) int { return h.Index.Dim }),
	u32("attention.indexer.top_k", func(h Hyper, _ int) int { return h.Index.TopK }),
}

// indexer picks the keys of sparse attention.
var indexer = []Tensor{
	{Source: "model.layers.{i}.self_attn.indexer.wq_b.weight", Target: "blk.{i}.indexer.attn_q_b.weight", Shape: []Dim{indexRows, queryRank}},
	{Source: "model.layers.{i}.self_attn.indexer.wk.weight", Target: "blk.{i}.indexer.attn_k.weight", Shape: []Dim{indexDim, embed}},
	{Source: "model.layers.{i}.self_attn.indexer.k_norm.weight", Target: "blk.{i}.indexer.k_norm.weight", Shape: []Dim{indexDim}},
	{Source: "model.layers.{i}.self_attn.indexer.k_norm.bias", Target: "blk.{i}.indexer.k_norm.bias", Shape: []Dim{indexDim}},
	{Source: "model.layers.{i}.self_attn.indexer.weights_proj.weight", Target: "blk.{i}.indexer.proj.weight", Shape: []Dim{indexHeads, embed}, F32: true},
}

// deepseekPrediction joins embedding and hidden state for multi-token
// prediction; embedding and output matrix repeat those of the model.
var deepseekPrediction = []Tensor{
	{Source: "model.layers.{i}.eh_proj.weight", Target: "blk.{i}.nextn.eh_proj.weight", Shape: []Dim{embed, twice(embed)}},
	{Source: "model.layers.{i}.enorm.weight", Target: "blk.{i}.nextn.enorm.weight", Shape: []Dim{embed}},
	{Source: "model.layers.{i}.hnorm.weight", Target: "blk.{i}.nextn.hnorm.weight", Shape: []Dim{embed}},
	{Source: "model.layers.{i}.embed_tokens.weight", Target: "blk.{i}.nextn.embed_tokens.weight", Shape: []Dim{vocab, embed}, Optional: true},
	{Source: "model.layers.{i}.shared_head.norm.weight", Target: "blk.{i}.nextn.shared_head_norm.weight", Shape: []Dim{embed}},
	{Source: "model.layers.{i}.shared_head.head.weight", Target: "blk.{i}.nextn.shared_head_head.weight", Shape: []Dim{vocab, embed}, Optional: true},
}

func predicts(h Hyper, layer int) bool { return layer >= h.Layers }

// mistral4 serves Mistral Small 4 in the form of transformers: DeepSeek V2's
// decoder with the experts of a layer in one tensor, gate above up projection.
var mistral4 = Arch{
	Name:    "mistral4",
	Classes: []string{mistral4Class},
	Only:    deepseek2.Only,
	Strip:   []string{"language_model."},
	Defaults: map[string]Defaults{"": {Keys: Keys{
		"max_position_embeddings": 1048576, "rms_norm_eps": 1e-6, "first_k_dense_replace": 0, "moe_intermediate_size": 2048, "n_routed_experts": 128,
		"n_shared_experts": 1, "num_experts_per_tok": 4, "n_group": 1, "topk_group": 1, "norm_topk_prob": true, "routed_scaling_factor": 1.0,
		"q_lora_rank": 1024, "kv_lora_rank": 256, "qk_nope_head_dim": 64, "qk_rope_head_dim": 64, "v_head_dim": 128, "rope_theta": 1e4,
		"rope_parameters": Keys{
			"rope_type": "yarn", "rope_theta": 1e4, "factor": 128.0, "original_max_position_embeddings": 8192, "beta_fast": 32.0, "beta_slow": 1.0,
			"mscale": 1.0, "mscale_all_dim": 1.0, "llama_4_scaling_beta": 0.1,
		},
	}}},
	Params: deepseek2.Params,
	Tensors: slices.Concat(trunk, latentAttention,
		in(dense, mlp("mlp", "", ff)),
		in(sparse, router("mlp.gate"), routerBias, []Tensor{
			{Source: "model.layers.{i}.mlp.experts.gate_up_proj", Target: "blk.{i}.ffn_gate_up_exps.weight", Shape: []Dim{experts, twice(expertFF), embed}},
			{Source: "model.layers.{i}.mlp.experts.down_proj", Target: "blk.{i}.ffn_down_exps.weight", Shape: []Dim{experts, embed, expertFF}},
		}, mlp("mlp.shared_experts", "_shexp", sharedFF)),
	),
	Ignore: append([]string{inverseFrequencies}, otherModalities...),
	Graph:  deepseek2.Graph,
	Source: deepseek2.Source,
	File:   deepseek2.File,
	Views:  latentViews("model.layers.{i}.self_attn.kv_b_proj.weight"),

	fromConfig: func(_ *reader, h *Hyper) { h.Meaning.Router.groupsOf(h.MoE) },
}

// mistral4Class tells the text model apart from that of the other models whose
// wrapper has the same class.
const mistral4Class = "Mistral3ForConditionalGeneration with mistral4"
