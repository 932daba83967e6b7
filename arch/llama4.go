package arch

import (
	"fmt"
	"slices"
)

// llama4 serves Llama 4 Scout and Maverick: experts in every layer or every
// second one beside one shared expert, and every fourth layer unrotated. Its
// checkpoints store expert matrices with inputs along the rows, and pair
// rotated dimensions as the file does.
var llama4 = Arch{
	Name:       "llama4",
	Classes:    []string{"Llama4ForConditionalGeneration", "Llama4ForCausalLM"},
	Strip:      []string{"language_model."},
	Vocabulary: Vocabulary{Writer: JSONFirst},
	Defaults: map[string]Defaults{"": {Keys: Keys{
		"max_position_embeddings": 131072, "rms_norm_eps": 1e-5, "rope_theta": 5e5, "num_key_value_heads": 8, "head_dim": 128,
		"intermediate_size": 8192, "intermediate_size_mlp": 16384, "num_local_experts": 16, "num_experts_per_tok": 1, "interleave_moe_layer_step": 1,
	}, StatesHead: true}},
	Params: append(slices.Clip(llamaParams),
		u32("interleave_moe_layer_step", func(h Hyper, _ int) int { return h.MoE.Step }),
		u32("expert_feed_forward_length", expertFF),
	),
	Tensors: slices.Concat(trunk, attention(unmoved), attentionBias(unmoved), outputBias,
		in(dense, mlp("feed_forward", "", ff)),
		in(sparse, router("feed_forward.router"), turnedExperts("feed_forward"), optional(eachExpert("feed_forward")), mlp("feed_forward.shared_expert", "_shexp", expertFF)),
	),
	Ignore: append([]string{inverseFrequencies}, otherModalities...),
	Extra:  llamaExtra,
	Graph: Graph{
		Layer:  decoder(sharedAsWide),
		Router: Router{Score: SigmoidScore},
	},
	Source: Convention{Rope: RopeInterleaved},
	File:   Convention{Rope: RopeInterleaved},
	Views:  turnedViews("feed_forward"),

	fromConfig: (*reader).llama4,
	fromFile:   (*fileReader).llama4,
	losses:     []lossRule{fixedChunks},
}

// sharedAsWide makes the shared expert as wide as the others.
func sharedAsWide(h Hyper, _ int, l *Layer) {
	if e, ok := l.Feed.(*Experts); ok {
		e.Shared = shared(h, e.Width)
	}
}

// What llama.cpp computes of Llama 4, whatever config.json says.
const (
	llama4Chunk       = 8192
	llama4Temperature = 0.1
	llama4Maverick    = 128 // experts of the model without unit norms
)

// llama4 reads the attention of long contexts. The choice of experts goes by
// logits, whose order their sigmoid keeps.
func (c *reader) llama4(h *Hyper) {
	if list := c.ints("moe_layers"); len(list) > 0 {
		h.MoE.Listed = each(h.Layers, func(i int) bool { return slices.Contains(list, i) })
	}
	m := &h.Meaning
	m.Router = Router{Used: h.MoE.Used, Score: SigmoidScore, Before: true}
	m.NoRope = c.noRope(h.Layers)
	m.Chunk = llama4Chunk
	if c.has("attention_chunk_size") {
		m.Chunk = c.int("attention_chunk_size")
	}
	if kinds := c.strings("layer_types"); len(kinds) > 0 && !slices.Contains(kinds, "chunked_attention") {
		m.Chunk = 0
	}
	m.UnitHead = !c.has("use_qk_norm") || c.bool("use_qk_norm")
	m.Warming, m.WarmRope = Temperature{Scale: llama4Temperature, Offset: 1, Floor: llama4Chunk}, false
	if c.has("attn_scale") {
		m.Warming.Scale = c.float("attn_scale")
	}
	if c.has("floor_scale") {
		m.Warming.Floor = c.int("floor_scale")
	}
	if !c.tunes() {
		m.Warming.Scale = 0
	}
}

// tunes reports whether the temperature grows. Early configurations have a
// number in place of a truth value.
func (c *reader) tunes() bool {
	layer, key, ok := c.find([]string{"attn_temperature_tuning"})
	if !ok {
		return true
	}
	tuned, err := layer.Bool(key)
	return tuned || err != nil
}

// llama4 derives the same as llama.cpp does, which has no keys for it.
func (g *fileReader) llama4(h *Hyper) {
	m := &h.Meaning
	m.Router.Before = true
	m.UnitHead = h.MoE.Experts != llama4Maverick
	if g.kvs.Has(g.prefix+"attention.sliding_window") && g.int("attention.sliding_window") == 0 {
		return // every layer is rotated and sees all
	}
	m.NoRope = everyFourth(h.Layers)
	m.Chunk = llama4Chunk
	m.Warming, m.WarmRope = Temperature{Scale: llama4Temperature, Offset: 1, Floor: llama4Chunk}, false
}

// fixedChunks computes the published models, whatever config.json says.
func fixedChunks(_ *reader, _ Arch, h Hyper) (l Loss) {
	m := h.Meaning
	published := Temperature{Scale: llama4Temperature, Offset: 1, Floor: llama4Chunk}
	if m.Chunk == llama4Chunk && m.Warming == published {
		return l
	}
	l.Text = fmt.Sprintf("attention_chunk_size is %d, floor_scale %d and attn_scale %v: a file has no keys for them, and llama.cpp takes %d, %d and %v: long contexts differ from the model's",
		m.Chunk, m.Warming.Floor, m.Warming.Scale, llama4Chunk, llama4Chunk, llama4Temperature)
	l.Patch = func(m *Model) {
		m.attentions(func(a *Attention) {
			if a.Rope != nil {
				a.Mask.Chunk = llama4Chunk
				return
			}
			a.Temperature = &published
		})
	}
	return l
}
