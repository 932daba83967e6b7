package arch

import (
	"fmt"
	"slices"
)

// qwen3next mixes layers of linear attention, gated delta networks, with
// layers of gated full attention. Its checkpoints store norms without their
// offset of 1, and the linear projections of all kinds by key head.
var qwen3next = Arch{
	Name:     "qwen3next",
	Reranker: qwenReranker,
	Classes:  []string{"Qwen3NextForCausalLM"},
	Defaults: map[string]Defaults{"": {Keys: deltaAssumed.and(Keys{
		"num_key_value_heads": 2, "moe_intermediate_size": 512, "num_experts": 512, "num_experts_per_tok": 10, "shared_expert_intermediate_size": 512,
		"norm_topk_prob": true,
	})}},
	Params:  slices.Concat(qwenMoEParams, predictionParams, deltaParams),
	Tensors: slices.Concat(offsetTrunk, gatedAttention, mixedDelta, qwenMoE, prediction),
	Ignore:  []string{inverseFrequencies},
	Graph:   deltaGraph(true),
	Source:  deltaSource,
	File:    Convention{Rope: RopeHalf},
	Views:   append(mixedViews, fusedViews...),

	losses:   []lossRule{unequalHeads},
	fromFile: deltaFile,
}

// qwen35 serves the dense models of Qwen 3.5 and 3.6. The file repeats key
// heads in turn, checkpoints keep the value heads of a key head together:
// hence the tiling. Text, height and width share the rotated dimensions.
var qwen35 = Arch{
	Name:     "qwen35",
	Scaled:   true,
	Reranker: qwenReranker,
	Classes:  []string{"Qwen3_5ForCausalLM", "Qwen3_5ForConditionalGeneration"},
	Only:     Keys{"attn_output_gate": true},
	Strip:    []string{"language_model."},
	Defaults: map[string]Defaults{"": {Keys: deltaAssumed}},
	Params:   slices.Concat(qwenMoEParams, predictionParams, deltaParams, sections),
	Tensors:  slices.Concat(offsetTrunk, gatedAttention, splitDelta, mlp("mlp", "", ff), prediction),
	Ignore:   append([]string{inverseFrequencies}, otherModalities...),
	Graph:    deltaGraph(false),
	Source:   deltaSource,
	File:     Convention{Rope: RopeHalf, InTurn: true},

	losses:     []lossRule{unequalHeads},
	fromConfig: sectioned,
	fromFile:   deltaFile,
}

// qwen35moe serves the mixture-of-experts models of Qwen 3.5 and 3.6.
var qwen35moe = Arch{
	Name:     "qwen35moe",
	Scaled:   true,
	Reranker: qwenReranker,
	Classes:  []string{"Qwen3_5MoeForCausalLM", "Qwen3_5MoeForConditionalGeneration"},
	Only:     Keys{"attn_output_gate": true},
	Strip:    []string{"language_model."},
	Defaults: map[string]Defaults{"": {Keys: deltaAssumed.and(Keys{
		"num_key_value_heads": 2, "moe_intermediate_size": 512, "num_experts": 256, "num_experts_per_tok": 8, "shared_expert_intermediate_size": 512,
	}), Always: Keys{"norm_topk_prob": true}}},
	Params:  slices.Concat(qwenMoEParams, predictionParams, deltaParams, sections),
	Tensors: slices.Concat(offsetTrunk, gatedAttention, splitDelta, qwenMoE, prediction),
	Ignore:  append([]string{inverseFrequencies}, otherModalities...),
	Graph:   deltaGraph(false),
	Source:  deltaSource,
	File:    qwen35.File,
	Views:   fusedViews,

	losses:     []lossRule{unequalHeads},
	fromConfig: sectioned,
	fromFile:   deltaFile,
}

var deltaAssumed = Keys{
	"max_position_embeddings": 32768, "rms_norm_eps": 1e-6, "rope_theta": 1e4, "partial_rotary_factor": 0.25, "head_dim": 256, "num_key_value_heads": 4,
	"linear_conv_kernel_dim": 4, "linear_key_head_dim": 128, "linear_value_head_dim": 128, "linear_num_key_heads": 16, "linear_num_value_heads": 32,
	"full_attention_interval": 4,
}

// deltaGraph is the graph of layers of linear and of gated full attention.
func deltaGraph(joined bool) Graph {
	return Graph{
		Layer:  decoder(normedHeads, gatedHeads, gatedShared, feedNormed, recurrent(joined)),
		Router: Router{Score: SoftmaxScore, Normalize: true},
	}
}

