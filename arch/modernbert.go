package arch

import "slices"

// modernBERT serves ModernBERT and the embedding models with its layers: norms
// before the parts, rotated positions, gates beside each other in one matrix,
// and a window on both sides in all layers but every third.
var modernBERT = Arch{
	Name:    "modern-bert",
	Classes: []string{"ModernBertModel", "ModernBertForMaskedLM"},
	Strip:   []string{"model."},
	Defaults: map[string]Defaults{"": {Keys: Keys{
		"max_position_embeddings": 8192, "norm_eps": 1e-5, "hidden_activation": "gelu", "local_attention": 128,
		"global_rope_theta": 160000.0, "local_rope_theta": 10000.0, "global_attn_every_n_layers": everyThird,
	}, AsStated: true}},
	Only:       Keys{"norm_bias": false, "attention_bias": false, "mlp_bias": false},
	Vocabulary: Vocabulary{Framed: true},
	Params: slices.Concat(encoderParams, []Param{
		u32("attention.sliding_window", func(h Hyper, _ int) int { return h.Meaning.Window }),
		{Key: slidingPattern, From: func(h Hyper) (any, bool) { return uint32(h.Value("global_every")), h.Value("global_every") > 0 }},
		{Key: slidingPattern, From: func(h Hyper) (any, bool) {
			return h.Meaning.Sliding, h.Value("global_every") == 0 && !slices.Equal(h.Meaning.Sliding, allBut(everyThird, h.Layers))
		}},
		{Key: "rope.scaling.type", From: func(Hyper) (any, bool) { return "none", true }},
		u32("vocab_size", vocab),
		{Key: "hidden_activation", From: func(h Hyper) (any, bool) { return gatedBy[h.Meaning.Activation], true }},
	}),
	Tensors: []Tensor{
		{Source: "embeddings.tok_embeddings.weight", Target: "token_embd.weight", Shape: []Dim{vocab, embed}},
		{Source: "embeddings.norm.weight", Target: "token_embd_norm.weight", Shape: []Dim{embed}},
		{Source: "layers.{i}.attn_norm.weight", Target: "blk.{i}.attn_norm.weight", Shape: []Dim{embed}, Where: behindFirst},
		{Source: "layers.{i}.attn.Wqkv.weight", Target: "blk.{i}.attn_qkv.weight", Shape: []Dim{qkvRows, embed}},
		{Source: "layers.{i}.attn.Wo.weight", Target: "blk.{i}.attn_output.weight", Shape: []Dim{embed, oCols}},
		{Source: "layers.{i}.mlp_norm.weight", Target: "blk.{i}.ffn_norm.weight", Shape: []Dim{embed}},
		{Source: "layers.{i}.mlp.Wi.weight", Target: "blk.{i}.ffn_up.weight", Shape: []Dim{twice(ff), embed}},
		{Source: "layers.{i}.mlp.Wo.weight", Target: "blk.{i}.ffn_down.weight", Shape: []Dim{embed, ff}},
		{Source: "final_norm.weight", Target: "output_norm.weight", Shape: []Dim{embed}},
	},
	Ignore: []string{"head.*", "decoder.*"},
	Graph: Graph{
		Activation: GELU,
		Input:      func(h Hyper) Input { return Input{Norm: centeredEmbedding(h)} },
		Layer:      decoder(centered, encoding, fusedGate, firstUnnormed),
		Output: func(h Hyper) Output {
			return Output{Kind: Embeddings, Pooling: h.Meaning.Pooling, Norm: &Norm{Name: "output_norm", Kind: LayerNorm, Eps: h.LayerEps}}
		},
	},
	Source: Convention{Rope: RopeHalf},
	File:   Convention{Rope: RopeHalf},

	sizes: func(c *reader, h *Hyper) { h.LayerEps = h.Eps },
	fromConfig: func(c *reader, h *Hyper) {
		m, kinds, n := &h.Meaning, c.strings("layer_types"), c.int("global_attn_every_n_layers")
		m.Window = c.int("local_attention")
		if m.Sliding = allBut(max(n, 1), h.Layers); len(kinds) > 0 {
			m.Sliding = each(h.Layers, func(i int) bool { return i < len(kinds) && kinds[i] == slidingLayer })
		} else {
			h.set("global_every", float64(n))
		}
	},
	fromFile: func(g *fileReader, h *Hyper) {
		m := &h.Meaning
		m.Window = g.int("attention.sliding_window")
		if stated, ok := g.kvs.Bools(g.prefix + slidingPattern); ok {
			m.Sliding = each(h.Layers, func(i int) bool { return at(stated, i, false) })
		} else {
			h.set("global_every", float64(g.int(slidingPattern)))
			m.Sliding = allBut(first(g.int(slidingPattern), everyThird), h.Layers)
		}
		if name, ok := g.kvs.String(g.prefix + "hidden_activation"); ok {
			if m.Activation, ok = activations[name]; !ok {
				g.keep(g.place("hidden_activation").Unsupported("unsupported activation %q", name))
			}
		}
	},
}

// everyThird is the interval of layers without a window where nothing says
// otherwise.
const everyThird = 3

// allBut marks all layers but the first of each so many.
func allBut(n, layers int) []bool {
	return each(layers, func(i int) bool { return i%n != 0 })
}

// gatedBy are the activations that llama.cpp has with gates in one matrix.
var gatedBy = map[Activation]string{GELU: "gelu", SiLU: "silu"}

// behindFirst are all layers but the first.
func behindFirst(_ Hyper, layer int) bool { return layer > 0 }

// firstUnnormed leaves the embedding's own norm to the first layer.
func firstUnnormed(_ Hyper, layer int, l *Layer) {
	if layer == 0 {
		l.MixNorm = nil
	}
}
