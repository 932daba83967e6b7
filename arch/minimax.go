package arch

import "slices"

// minimaxM2 serves MiniMax M2: all query and all key heads of a position are
// normalized together, a part of each head is rotated, and every layer has
// experts chosen by sigmoid with a correction.
var minimaxM2 = Arch{
	Name:    "minimax-m2",
	Classes: []string{"MiniMaxM2ForCausalLM"},
	Defaults: map[string]Defaults{"": {Keys: Keys{
		"max_position_embeddings": 196608, "rms_norm_eps": 1e-6, "rope_theta": 5e6, "num_key_value_heads": 8, "head_dim": 128,
		"num_local_experts": 256, "num_experts_per_tok": 8, "scoring_func": "sigmoid",
	}, StatesHead: true}},
	Only: Keys{"scoring_func": "sigmoid"},
	Params: []Param{
		u32("expert_feed_forward_length", expertFF),
		u32("rope.dimension_count", func(h Hyper, _ int) int { return h.Rope.Dim }),
	},
	Tensors: slices.Concat(trunk, attention(unmoved), rowNorms,
		router("block_sparse_moe.gate"), optional(router("mlp.gate")), mixtralExperts, fusedExperts, optional([]Tensor{
			{Source: "model.layers.{i}.block_sparse_moe.e_score_correction_bias", Target: "blk.{i}.exp_probs_b.bias", Shape: []Dim{experts}, F32: true},
			{Source: "model.layers.{i}.mlp.e_score_correction_bias", Target: "blk.{i}.exp_probs_b.bias", Shape: []Dim{experts}, F32: true},
		}),
	),
	Ignore: []string{inverseFrequencies},
	Graph:  Graph{Layer: decoder(normedRows), Router: Router{Score: SigmoidScore, Normalize: true}},
	Source: Convention{Rope: RopeHalf},
	File:   Convention{Rope: RopeHalf},
	Views:  fusedViews,

	sizes: func(c *reader, h *Hyper) {
		h.Rope.Dim = first(c.int("rotary_dim"), h.Rope.Dim)
		h.MoE.Normalize = true
	},
	fromConfig: func(_ *reader, h *Hyper) { h.Meaning.Router.Score = SigmoidScore },
}
