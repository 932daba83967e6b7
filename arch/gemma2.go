package arch

import (
	"fmt"
	"math"
	"slices"
)

// gemma2 serves Gemma 2: norms before and after each part, stored without
// their offset of 1; soft caps on scores and logits; a window in every second
// layer; the embedding scaled by the root of its width. The output matrix is
// always the embedding.
var gemma2 = Arch{
	Name:       "gemma2",
	Classes:    []string{"Gemma2ForCausalLM"},
	Vocabulary: gemmaVocabulary,
	Defaults: map[string]Defaults{"": {Keys: Keys{
		"max_position_embeddings": 8192, "rms_norm_eps": 1e-6, "rope_theta": 1e4, "num_key_value_heads": 4, "head_dim": 256, "query_pre_attn_scalar": 256.0,
		"sliding_window": 4096, "tie_word_embeddings": true,
	}, StatesHead: true, windows: listedLayers(2)}},
	Only: Keys{"use_bidirectional_attention": false},
	Common: []string{
		"context_length", "embedding_length", "block_count", "feed_forward_length", "attention.head_count", "attention.head_count_kv",
		"attention.layer_norm_rms_epsilon", "attention.key_length", "attention.value_length",
	},
	Params: []Param{
		number("attn_logit_softcapping", 50, "attn_logit_softcapping").implying(50),
		number("final_logit_softcapping", 30, "final_logit_softcapping").implying(30),
		u32("attention.sliding_window", func(h Hyper, _ int) int { return h.Meaning.Window }),
		statedBase,
	},
	Tensors: slices.Concat(gemmaTrunk, attention(unmoved), attentionBias(unmoved), mlp("mlp", "", ff)),
	Ignore:  []string{inverseFrequencies},
	Graph: Graph{
		Activation: GELUTanh, Input: embedScaled, Layer: decoder(sandwiched, capped), Output: cappedOutput,
	},
	Source: Convention{Rope: RopeHalf, NormOffset: 1},
	File:   Convention{Rope: RopeHalf},

	losses:     []lossRule{otherScalar(46)},
	fromConfig: (*reader).queryScalar,
	fromFile: func(g *fileReader, h *Hyper) {
		h.queryScalar(46)
		g.window(h, 4096, 2)
	},
}

// gemmaTrunk has norms around each part. The output matrix, where a checkpoint
// has one, is the embedding once more.
var gemmaTrunk = []Tensor{
	{Source: "model.embed_tokens.weight", Target: "token_embd.weight", Shape: []Dim{vocab, embed}},
	{Source: "model.layers.{i}.input_layernorm.weight", Target: "blk.{i}.attn_norm.weight", Shape: []Dim{embed}, Ops: offset},
	{Source: "model.layers.{i}.post_attention_layernorm.weight", Target: "blk.{i}.post_attention_norm.weight", Shape: []Dim{embed}, Ops: offset},
	{Source: "model.layers.{i}.pre_feedforward_layernorm.weight", Target: "blk.{i}.ffn_norm.weight", Shape: []Dim{embed}, Ops: offset},
	{Source: "model.layers.{i}.post_feedforward_layernorm.weight", Target: "blk.{i}.post_ffw_norm.weight", Shape: []Dim{embed}, Ops: offset},
	{Source: "model.norm.weight", Target: "output_norm.weight", Shape: []Dim{embed}, Ops: offset},
	{Source: "lm_head.weight", Shape: []Dim{vocab, embed}, Optional: true},
}

// embedScaled multiplies the embedding by the root of its width.
func embedScaled(h Hyper) Input { return Input{Scale: math.Sqrt(float64(h.Embed))} }

// cappedOutput caps the logits.
func cappedOutput(h Hyper) Output {
	o := output(h)
	o.Softcap = h.Value("final_logit_softcapping")
	return o
}

// queryScalar is what scores are divided by the root of.
func (c *reader) queryScalar(h *Hyper) {
	h.Meaning.Scale = 1 / math.Sqrt(c.float("query_pre_attn_scalar"))
}

// otherScalar gives scores the scale that llama.cpp takes.
func otherScalar(most int) lossRule {
	return func(_ *reader, a Arch, h Hyper) (l Loss) {
		own := h
		if own.queryScalar(most); math.Abs(own.Meaning.Scale-h.Meaning.Scale) > rounding {
			l.Patch = func(m *Model) { m.attentions(func(at *Attention) { at.Scale = own.Meaning.Scale }) }
			l.Text = fmt.Sprintf("query_pre_attn_scalar: a file of architecture %s has no key for it, and llama.cpp multiplies scores by %.4g where the model has %.4g: its results differ from the model's", a.Name, own.Meaning.Scale, h.Meaning.Scale)
		}
		return l
	}
}

// queryScalar is what llama.cpp takes for it: the size of a head, but for the
// model with the most layers what the stream has for each head.
func (h *Hyper) queryScalar(most int) {
	scalar := h.HeadDim
	if h.Layers == most {
		scalar = h.Embed / h.Heads
	}
	h.Meaning.Scale = 1 / math.Sqrt(float64(scalar))
}