// sectioned puts the class's own division of the rotated dimensions where
// config.json has none.
func sectioned(_ *reader, h *Hyper) {
	if h.Rope.Sections == nil {
		h.Meaning.Rotation.Sections = []int{11, 11, 10, 0}
	}
}

var deltaSource = Convention{Rope: RopeHalf, NormOffset: 1, DecayLog: true}

// recurrent replaces attention by a delta network in the layers that have one.
func recurrent(joined bool) change {
	return func(h Hyper, layer int, l *Layer) {
		if d := h.Delta; linear(h, layer) {
			l.Mixer = &DeltaNet{d.Kernel, d.KeyHeads, d.ValueHeads, d.KeyDim, d.ValueDim, h.Eps, joined}
		}
	}
}

// mixedViews are what mixedDelta keeps together, key head by key head: query,
// key, value and gate.
var mixedViews = []View{
	{Matrix: "blk.{i}.attn_qkv.weight", Source: "model.layers.{i}.linear_attn.in_proj_qkvz.weight", Rows: func(h Hyper, _ int) []RowSet {
		period, key, values := h.Delta.mixed()
		return []RowSet{{period, 0, key}, {period, key, key}, {period, 2 * key, values}}
	}},
	{Matrix: "blk.{i}.attn_gate.weight", Source: "model.layers.{i}.linear_attn.in_proj_qkvz.weight", Rows: func(h Hyper, _ int) []RowSet {
		period, key, values := h.Delta.mixed()
		return []RowSet{{period, 2*key + values, values}}
	}},
}

// mixed returns the rows that a key head has together, those of its key and
// those of its values.
func (d Delta) mixed() (period, key, values int) {
	if d.KeyHeads > 0 {
		values = d.ValueHeads / d.KeyHeads * d.ValueDim
	}
	return 2*d.KeyDim + 2*values, d.KeyDim, values
}

var predictionParams = []Param{u32("nextn_predict_layers", func(h Hyper, _ int) int { return h.MTPLayers })}

// sections divides the rotated dimensions among time, height and width; the
// key is required, so the class's own division stands where config.json has
// none.
var sections = []Param{{Key: "rope.dimension_sections", From: func(h Hyper) (any, bool) {
	return []int32{11, 11, 10, 0}, h.Rope.Sections == nil
}}}

var offsetTrunk = []Tensor{
	{Source: "model.embed_tokens.weight", Target: "token_embd.weight", Shape: []Dim{vocab, embed}},
	{Source: "model.layers.{i}.input_layernorm.weight", Target: "blk.{i}.attn_norm.weight", Shape: []Dim{embed}, Ops: offset},
	{Source: "model.layers.{i}.post_attention_layernorm.weight", Target: "blk.{i}.post_attention_norm.weight", Shape: []Dim{embed}, Ops: offset},
	{Source: "model.norm.weight", Target: "output_norm.weight", Shape: []Dim{embed}, Ops: offset},
	{Source: "lm_head.weight", Target: "output.weight", Shape: []Dim{vocab, embed}, Optional: true, Untied: true},
}

// gatedAttention doubles the rows of queries by those of a gate, head by head.
var gatedAttention = in(full, []Tensor{
	{Source: "model.layers.{i}.self_attn.q_proj.weight", Target: "blk.{i}.attn_q.weight", Shape: []Dim{twice(qRows), embed}},
	{Source: "model.layers.{i}.self_attn.k_proj.weight", Target: "blk.{i}.attn_k.weight", Shape: []Dim{kRows, embed}},
	{Source: "model.layers.{i}.self_attn.v_proj.weight", Target: "blk.{i}.attn_v.weight", Shape: []Dim{vRows, embed}},
	{Source: "model.layers.{i}.self_attn.o_proj.weight", Target: "blk.{i}.attn_output.weight", Shape: []Dim{embed, oCols}},
	{Source: "model.layers.{i}.self_attn.q_norm.weight", Target: "blk.{i}.attn_q_norm.weight", Shape: []Dim{headDim}, Ops: offset},
	{Source: "model.layers.{i}.self_attn.k_norm.weight", Target: "blk.{i}.attn_k_norm.weight", Shape: []Dim{headDim}, Ops: offset},
})

