package arch

import "slices"

// internlm2 serves InternLM 2 and 2.5: Llama's decoder under names of its own,
// with queries, keys and values grouped by key head in one matrix. Its code is
// not part of transformers, so that config.json has to say everything.
var internlm2 = Arch{
	Name:     "internlm2",
	Classes:  []string{"InternLM2ForCausalLM"},
	Defaults: map[string]Defaults{"": {Keys: Keys{"rms_norm_eps": 1e-6, "rope_theta": 1e4}, AsStated: true}},
	Only:     Keys{"bias": false},
	Tensors: []Tensor{
		{Source: "model.tok_embeddings.weight", Target: "token_embd.weight", Shape: []Dim{vocab, embed}},
		{Source: "model.layers.{i}.attention_norm.weight", Target: "blk.{i}.attn_norm.weight", Shape: []Dim{embed}},
		{Source: internlmQKV, Target: "blk.{i}.attn_q.weight", Shape: []Dim{qkvRows, embed}, Ops: slices.Concat(ungroup(0, 1), permuted(QueryHeads))},
		{Source: internlmQKV, Target: "blk.{i}.attn_k.weight", Shape: []Dim{qkvRows, embed}, Ops: slices.Concat(ungroup(1, 2), permuted(KVHeads))},
		{Source: internlmQKV, Target: "blk.{i}.attn_v.weight", Shape: []Dim{qkvRows, embed}, Ops: ungroup(2, 3)},
		{Source: "model.layers.{i}.attention.wo.weight", Target: "blk.{i}.attn_output.weight", Shape: []Dim{embed, oCols}},
		{Source: "model.layers.{i}.ffn_norm.weight", Target: "blk.{i}.ffn_norm.weight", Shape: []Dim{embed}},
		{Source: "model.layers.{i}.feed_forward.w1.weight", Target: "blk.{i}.ffn_gate.weight", Shape: []Dim{ff, embed}},
		{Source: "model.layers.{i}.feed_forward.w3.weight", Target: "blk.{i}.ffn_up.weight", Shape: []Dim{ff, embed}},
		{Source: "model.layers.{i}.feed_forward.w2.weight", Target: "blk.{i}.ffn_down.weight", Shape: []Dim{embed, ff}},
		outputNorm,
		{Source: "output.weight", Target: "output.weight", Shape: []Dim{vocab, embed}, Optional: true, Untied: true},
		headOf("model.tok_embeddings.weight"),
	},
	Source: Convention{Rope: RopeHalf},
	File:   Convention{Rope: RopeInterleaved},
	Views: []View{
		{Matrix: "blk.{i}.attn_q.weight", Source: internlmQKV, Rows: groupedRows(0, 1)},
		{Matrix: "blk.{i}.attn_k.weight", Source: internlmQKV, Rows: groupedRows(1, 2)},
		{Matrix: "blk.{i}.attn_v.weight", Source: internlmQKV, Rows: groupedRows(2, 3)},
	},
}

const internlmQKV = "model.layers.{i}.attention.wqkv.weight"
