package arch

// qwen serves the first Qwen. Queries, keys and values share one matrix, and
// intermediate_size counts gate and up projection together. Its code is not
// part of transformers, so that config.json has to say everything. The
// reference converter writes the epsilon of the norms under the key of another
// kind of norm alone; the right one stands beside it here, without which
// llama.cpp refuses the file.
var qwen = Arch{
	Name:     "qwen",
	Classes:  []string{"QWenLMHeadModel"},
	Defaults: map[string]Defaults{"": {Keys: Keys{"layer_norm_epsilon": 1e-6, "rotary_emb_base": 1e4}, AsStated: true}},
	Tensors: []Tensor{
		{Source: "transformer.wte.weight", Target: "token_embd.weight", Shape: []Dim{vocab, embed}},
		{Source: "transformer.h.{i}.ln_1.weight", Target: "blk.{i}.attn_norm.weight", Shape: []Dim{embed}},
		{Source: "transformer.h.{i}.attn.c_attn.weight", Target: "blk.{i}.attn_qkv.weight", Shape: []Dim{qkvRows, embed}},
		{Source: "transformer.h.{i}.attn.c_attn.bias", Target: "blk.{i}.attn_qkv.bias", Shape: []Dim{qkvRows}},
		{Source: "transformer.h.{i}.attn.c_proj.weight", Target: "blk.{i}.attn_output.weight", Shape: []Dim{embed, oCols}},
		{Source: "transformer.h.{i}.ln_2.weight", Target: "blk.{i}.ffn_norm.weight", Shape: []Dim{embed}},
		{Source: "transformer.h.{i}.mlp.w1.weight", Target: "blk.{i}.ffn_up.weight", Shape: []Dim{halfFF, embed}},
		{Source: "transformer.h.{i}.mlp.w2.weight", Target: "blk.{i}.ffn_gate.weight", Shape: []Dim{halfFF, embed}},
		{Source: "transformer.h.{i}.mlp.c_proj.weight", Target: "blk.{i}.ffn_down.weight", Shape: []Dim{embed, halfFF}},
		{Source: "transformer.ln_f.weight", Target: "output_norm.weight", Shape: []Dim{embed}},
		{Source: "lm_head.weight", Target: "output.weight", Shape: []Dim{vocab, embed}, Optional: true, Untied: true},
	},
	Ignore: []string{"transformer.rotary_emb.inv_freq"},
	Graph: Graph{Layer: decoder(func(_ Hyper, _ int, l *Layer) {
		l.Feed.(*Dense).Width /= 2
	})},
	Source: Convention{Rope: RopeHalf},
	File:   Convention{Rope: RopeHalf},

	sizes:    func(_ *reader, h *Hyper) { h.Eps = h.LayerEps },
	fromFile: func(_ *fileReader, h *Hyper) { h.Eps = first(h.Eps, h.LayerEps) },
}

func halfFF(h Hyper, _ int) int { return h.FF / 2 }
