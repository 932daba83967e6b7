package arch

import (
	"fmt"
	"slices"
)

// olmo2 serves OLMo 2, whose norms stand behind each part instead of before,
// and OLMo 3, which adds a window in three layers of four and stretches the
// rotation of the others alone.
var olmo2 = Arch{
	Name:    "olmo2",
	Classes: []string{"Olmo2ForCausalLM", "Olmo3ForCausalLM"},
	Defaults: map[string]Defaults{
		"": {Keys: Keys{"max_position_embeddings": 2048, "rms_norm_eps": 1e-5, "rope_theta": 1e4}},
		"Olmo3ForCausalLM": {Keys: Keys{
			"max_position_embeddings": 2048, "rms_norm_eps": 1e-5, "rope_theta": 5e5, "rope_local_base_freq": 5e5, "sliding_window": 4096,
		}, windows: listedLayers(4)},
	},
	Params: []Param{
		u32("attention.sliding_window", func(h Hyper, _ int) int { return h.Meaning.Window }),
		{Key: "attention.sliding_window_pattern", From: func(h Hyper) (any, bool) { return h.Meaning.Sliding, h.Meaning.Window > 0 }},
	},
	Tensors: slices.Concat([]Tensor{
		{Source: "model.embed_tokens.weight", Target: "token_embd.weight", Shape: []Dim{vocab, embed}},
		{Source: "model.layers.{i}.post_attention_layernorm.weight", Target: "blk.{i}.post_attention_norm.weight", Shape: []Dim{embed}},
		{Source: "model.layers.{i}.post_feedforward_layernorm.weight", Target: "blk.{i}.post_ffw_norm.weight", Shape: []Dim{embed}},
		{Source: "model.layers.{i}.self_attn.q_norm.weight", Target: "blk.{i}.attn_q_norm.weight", Shape: []Dim{qRows}},
		{Source: "model.layers.{i}.self_attn.k_norm.weight", Target: "blk.{i}.attn_k_norm.weight", Shape: []Dim{kRows}},
		{Source: "model.norm.weight", Target: "output_norm.weight", Shape: []Dim{embed}},
		{Source: "lm_head.weight", Target: "output.weight", Shape: []Dim{vocab, embed}, Optional: true, Untied: true},
	}, attention(unmoved), attentionBias(unmoved), mlp("mlp", "", ff)),
	Ignore: []string{inverseFrequencies},
	Graph: Graph{Layer: decoder(sandwiched, func(h Hyper, _ int, l *Layer) {
		l.MixNorm, l.FeedNorm = nil, nil
		l.Mixer.(*Attention).HeadNorm = HeadNorm{Over: WholeRow, Eps: h.Eps}
	})},
	Source: Convention{Rope: RopeHalf},
	File:   Convention{Rope: RopeHalf},

	losses: []lossRule{oneBase},
	fromFile: func(g *fileReader, h *Hyper) {
		g.window(h, 0, 4)
		if h.Meaning.Window > 0 {
			h.Rope.LocalBase = first(h.Rope.LocalBase, h.Rope.Base)
			h.Meaning.Local = h.Rope.local()
		}
	},
}

// oneBase is in the file, and mq computes what the model does.
func oneBase(_ *reader, _ Arch, h Hyper) (l Loss) {
	if h.Rope.LocalBase != 0 && h.Rope.LocalBase != h.Rope.Base {
		l.Text = fmt.Sprintf("rope_theta: llama.cpp rotates layers with a window by %v as it does the others, the model by %v: its results differ from the model's", h.Rope.Base, h.Rope.LocalBase)
	}
	return l
}
