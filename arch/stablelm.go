package arch

import "slices"

// stablelm serves StableLM 3B and StableLM 2: Llama's decoder with layer norms,
// and a quarter of each head rotated. The 12B model has parallel parts and
// centers query and key heads, each by weights of its own.
var stablelm = Arch{
	Name:    "stablelm",
	Classes: []string{"StableLmForCausalLM", "StableLMEpochForCausalLM"},
	Defaults: map[string]Defaults{"": {Keys: Keys{
		"max_position_embeddings": 4096, "layer_norm_eps": 1e-5, "rope_theta": 1e4, "partial_rotary_factor": 0.25, "num_key_value_heads": 32,
		"use_parallel_residual": false, "qk_layernorm": false,
	}}},
	Common: []string{
		"context_length", "embedding_length", "block_count", "feed_forward_length", "rope.dimension_count", "attention.head_count", "attention.head_count_kv",
		"use_parallel_residual", "attention.layer_norm_epsilon",
	},
	Params: []Param{
		u32("rope.dimension_count", func(h Hyper, _ int) int { return h.Rope.Dim }),
		truth("use_parallel_residual", false, "use_parallel_residual"),
		statedBase,
	},
	Tensors: slices.Concat([]Tensor{head, tiedHead, embedding},
		affine("model.layers.{i}.input_layernorm", "blk.{i}.attn_norm", embed, nil),
		in(oneAfterTheOther, affine("model.layers.{i}.post_attention_layernorm", "blk.{i}.ffn_norm", embed, nil)),
		affine("model.norm", "output_norm", embed, nil),
		attention(unmoved), attentionBias(unmoved), mlp("mlp", "", ff),
		in(func(h Hyper, _ int) bool { return h.Unwritten["qk_layernorm"] != 0 }, []Tensor{
			{Source: "model.layers.{i}.self_attn.q_layernorm.norms.{j}.weight", Target: "blk.{i}.attn_q_norm.weight", Shape: []Dim{headDim}, Times: heads},
			{Source: "model.layers.{i}.self_attn.k_layernorm.norms.{j}.weight", Target: "blk.{i}.attn_k_norm.weight", Shape: []Dim{headDim}, Times: keyHeads},
		})),
	Ignore: []string{inverseFrequencies},
	Graph: Graph{Output: centeredOutput, Layer: decoder(centered, ownHeadNorms, func(h Hyper, layer int, l *Layer) {
		if !oneAfterTheOther(h, layer) {
			l.Parallel, l.FeedNorm = true, nil
		}
	})},
	Source: Convention{Rope: RopeHalf},
	File:   Convention{Rope: RopeHalf},

	fromConfig: func(c *reader, h *Hyper) { h.note("qk_layernorm", oneIf(c.bool("qk_layernorm"))) },
}
