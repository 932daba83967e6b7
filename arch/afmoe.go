package arch

import "slices"

// afmoe serves Trinity: norms before and after each part, normalized query and
// key heads, gated heads, a window and a rotation in three layers of four, and
// experts chosen by sigmoids, after some dense layers.
var afmoe = Arch{
	Name:       "afmoe",
	Classes:    []string{"AfmoeForCausalLM"},
	Vocabulary: llamaVocabulary,
	Defaults: map[string]Defaults{"": {Keys: Keys{
		"max_position_embeddings": 16384, "intermediate_size": 6144, "moe_intermediate_size": 1408, "rms_norm_eps": 1e-5, "rope_theta": 1e4, "head_dim": 128,
		"num_dense_layers": 1, "num_experts": 64, "num_experts_per_tok": 6, "num_shared_experts": 2, "route_scale": 1.0, "sliding_window": 1024,
	}, windows: func(c *reader, h Hyper, layer int) bool {
		if kinds := c.strings("layer_types"); len(kinds) > 0 {
			return layer < len(kinds) && kinds[layer] == slidingLayer
		}
		return (layer+1)%first(c.int("global_attn_every_n_layers"), 4) != 0
	}}},
	Only: Keys{"attention_bias": false, "route_norm": true, "score_func": "sigmoid", "n_group": 1, "topk_group": 1, "num_expert_groups": 1, "num_limited_groups": 1},
	Params: slices.Concat(llamaParams, []Param{
		u32("expert_shared_count", func(h Hyper, _ int) int { return h.MoE.Shared }),
		u32("expert_feed_forward_length", expertFF),
		always("leading_dense_block_count", func(h Hyper, _ int) int { return h.MoE.LeadingDense }),
		{Key: "expert_weights_norm", From: func(h Hyper) (any, bool) { return h.MoE.Normalize, true }},
		f32("expert_weights_scale", func(h Hyper) float64 { return h.MoE.Scale }),
		u32("attention.sliding_window", func(h Hyper, _ int) int { return h.Meaning.Window }),
	}),
	Tensors: slices.Concat([]Tensor{
		embedding, outputNorm, head,
		{Source: "model.layers.{i}.input_layernorm.weight", Target: "blk.{i}.attn_norm.weight", Shape: []Dim{embed}},
		{Source: "model.layers.{i}.post_attention_layernorm.weight", Target: "blk.{i}.post_attention_norm.weight", Shape: []Dim{embed}},
		{Source: "model.layers.{i}.pre_mlp_layernorm.weight", Target: "blk.{i}.ffn_norm.weight", Shape: []Dim{embed}},
		{Source: "model.layers.{i}.post_mlp_layernorm.weight", Target: "blk.{i}.post_ffw_norm.weight", Shape: []Dim{embed}},
		{Source: "model.layers.{i}.self_attn.gate_proj.weight", Target: "blk.{i}.attn_gate.weight", Shape: []Dim{oCols, embed}},
	}, attention(unmoved), headNorms,
		in(dense, mlp("mlp", "", ff)),
		in(sparse, router("mlp.router.gate"), perExpert[1:], perExpert[:1], fusedExperts, []Tensor{
			{Source: "model.layers.{i}.mlp.expert_bias", Target: "blk.{i}.exp_probs_b.bias", Shape: []Dim{experts}},
		}),
		in(sharing, mlp("mlp.shared_experts", "_shexp", sharedFF)),
	),
	Ignore: []string{inverseFrequencies},
	Views:  fusedViews,
	Graph: Graph{
		Router: Router{Score: SigmoidScore},
		Input: func(h Hyper) (in Input) {
			if h.Value("mup_enabled") == 1 {
				in = embedScaled(h)
			}
			return in
		},
		Layer: decoder(sandwiched, normedHeads, func(_ Hyper, _ int, l *Layer) { l.Mixer.(*Attention).Gate = ElementGate }),
	},
	Source: Convention{Rope: RopeHalf},
	File:   Convention{Rope: RopeHalf},
	losses: []lossRule{scaledAnyway},

	sizes: func(c *reader, h *Hyper) {
		m := &h.MoE
		m.Shared, m.LeadingDense, m.Scale, m.Normalize = c.int("num_shared_experts"), c.int("num_dense_layers"), c.float("route_scale"), true
		m.SharedFF = m.Shared * m.FF
	},
	fromConfig: func(c *reader, h *Hyper) {
		m := &h.Meaning
		m.Router = Router{Used: h.MoE.Used, Score: SigmoidScore, Normalize: true, Scale: h.MoE.Scale}
		h.set("mup_enabled", oneIf(c.bool("mup_enabled")))
		h.rotatesWindows()
	},
	fromFile: func(g *fileReader, h *Hyper) {
		h.set("mup_enabled", 1)
		g.window(h, 0, unrotatedEvery)
		h.Meaning.NoRope = everyFourth(h.Layers)
	},
}

// sharing selects the layers with an expert that all positions share.
func sharing(h Hyper, layer int) bool { return sparse(h, layer) && h.MoE.SharedFF > 0 }

// scaledAnyway is an embedding that the model does not scale.
func scaledAnyway(_ *reader, _ Arch, h Hyper) (l Loss) {
	if h.Value("mup_enabled") != 1 {
		l.Patch = func(m *Model) { m.Input = embedScaled(h) }
		l.Text = "mup_enabled is false: a file has no key for it, and llama.cpp multiplies the embedding by the root of its width all the same: its results differ from the model's"
	}
	return l
}
