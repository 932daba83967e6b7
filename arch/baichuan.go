package arch

import "slices"

// baichuan serves Baichuan 1 and 2: Llama's decoder with queries, keys and
// values in one matrix, and in the models of 13B parameters a linear bias of
// positions in place of the rotation. Its code is not part of transformers, so
// that config.json has to say everything; it does not say which of the two, but
// only the larger models have 40 layers.
var baichuan = Arch{
	Name:     "baichuan",
	Classes:  []string{"BaichuanForCausalLM", "BaiChuanForCausalLM"},
	Defaults: map[string]Defaults{"": {Keys: Keys{"rms_norm_eps": 1e-6, "rope_theta": 1e4}, AsStated: true}},
	Common: []string{
		"block_count", "context_length", "embedding_length", "feed_forward_length", "attention.head_count", "attention.head_count_kv",
		"attention.layer_norm_rms_epsilon",
	},
	Params: []Param{
		{Key: "tensor_data_layout", From: func(Hyper) (any, bool) { return "Meta AI original pth", true }},
		u32("rope.dimension_count", func(h Hyper, _ int) int { return h.HeadDim }),
		statedBase,
	},
	Tensors: slices.Concat(trunk, []Tensor{
		tiedHead,
		{Source: baichuanQKV, Target: "blk.{i}.attn_q.weight", Shape: []Dim{qkvRows, embed}, Ops: slices.Concat(third(0), permuted(QueryHeads))},
		{Source: baichuanQKV, Target: "blk.{i}.attn_k.weight", Shape: []Dim{qkvRows, embed}, Ops: slices.Concat(third(1), permuted(KVHeads))},
		{Source: baichuanQKV, Target: "blk.{i}.attn_v.weight", Shape: []Dim{qkvRows, embed}, Ops: third(2)},
		{Source: "model.layers.{i}.self_attn.o_proj.weight", Target: "blk.{i}.attn_output.weight", Shape: []Dim{embed, oCols}},
	}, mlp("mlp", "", ff)),
	Ignore: []string{inverseFrequencies},
	Graph: Graph{Layer: decoder(func(h Hyper, layer int, l *Layer) {
		if h.Layers == 40 {
			unrotated(h, layer, l)
			positionsWeigh(h, layer, l)
		}
	})},
	Source: Convention{Rope: RopeHalf},
	File:   Convention{Rope: RopeInterleaved},
	Views: []View{
		{Matrix: "blk.{i}.attn_q.weight", Source: baichuanQKV, Rows: thirdOfRows(0)},
		{Matrix: "blk.{i}.attn_k.weight", Source: baichuanQKV, Rows: thirdOfRows(1)},
		{Matrix: "blk.{i}.attn_v.weight", Source: baichuanQKV, Rows: thirdOfRows(2)},
	},
	losses: []lossRule{unitRows},
}

const baichuanQKV = "model.layers.{i}.self_attn.W_pack.weight"

// third keeps one of the queries, the keys and the values, of which there are as many.
func third(index int) []Op { return []Op{{Kind: Part, Index: index, Of: 3}} }

func thirdOfRows(index int) func(Hyper, int) []RowSet {
	return func(h Hyper, layer int) []RowSet {
		n := qRows(h, layer)
		return []RowSet{{3 * n, index * n, n}}
	}
}

// unitRows is the output matrix of Baichuan 2, whose vocabulary tells it.
func unitRows(_ *reader, _ Arch, h Hyper) (l Loss) {
	if h.Vocab == 125696 {
		l.Text = "lm_head.weight: Baichuan 2 scales the rows of its output matrix to length 1 when it runs; the file has them as they are, as the reference converter's does, and results differ from the model's unless the checkpoint stores them so"
	}
	return l
}
