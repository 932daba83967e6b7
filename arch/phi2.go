package arch

import "slices"

// phi2 serves Phi 1, 1.5 and 2: one layer norm before both parts of a layer,
// which are added to its input, part of each head rotated, no gates, and biases
// everywhere, at the logits too.
var phi2 = Arch{
	Name:    "phi2",
	Classes: []string{"PhiForCausalLM"},
	Defaults: map[string]Defaults{"": {Keys: Keys{
		"intermediate_size": 8192, "max_position_embeddings": 2048, "layer_norm_eps": 1e-5, "rope_theta": 1e4, "partial_rotary_factor": 0.5,
	}}},
	Only: Keys{"qk_layernorm": false},
	Common: []string{
		"context_length", "embedding_length", "feed_forward_length", "block_count", "attention.head_count", "attention.head_count_kv",
		"attention.layer_norm_epsilon", "rope.dimension_count",
	},
	Params: []Param{
		u32("rope.dimension_count", func(h Hyper, _ int) int { return h.Rope.Dim }),
		statedBase, noBOS,
	},
	Tensors: slices.Concat([]Tensor{head, tiedHead, embedding, headBias},
		affine("model.layers.{i}.input_layernorm", "blk.{i}.attn_norm", embed, nil),
		affine("model.final_layernorm", "output_norm", embed, nil),
		affine("model.layers.{i}.self_attn.q_proj", "blk.{i}.attn_q", qRows, embed),
		affine("model.layers.{i}.self_attn.k_proj", "blk.{i}.attn_k", kRows, embed),
		affine("model.layers.{i}.self_attn.v_proj", "blk.{i}.attn_v", vRows, embed),
		affine("model.layers.{i}.self_attn.dense", "blk.{i}.attn_output", embed, oCols),
		affine("model.layers.{i}.mlp.fc1", "blk.{i}.ffn_up", ff, embed),
		affine("model.layers.{i}.mlp.fc2", "blk.{i}.ffn_down", embed, ff),
	),
	Ignore: []string{inverseFrequencies},
	Graph:  Graph{Activation: GELUTanh, Layer: decoder(centered, ungated, parallel, oneNorm), Output: centeredOutput},
	Source: Convention{Rope: RopeHalf},
	File:   Convention{Rope: RopeHalf},
}

// headBias is added to the logits.
var headBias = Tensor{Source: "lm_head.bias", Target: "output.bias", Shape: []Dim{vocab}}
