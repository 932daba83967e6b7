package arch

import "slices"

// gpt2 serves GPT-2: learned positions, layer norms, queries, keys and values
// in one matrix, and matrices stored with inputs along the rows.
var gpt2 = Arch{
	Name:     "gpt2",
	Classes:  []string{"GPT2LMHeadModel"},
	Strip:    []string{"transformer."},
	Defaults: map[string]Defaults{"": {Keys: Keys{"n_positions": 1024, "layer_norm_epsilon": 1e-5, "rope_theta": 1e4, "tie_word_embeddings": true}}},
	Only:     Keys{"scale_attn_by_inverse_layer_idx": false, "scale_attn_weights": true},
	Common: []string{
		"block_count", "context_length", "embedding_length", "feed_forward_length", "attention.head_count", "attention.layer_norm_epsilon",
	},
	Tensors: slices.Concat(gptTrunk,
		turned("h.{i}.attn.c_attn", "blk.{i}.attn_qkv", qkvRows, embed),
		turned("h.{i}.attn.c_proj", "blk.{i}.attn_output", embed, oCols),
		turned("h.{i}.mlp.c_fc", "blk.{i}.ffn_up", ff, embed),
		turned("h.{i}.mlp.c_proj", "blk.{i}.ffn_down", embed, ff),
	),
	Graph: gptGraph,
	Views: []View{
		{Matrix: "blk.{i}.attn_qkv.weight", Source: "h.{i}.attn.c_attn.weight", Turned: true},
		{Matrix: "blk.{i}.attn_output.weight", Source: "h.{i}.attn.c_proj.weight", Turned: true},
		{Matrix: "blk.{i}.ffn_up.weight", Source: "h.{i}.mlp.c_fc.weight", Turned: true},
		{Matrix: "blk.{i}.ffn_down.weight", Source: "h.{i}.mlp.c_proj.weight", Turned: true},
	},

	sizes: fourfold,
}

// gptTrunk is what stands around the matrices.
var gptTrunk = slices.Concat(
	[]Tensor{
		{Source: "wte.weight", Target: "token_embd.weight", Shape: []Dim{vocab, embed}},
		{Source: "wpe.weight", Target: "position_embd.weight", Shape: []Dim{positions, embed}, F32: true},
		head,
	},
	affine("h.{i}.ln_1", "blk.{i}.attn_norm", embed, nil),
	affine("h.{i}.ln_2", "blk.{i}.ffn_norm", embed, nil),
	affine("ln_f", "output_norm", embed, nil),
)

var gptGraph = Graph{
	Activation: GELUTanh,
	Input:      func(Hyper) Input { return Input{Positions: true} },
	Layer:      decoder(centered, ungated, unrotated),
	Output:     centeredOutput,
}

// turned is a matrix stored with inputs along the rows, and its bias.
func turned(source, target string, rows, cols Dim) []Tensor {
	t := affine(source, target, rows, cols)
	t[0].Shape, t[0].Ops = []Dim{cols, rows}, ops(Transpose)
	return t
}

// fourfold makes the feed-forward part four times as wide as the stream where
// config.json does not say how wide it is.
func fourfold(_ *reader, h *Hyper) { h.FF = first(h.FF, 4*h.Embed) }

// starcoder serves StarCoder and SantaCoder: GPT-2 with one key head and
// matrices as they are.
var starcoder = Arch{
	Name:     "starcoder",
	Classes:  []string{"GPTBigCodeForCausalLM"},
	Strip:    gpt2.Strip,
	Defaults: gpt2.Defaults,
	Only:     Keys{"multi_query": true, "scale_attn_weights": true},
	Common: []string{
		"context_length", "embedding_length", "feed_forward_length", "block_count", "attention.head_count", "attention.head_count_kv",
		"attention.layer_norm_epsilon",
	},
	Tensors: slices.Concat(gptTrunk,
		affine("h.{i}.attn.c_attn", "blk.{i}.attn_qkv", qkvRows, embed),
		affine("h.{i}.attn.c_proj", "blk.{i}.attn_output", embed, oCols),
		affine("h.{i}.mlp.c_fc", "blk.{i}.ffn_up", ff, embed),
		affine("h.{i}.mlp.c_proj", "blk.{i}.ffn_down", embed, ff),
	),
	Graph: gptGraph,

	sizes: func(c *reader, h *Hyper) {
		h.KVHeads = 1
		fourfold(c, h)
	},
}

// starcoder2 serves StarCoder 2: a decoder with layer norms and biases
// everywhere, rotated positions and no gates.
var starcoder2 = Arch{
	Name:    "starcoder2",
	Classes: []string{"Starcoder2ForCausalLM"},
	Defaults: map[string]Defaults{"": {Keys: Keys{
		"max_position_embeddings": 4096, "norm_epsilon": 1e-5, "rope_theta": 1e4, "num_key_value_heads": 2, "tie_word_embeddings": true,
	}, windows: everyLayer}},
	Tensors: slices.Concat([]Tensor{embedding, head},
		affine("model.layers.{i}.input_layernorm", "blk.{i}.attn_norm", embed, nil),
		affine("model.layers.{i}.post_attention_layernorm", "blk.{i}.ffn_norm", embed, nil),
		affine("model.norm", "output_norm", embed, nil),
		attention(unmoved), attentionBias(unmoved), outputBias,
		mayLack(slices.Concat(
			affine("model.layers.{i}.mlp.c_fc", "blk.{i}.ffn_up", ff, embed),
			affine("model.layers.{i}.mlp.c_proj", "blk.{i}.ffn_down", embed, ff),
		))),
	Ignore: []string{inverseFrequencies},
	Graph:  Graph{Activation: GELUTanh, Layer: decoder(centered, ungated), Output: centeredOutput},
	Source: Convention{Rope: RopeHalf},
	File:   Convention{Rope: RopeHalf},
}
