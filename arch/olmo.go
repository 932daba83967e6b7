package arch

import (
	"fmt"
	"slices"
)

// olmo serves OLMo 1: layer norms without weights, and queries, keys and
// values that are clamped.
var olmo = Arch{
	Name:    "olmo",
	Classes: []string{"OlmoForCausalLM", "OLMoForCausalLM"},
	Defaults: map[string]Defaults{"": {Keys: Keys{
		"max_position_embeddings": 2048, "rope_theta": 1e4,
	}}},
	Late: "attention.layer_norm_epsilon",
	Params: []Param{
		f32("attention.layer_norm_epsilon", func(h Hyper) float64 { return h.LayerEps }),
		number("attention.clamp_kqv", 0, "clip_qkv"),
	},
	Tensors: slices.Concat([]Tensor{embedding, head}, attention(permuted), mlp("mlp", "", ff)),
	Ignore:  []string{inverseFrequencies},
	Graph: Graph{
		Layer: decoder(clamped, centered, func(_ Hyper, _ int, l *Layer) { l.MixNorm.Name, l.FeedNorm.Name = "", "" }),
		Output: func(h Hyper) Output {
			o := centeredOutput(h)
			o.Norm.Name = ""
			return o
		},
	},
	Source: Convention{Rope: RopeHalf},
	File:   Convention{Rope: RopeInterleaved},

	sizes: func(_ *reader, h *Hyper) { h.LayerEps = 1e-5 }, // of the class
}

// olmoe serves OLMoE: OLMo with norms before each part, queries and keys
// normalized over all heads together, and routed experts.
var olmoe = Arch{
	Name:    "olmoe",
	Classes: []string{"OlmoeForCausalLM"},
	Defaults: map[string]Defaults{"": {Keys: Keys{
		"max_position_embeddings": 4096, "rms_norm_eps": 1e-5, "rope_theta": 1e4, "num_experts": 64, "num_experts_per_tok": 8, "norm_topk_prob": false,
	}}},
	Only: Keys{"clip_qkv": nil},
	Tensors: slices.Concat(trunk, []Tensor{tiedHead}, attention(unmoved), attentionBias(unmoved), outputBias, rowNorms,
		router("mlp.gate"), perExpert, fusedExperts),
	Ignore: []string{inverseFrequencies},
	Graph:  Graph{Router: Router{Score: SoftmaxScore}, Layer: decoder(normedRows)},
	Source: Convention{Rope: RopeHalf},
	File:   Convention{Rope: RopeHalf},
	Views:  fusedViews,
	losses: []lossRule{func(_ *reader, _ Arch, h Hyper) (l Loss) {
		if h.KVHeads != h.Heads {
			l.Text = fmt.Sprintf("num_key_value_heads is %d: llama.cpp loads only models of architecture olmoe that have as many as num_attention_heads, %d", h.KVHeads, h.Heads)
		}
		return l
	}},
}
