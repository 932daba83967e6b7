package arch

import "slices"

// apertus serves Apertus: Llama's decoder with normalized query and key heads,
// and feed-forward parts without gates whose activation has parameters of its
// own in every layer.
var apertus = Arch{
	Name:       "apertus",
	Classes:    []string{"ApertusForCausalLM"},
	Vocabulary: llamaVocabulary,
	Defaults: map[string]Defaults{"": {Keys: Keys{
		"max_position_embeddings": 65536, "intermediate_size": 14336, "rms_norm_eps": 1e-5, "rope_theta": 12e6, "rope_parameters": Keys{
			"rope_type": "llama3", "rope_theta": 12e6, "factor": 8.0, "original_max_position_embeddings": 8192, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
		},
	}}},
	Only:   Keys{"attention_bias": false, "qk_norm": true, "post_norm": false},
	Params: llamaParams,
	Tensors: slices.Concat([]Tensor{
		head, tiedHead, embedding, outputNorm,
		{Source: "model.layers.{i}.attention_layernorm.weight", Target: "blk.{i}.attn_norm.weight", Shape: []Dim{embed}},
		{Source: "model.layers.{i}.feedforward_layernorm.weight", Target: "blk.{i}.ffn_norm.weight", Shape: []Dim{embed}},
		{Source: "model.layers.{i}.mlp.up_proj.weight", Target: "blk.{i}.ffn_up.weight", Shape: []Dim{ff, embed}},
		{Source: "model.layers.{i}.mlp.down_proj.weight", Target: "blk.{i}.ffn_down.weight", Shape: []Dim{embed, ff}},
		{Source: "model.layers.{i}.mlp.act_fn.alpha_n", Target: "blk.{i}.xielu.alpha_n", Shape: []Dim{one}, Listed: true},
		{Source: "model.layers.{i}.mlp.act_fn.alpha_p", Target: "blk.{i}.xielu.alpha_p", Shape: []Dim{one}, Listed: true},
		{Source: "model.layers.{i}.mlp.act_fn.beta", Target: "blk.{i}.xielu.beta", Shape: []Dim{one}, Listed: true},
		{Source: "model.layers.{i}.mlp.act_fn.eps", Target: "blk.{i}.xielu.eps", Shape: []Dim{one}, Listed: true},
	}, attention(unmoved), headNorms),
	Ignore: []string{inverseFrequencies},
	Extra:  llamaExtra,
	Graph:  Graph{Activation: XIELU, Layer: decoder(normedHeads, ungated)},
	Source: Convention{Rope: RopeHalf},
	File:   Convention{Rope: RopeHalf},
}
