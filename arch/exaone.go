package arch

import (
	"fmt"
	"slices"
)

// exaone serves EXAONE 3 and 3.5: Llama's decoder under names of its own.
var exaone = Arch{
	Name:    "exaone",
	Classes: []string{"ExaoneForCausalLM"},
	Defaults: map[string]Defaults{"": {Keys: Keys{
		"max_position_embeddings": 4096, "layer_norm_epsilon": 1e-5, "rope_theta": 5e5, "num_key_value_heads": 8,
	}, StatesHead: true}},
	Params: []Param{u32("rope.dimension_count", func(h Hyper, _ int) int { return h.Rope.Dim })},
	Tensors: []Tensor{
		{Source: "transformer.wte.weight", Target: "token_embd.weight", Shape: []Dim{vocab, embed}},
		{Source: "transformer.h.{i}.ln_1.weight", Target: "blk.{i}.attn_norm.weight", Shape: []Dim{embed}},
		{Source: "transformer.h.{i}.attn.attention.q_proj.weight", Target: "blk.{i}.attn_q.weight", Shape: []Dim{qRows, embed}},
		{Source: "transformer.h.{i}.attn.attention.k_proj.weight", Target: "blk.{i}.attn_k.weight", Shape: []Dim{kRows, embed}},
		{Source: "transformer.h.{i}.attn.attention.v_proj.weight", Target: "blk.{i}.attn_v.weight", Shape: []Dim{vRows, embed}},
		{Source: "transformer.h.{i}.attn.attention.out_proj.weight", Target: "blk.{i}.attn_output.weight", Shape: []Dim{embed, oCols}},
		{Source: "transformer.h.{i}.ln_2.weight", Target: "blk.{i}.ffn_norm.weight", Shape: []Dim{embed}},
		{Source: "transformer.h.{i}.mlp.c_fc_0.weight", Target: "blk.{i}.ffn_gate.weight", Shape: []Dim{ff, embed}},
		{Source: "transformer.h.{i}.mlp.c_fc_1.weight", Target: "blk.{i}.ffn_up.weight", Shape: []Dim{ff, embed}},
		{Source: "transformer.h.{i}.mlp.c_proj.weight", Target: "blk.{i}.ffn_down.weight", Shape: []Dim{embed, ff}},
		{Source: "transformer.ln_f.weight", Target: "output_norm.weight", Shape: []Dim{embed}},
		head,
	},
	Extra:  llamaExtra,
	Source: Convention{Rope: RopeHalf},
	File:   Convention{Rope: RopeHalf},

	sizes: func(_ *reader, h *Hyper) { h.Eps, h.LayerEps = first(h.Eps, h.LayerEps), 0 },
}

// exaone4 serves EXAONE 4: norms after each part and none before, normalized
// query and key heads. The larger models have three layers with a window for
// each without, and rotations in the former alone.
var exaone4 = Arch{
	Name:    "exaone4",
	Classes: []string{"Exaone4ForCausalLM"},
	Defaults: map[string]Defaults{"": {Keys: Keys{
		"max_position_embeddings": 2048, "rms_norm_eps": 1e-5, "rope_theta": 1e4, "num_key_value_heads": 32, "sliding_window": 4096,
	}, windows: listedLayers(4)}},
	Params:  slices.Concat([]Param{u32("vocab_size", vocab)}, windowParams),
	Tensors: slices.Concat([]Tensor{embedding, outputNorm, head}, postNorms, attention(unmoved), headNorms, mlp("mlp", "", ff)),
	Ignore:  []string{inverseFrequencies},
	Extra:   llamaExtra,
	Graph:   Graph{Layer: decoder(postNormed, normedHeads)},
	Source:  Convention{Rope: RopeHalf},
	File:    Convention{Rope: RopeHalf},

	losses:     []lossRule{windowsByDepth},
	fromConfig: func(_ *reader, h *Hyper) { h.rotatesWindows() },
	fromFile: func(g *fileReader, h *Hyper) {
		g.window(h, 0, 4)
		h.rotatesWindows()
	},
}

// exaone4Layers are those of the model that llama.cpp gives windows to.
const exaone4Layers = 64

// windowsByDepth is in the file, and mq computes what the model does.
func windowsByDepth(_ *reader, _ Arch, h Hyper) (l Loss) {
	if windows := h.Meaning.Window > 0; windows != (h.Layers == exaone4Layers) {
		l.Text = fmt.Sprintf("sliding_window is %d: llama.cpp gives windows to models of %d layers and to no others, and leaves layers without one unrotated there alone: its results differ from the model's, which has %d",
			h.Meaning.Window, exaone4Layers, h.Layers)
	}
	return l
}
