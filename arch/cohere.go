package arch

import (
	"fmt"
	"slices"
)

// commandR serves Command R, R+ and Aya 23: both parts of a layer share one
// layer norm and are added to its input; logits are scaled. R+ normalizes query
// and key heads, each with weights of its own.
var commandR = Arch{
	Name:     "command-r",
	Classes:  []string{"CohereForCausalLM"},
	Defaults: map[string]Defaults{"": {Keys: cohereKeys}},
	Only:     Keys{"tie_word_embeddings": true}, // llama.cpp has no other output matrix
	Params:   []Param{number("logit_scale", 0.0625, "logit_scale"), unscaledRope},
	Tensors: slices.Concat([]Tensor{embedding, outputNorm}, cohereNorm, attention(unmoved), attentionBias(unmoved), outputBias, mlp("mlp", "", ff), []Tensor{
		{Source: "model.layers.{i}.self_attn.q_norm.weight", Target: "blk.{i}.attn_q_norm.weight", Shape: []Dim{heads, headDim}, Optional: true},
		{Source: "model.layers.{i}.self_attn.k_norm.weight", Target: "blk.{i}.attn_k_norm.weight", Shape: []Dim{keyHeads, headDim}, Optional: true},
	}),
	Ignore: []string{inverseFrequencies, "lm_head.weight"},
	Graph:  Graph{Layer: decoder(centered, parallel, oneNorm, ownHeadNorms), Output: scaledOutput},
	Source: Convention{Rope: RopeInterleaved},
	File:   Convention{Rope: RopeInterleaved},

	losses: []lossRule{func(c *reader, _ Arch, h Hyper) (l Loss) {
		if c.bool("use_qk_norm") != (h.Layers >= 64) {
			l.Text = fmt.Sprintf("use_qk_norm is %v: llama.cpp expects norms of queries and keys in models of 64 layers or more and in no others, and does not load this one of %d", c.bool("use_qk_norm"), h.Layers)
		}
		return l
	}},
	sizes: func(c *reader, h *Hyper) { h.Context = first(c.int("model_max_length"), h.Context) },
}

var cohereKeys = Keys{"max_position_embeddings": 8192, "layer_norm_eps": 1e-5, "rope_theta": 5e5, "tie_word_embeddings": true}

// cohereNorm is the only norm of a layer.
var cohereNorm = []Tensor{{Source: "model.layers.{i}.input_layernorm.weight", Target: "blk.{i}.attn_norm.weight", Shape: []Dim{embed}}}

// ownHeadNorms centers query and key heads, each with weights of its own, where
// the model has them.
func ownHeadNorms(h Hyper, _ int, l *Layer) {
	l.Mixer.(*Attention).HeadNorm = HeadNorm{Over: OwnWeights, Kind: LayerNorm, Eps: h.LayerEps, Optional: true}
}

// scaledOutput multiplies the logits.
func scaledOutput(h Hyper) Output {
	o := centeredOutput(h)
	o.Scale = h.Value("logit_scale")
	return o
}

// unscaledRope is written last, whatever config.json says.
var unscaledRope = Param{Key: "rope.scaling.type", From: func(Hyper) (any, bool) { return "none", true }}

// cohere2 serves Command A and R7B: three layers with a window for each
// without, and rotations in the former alone.
var cohere2 = Arch{
	Name:     "cohere2",
	Scaled:   true,
	Classes:  []string{"Cohere2ForCausalLM"},
	Defaults: map[string]Defaults{"": {Keys: cohereKeys.and(Keys{"rope_theta": 1e4, "sliding_window": 4096}), StatesHead: true, windows: listedLayers(4)}},
	Only:     Keys{"tie_word_embeddings": true},
	Params: []Param{
		number("logit_scale", 0.0625, "logit_scale"),
		windowParams[0],
		u32("vocab_size", vocab),
		u32("rope.dimension_count", func(h Hyper, _ int) int { return h.Rope.Dim }),
		unscaledRope,
	},
	Tensors: slices.Concat([]Tensor{embedding, outputNorm}, cohereNorm, attention(unmoved), mlp("mlp", "", ff)),
	Ignore:  []string{inverseFrequencies, "lm_head.weight"},
	Graph:   Graph{Layer: decoder(centered, parallel, oneNorm), Output: scaledOutput},
	Source:  Convention{Rope: RopeInterleaved},
	File:    Convention{Rope: RopeInterleaved},

	fromConfig: func(_ *reader, h *Hyper) { h.rotatesWindows() },
	fromFile: func(g *fileReader, h *Hyper) {
		g.window(h, 0, 4)
		h.rotatesWindows()
	},
}