// mixedDelta keeps query, key, value and gate of a key head together.
var mixedDelta = in(linear, []Tensor{
	{Source: "model.layers.{i}.linear_attn.in_proj_qkvz.weight", Target: "blk.{i}.attn_qkv.weight", Shape: []Dim{deltaMixed, embed}, Ops: ops(DeltaQKV)},
	{Source: "model.layers.{i}.linear_attn.in_proj_qkvz.weight", Target: "blk.{i}.attn_gate.weight", Shape: []Dim{deltaMixed, embed}, Ops: ops(DeltaGate)},
	{Source: "model.layers.{i}.linear_attn.in_proj_ba.weight", Target: "blk.{i}.ssm_ba.weight", Shape: []Dim{twice(deltaHeads), embed}},
	{Source: "model.layers.{i}.linear_attn.conv1d.weight", Target: "blk.{i}.ssm_conv1d.weight", Shape: []Dim{deltaChannels, one, deltaKernel}, Ops: ops(Squeeze), F32: true},
	{Source: "model.layers.{i}.linear_attn.dt_bias", Target: "blk.{i}.ssm_dt.bias", Shape: []Dim{deltaHeads}},
	{Source: "model.layers.{i}.linear_attn.A_log", Target: "blk.{i}.ssm_a", Shape: []Dim{deltaHeads}, Ops: ops(NegExp)},
	{Source: "model.layers.{i}.linear_attn.norm.weight", Target: "blk.{i}.ssm_norm.weight", Shape: []Dim{deltaHeadDim}},
	{Source: "model.layers.{i}.linear_attn.out_proj.weight", Target: "blk.{i}.ssm_out.weight", Shape: []Dim{embed, deltaValues}},
})

// splitDelta keeps one matrix for each projection.
var splitDelta = in(linear, []Tensor{
	{Source: "model.layers.{i}.linear_attn.in_proj_qkv.weight", Target: "blk.{i}.attn_qkv.weight", Shape: []Dim{deltaChannels, embed}, Ops: ops(TileTail)},
	{Source: "model.layers.{i}.linear_attn.in_proj_z.weight", Target: "blk.{i}.attn_gate.weight", Shape: []Dim{deltaValues, embed}, Ops: ops(TileRows)},
	{Source: "model.layers.{i}.linear_attn.in_proj_b.weight", Target: "blk.{i}.ssm_beta.weight", Shape: []Dim{deltaHeads, embed}, Ops: ops(TileRows)},
	{Source: "model.layers.{i}.linear_attn.in_proj_a.weight", Target: "blk.{i}.ssm_alpha.weight", Shape: []Dim{deltaHeads, embed}, Ops: ops(TileRows)},
	{Source: "model.layers.{i}.linear_attn.conv1d.weight", Target: "blk.{i}.ssm_conv1d.weight", Shape: []Dim{deltaChannels, one, deltaKernel}, Ops: ops(TileTail), F32: true},
	{Source: "model.layers.{i}.linear_attn.dt_bias", Target: "blk.{i}.ssm_dt.bias", Shape: []Dim{deltaHeads}, Ops: ops(TileRows)},
	{Source: "model.layers.{i}.linear_attn.A_log", Target: "blk.{i}.ssm_a", Shape: []Dim{deltaHeads}, Ops: ops(TileRows, NegExp)},
	{Source: "model.layers.{i}.linear_attn.norm.weight", Target: "blk.{i}.ssm_norm.weight", Shape: []Dim{deltaHeadDim}},
	{Source: "model.layers.{i}.linear_attn.out_proj.weight", Target: "blk.{i}.ssm_out.weight", Shape: []Dim{embed, deltaValues}, Ops: ops(TileColumns)},
})

// qwenMoE is the feed-forward part with experts.
var qwenMoE = slices.Concat(
	in(dense, mlp("mlp", "", ff)),
	in(sparse, router("mlp.gate"), perExpert, fusedExperts, mlp("mlp.shared_expert", "_shexp", sharedFF), sharedExpertGate),
)

// prediction joins embedding and hidden state for multi-token prediction. The
// layers after it are decoder layers like the rest.
var prediction = in(leads, []Tensor{
	{Source: "model.layers.{i}.eh_proj.weight", Target: "blk.{i}.nextn.eh_proj.weight", Shape: []Dim{embed, twice(embed)}},
	{Source: "model.layers.{i}.enorm.weight", Target: "blk.{i}.nextn.enorm.weight", Shape: []Dim{embed}, Ops: offset},
	{Source: "model.layers.{i}.hnorm.weight", Target: "blk.{i}.nextn.hnorm.weight", Shape: []Dim{embed}, Ops: offset},
	{Source: "model.layers.{i}.shared_head.norm.weight", Target: "blk.{i}.nextn.shared_head_norm.weight", Shape: []Dim{embed}, Ops: offset},
})

// unequalHeads says which models llama.cpp does not load.
func unequalHeads(_ *reader, _ Arch, h Hyper) (l Loss) {
	if d := h.Delta; d.KeyDim != d.ValueDim {
		l.Text = fmt.Sprintf("linear_key_head_dim is %d and linear_value_head_dim %d: llama.cpp has one key for both, and does not load the file", d.KeyDim, d.ValueDim)
	}
	return l
}
