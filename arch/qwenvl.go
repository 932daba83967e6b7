package arch

import "slices"

// The text parts of Qwen's vision models are those of their plain relatives
// with rotated dimensions divided among time, height and width.

// qwen2vl serves Qwen 2 VL and 2.5 VL.
var qwen2vl = Arch{
	Name:    "qwen2vl",
	Classes: []string{"Qwen2VLForConditionalGeneration", "Qwen2_5_VLForConditionalGeneration", "Qwen2VLModel"},
	Strip:   wrapped,
	Defaults: map[string]Defaults{"": {Keys: qwen2Keys.and(Keys{
		"rms_norm_eps": 1e-5, "rope_theta": 1e6, "num_key_value_heads": 8, "max_window_layers": 80,
	}), windows: fromLayer}},
	Tensors: qwen2.Tensors,
	Ignore:  append([]string{inverseFrequencies}, otherModalities...),
	Graph:   qwen2.Graph,
	Source:  qwen2.Source,
	File:    qwen2.File,
}

// qwen3vl serves the dense Qwen 3 VL.
var qwen3vl = Arch{
	Name:     "qwen3vl",
	Reranker: qwenReranker,
	Classes:  []string{"Qwen3VLForConditionalGeneration"},
	Strip:    wrapped,
	Defaults: map[string]Defaults{"": {Keys: Keys{
		"max_position_embeddings": 128000, "rms_norm_eps": 1e-6, "rope_theta": 5e5, "head_dim": 128, "num_key_value_heads": 32,
	}}},
	Params:  slices.Concat([]Param{poolingType}, deepstack),
	Tensors: qwen3.Tensors,
	Ignore:  append([]string{inverseFrequencies}, otherModalities...),
	Graph:   qwen3.Graph,
	Source:  qwen3.Source,
	File:    qwen3.File,
}

// qwen3vlmoe serves Qwen 3 VL with experts, stored with inputs along the rows.
var qwen3vlmoe = Arch{
	Name:     "qwen3vlmoe",
	Reranker: qwenReranker,
	Classes:  []string{"Qwen3VLMoeForConditionalGeneration"},
	Strip:    wrapped,
	Defaults: map[string]Defaults{"": {Keys: Keys{
		"max_position_embeddings": 128000, "rms_norm_eps": 1e-6, "rope_theta": 5e5, "num_key_value_heads": 16, "moe_intermediate_size": 1408,
		"num_experts": 60, "num_experts_per_tok": 4,
	}, Always: Keys{"norm_topk_prob": true}, StatesHead: true}},
	Params: slices.Concat(qwenMoEParams, deepstack),
	Tensors: slices.Concat(trunk, attention(unmoved), attentionBias(unmoved), headNorms,
		in(dense, mlp("mlp", "", ff)),
		in(sparse, router("mlp.gate"), turnedExperts("mlp"), optional(eachExpert("mlp"))),
	),
	Ignore: append([]string{inverseFrequencies}, otherModalities...),
	Graph:  qwen3moe.Graph,
	Source: qwen3moe.Source,
	File:   qwen3moe.File,
	Views:  turnedViews("mlp"),
}

// wrapped are the names around a text model.
var wrapped = []string{"thinker.", "language_model."}

// deepstack counts the layers that take part of the image features.
var deepstack = []Param{always("n_deepstack_layers", func(h Hyper, _ int) int { return h.Deepstack })}
