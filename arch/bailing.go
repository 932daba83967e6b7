package arch

import "slices"

// bailingmoe serves Ling and Ring of the first generation: Llama's attention
// from one matrix, and fine-grained experts beside shared ones.
var bailingmoe = Arch{
	Name:     "bailingmoe",
	Classes:  []string{"BailingMoeForCausalLM"},
	Only:     bailingOnly,
	Defaults: map[string]Defaults{"": {Keys: bailingKeys}},
	Params: []Param{
		u32("rope.dimension_count", headDim),
		always("leading_dense_block_count", func(h Hyper, _ int) int { return h.MoE.LeadingDense }),
		u32("vocab_size", vocab),
		u32("expert_feed_forward_length", expertFF),
		f32("expert_weights_scale", func(h Hyper) float64 { return h.MoE.Scale }),
		always("expert_shared_count", func(h Hyper, _ int) int { return h.MoE.Shared }),
		{Key: "expert_weights_norm", From: func(h Hyper) (any, bool) { return h.MoE.Normalize, true }},
	},
	Tensors: slices.Concat(bailingTrunk, []Tensor{
		{Source: bailingQKV, Target: "blk.{i}.attn_q.weight", Shape: []Dim{qkvRows, embed}, Ops: slices.Concat(slice(zero, qRows), permuted(QueryHeads))},
		{Source: bailingQKV, Target: "blk.{i}.attn_k.weight", Shape: []Dim{qkvRows, embed}, Ops: slices.Concat(slice(qRows, kRows), permuted(KVHeads))},
		{Source: bailingQKV, Target: "blk.{i}.attn_v.weight", Shape: []Dim{qkvRows, embed}, Ops: slice(qkRows, vRows)},
	}, bailingFeed),
	Ignore: []string{inverseFrequencies},
	Graph:  Graph{Router: Router{Score: SoftmaxScore}},
	Source: Convention{Rope: RopeHalf},
	File:   Convention{Rope: RopeInterleaved},
	Views: append([]View{
		{Matrix: "blk.{i}.attn_q.weight", Source: bailingQKV, Rows: func(h Hyper, l int) []RowSet { return []RowSet{{qkvRows(h, l), 0, qRows(h, l)}} }},
		{Matrix: "blk.{i}.attn_k.weight", Source: bailingQKV, Rows: func(h Hyper, l int) []RowSet { return []RowSet{{qkvRows(h, l), qRows(h, l), kRows(h, l)}} }},
		{Matrix: "blk.{i}.attn_v.weight", Source: bailingQKV, Rows: func(h Hyper, l int) []RowSet { return []RowSet{{qkvRows(h, l), qkRows(h, l), vRows(h, l)}} }},
	}, fusedViews...),

	sizes: func(c *reader, h *Hyper) {
		c.bailingShared(h)
		h.MoE.Scale = 1
	},
}

// bailingmoe2 serves those of the second: query and key heads are normalized,
// half of each head is rotated, and experts are chosen as DeepSeek V3 does.
// Prediction layers are kept.
var bailingmoe2 = Arch{
	Name:             "bailingmoe2",
	Classes:          []string{"BailingMoeV2ForCausalLM"},
	Only:             bailingOnly.and(Keys{"use_qk_norm": true}),
	KeepsPredictions: true,
	Defaults:         map[string]Defaults{"": {Keys: bailingKeys.and(Keys{"partial_rotary_factor": 0.5, "score_function": "sigmoid", "routed_scaling_factor": 2.5}), Always: Keys{"norm_topk_prob": true}}},
	Params: []Param{
		u32("rope.dimension_count", func(h Hyper, _ int) int { return h.Rope.Dim }),
		always("leading_dense_block_count", func(h Hyper, _ int) int { return h.MoE.LeadingDense }),
		u32("vocab_size", vocab),
		u32("expert_feed_forward_length", expertFF),
		u32("expert_shared_feed_forward_length", sharedFF),
		f32("expert_weights_scale", func(h Hyper) float64 { return h.MoE.Scale }),
		always("expert_shared_count", func(h Hyper, _ int) int { return h.MoE.Shared }),
		{Key: "expert_weights_norm", From: func(h Hyper) (any, bool) { return h.MoE.Normalize, true }},
		{Key: "nextn_predict_layers", From: func(h Hyper) (any, bool) { return uint32(h.MTPLayers), h.Index.StatesPredictions }},
	},
	Tensors: slices.Concat(bailingTrunk, []Tensor{
		{Source: bailingQKV, Target: "blk.{i}.attn_qkv.weight", Shape: []Dim{qkvRows, embed}},
		{Source: "model.layers.{i}.attention.query_layernorm.weight", Target: "blk.{i}.attn_q_norm.weight", Shape: []Dim{headDim}},
		{Source: "model.layers.{i}.attention.key_layernorm.weight", Target: "blk.{i}.attn_k_norm.weight", Shape: []Dim{headDim}},
	}, bailingFeed,
		in(sparse, optional([]Tensor{{Source: "model.layers.{i}.mlp.gate.expert_bias", Target: "blk.{i}.exp_probs_b.bias", Shape: []Dim{experts}, F32: true}})),
		in(predicts, []Tensor{
			{Source: "model.layers.{i}.eh_proj.weight", Target: "blk.{i}.nextn.eh_proj.weight", Shape: []Dim{embed, twice(embed)}},
			{Source: "model.layers.{i}.enorm.weight", Target: "blk.{i}.nextn.enorm.weight", Shape: []Dim{embed}},
			{Source: "model.layers.{i}.hnorm.weight", Target: "blk.{i}.nextn.hnorm.weight", Shape: []Dim{embed}},
			{Source: "model.layers.{i}.final_layernorm.weight", Target: "blk.{i}.layer_output_norm.weight", Shape: []Dim{embed}},
		}),
	),
	Ignore: []string{inverseFrequencies},
	Graph:  Graph{Layer: decoder(normedHeads), Router: Router{Score: SigmoidScore}},
	Source: Convention{Rope: RopeHalf},
	File:   Convention{Rope: RopeHalf},
	Views:  fusedViews,

	sizes:      (*reader).bailingShared,
	fromConfig: (*reader).deepseek,
}

const bailingQKV = "model.layers.{i}.attention.query_key_value.weight"

var (
	bailingKeys = Keys{"rms_norm_eps": 1e-6, "rope_theta": 1e4, "first_k_dense_replace": 0}
	bailingOnly = Keys{"use_bias": false, "use_qkv_bias": false, "norm_head": false}

	bailingTrunk = []Tensor{
		{Source: "model.word_embeddings.weight", Target: "token_embd.weight", Shape: []Dim{vocab, embed}},
		trunk[1], trunk[2], outputNorm, head,
		{Source: "model.layers.{i}.attention.dense.weight", Target: "blk.{i}.attn_output.weight", Shape: []Dim{embed, oCols}},
	}
	bailingFeed = slices.Concat(
		in(dense, mlp("mlp", "", ff)),
		in(sparse, router("mlp.gate"), perExpert, fusedExperts),
		in(shares, mlp("mlp.shared_experts", "_shexp", sharedFF)),
	)
)

// bailingShared reads the experts that all positions share.
func (c *reader) bailingShared(h *Hyper) {
	m := &h.MoE
	m.Shared = c.int("num_shared_experts")
	m.SharedFF = first(c.int("moe_shared_expert_intermediate_size"), m.Shared*m.FF)
}

// qkRows are the rows of queries and keys.
func qkRows(h Hyper, l int) int { return qRows(h, l) + kRows(h, l) }
