package arch

import (
	"fmt"
	"slices"
)

// phimoe serves Phi-3.5-MoE: Phi 3 with layer norms, biases and experts in
// every layer, of which two are chosen one after the other. The checkpoint says
// how much the rotation of long contexts grows; the reference converter writes
// what would follow from their length.
var phimoe = Arch{
	Name:       "phimoe",
	Classes:    []string{"PhiMoEForCausalLM", "PhimoeForCausalLM"},
	Vocabulary: phi3.Vocabulary,
	Defaults: map[string]Defaults{"": {Keys: Keys{
		"max_position_embeddings": 131072, "original_max_position_embeddings": 4096, "rms_norm_eps": 1e-5, "rope_theta": 1e6, "num_key_value_heads": 8,
		"num_local_experts": 16, "num_experts_per_tok": 2, "router_jitter_noise": publishedJitter, "attention_bias": false, "lm_head_bias": false,
	}, windows: everyLayer}},
	Only:   Keys{"num_experts_per_tok": 2},
	Early:  phi3.Early,
	Common: phi3.Common,
	Params: slices.Concat(phi3.Params, ofCommon("expert_used_count", "expert_count")),
	Tensors: slices.Concat([]Tensor{head, tiedHead, embedding},
		affine("model.layers.{i}.input_layernorm", "blk.{i}.attn_norm", embed, nil),
		affine("model.layers.{i}.post_attention_layernorm", "blk.{i}.ffn_norm", embed, nil),
		affine("model.norm", "output_norm", embed, nil),
		optional([]Tensor{{Source: "lm_head.bias", Target: "output.bias", Shape: []Dim{vocab}}}),
		attention(unmoved), attentionBias(unmoved), outputBias,
		router("block_sparse_moe.gate"), optional(router("mlp.router")), mixtralExperts, fusedExperts),
	Ignore: []string{inverseFrequencies},
	Extra:  phi3.Extra,
	Graph: Graph{
		Layer: decoder(func(_ Hyper, _ int, l *Layer) { l.MixNorm.Kind, l.FeedNorm.Kind = LayerNorm, LayerNorm }),
		Output: func(h Hyper) Output {
			o := output(h)
			o.Norm.Kind = LayerNorm
			return o
		},
	},
	Source: Convention{Rope: RopeHalf},
	File:   Convention{Rope: RopeHalf},
	Views:  fusedViews,

	fromConfig: func(c *reader, h *Hyper) {
		phi3.fromConfig(c, h)
		h.Meaning.Router.Within = 2 * c.float("router_jitter_noise")
		if p := c.sub("rope_scaling", "rope_parameters"); h.Meaning.Rotation.Scaling == LongRoPEScaling {
			if short, long := p.float("short_mscale"), p.float("long_mscale"); short != long || !(short > 0) {
				c.keep(p.place("long_mscale").Unsupported("%v is not supported where short_mscale is %v: a file has one number for both", long, short))
			} else {
				h.Meaning.Rotation.Magnitude = short
			}
			c.keepOf(p)
		}
	},
	fromFile: func(g *fileReader, h *Hyper) {
		phi3.fromFile(g, h)
		h.Meaning.Router.Within = 2 * publishedJitter
	},
	losses: []lossRule{disabledWindow, factorsInTensors, unlikeLlama, otherJitter, unbiased},
}

// publishedJitter is the noise that the published model's routers have been
// trained with.
const publishedJitter = 0.01

// unlikeLlama is in the file, and mq computes what the model does.
func unlikeLlama(_ *reader, a Arch, _ Hyper) Loss {
	return Loss{Text: "llama.cpp does not center what norms of architecture " + a.Name + " scale, and weighs experts against all others: its results differ from the model's"}
}

// otherJitter takes the published one.
func otherJitter(_ *reader, _ Arch, h Hyper) (l Loss) {
	if within := h.Meaning.Router.Within; within != 2*publishedJitter {
		l.Patch = func(m *Model) { m.routers(func(r *Router) { r.Within = 2 * publishedJitter }) }
		l.Text = fmt.Sprintf("router_jitter_noise is %v: a file has no key for it, and means %v", within/2, publishedJitter)
	}
	return l
}

// unbiased is of models that llama.cpp does not load.
func unbiased(c *reader, a Arch, _ Hyper) (l Loss) {
	if !c.bool("attention_bias") || !c.bool("lm_head_bias") {
		l.Text = "attention_bias or lm_head_bias is false: llama.cpp loads no model of architecture " + a.Name + " without these biases"
	}
	return l
}
