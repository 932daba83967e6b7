package arch

import (
	"fmt"
	"math"
	"slices"
)

// deepseek serves DeepSeek MoE 16B: Llama's attention, leading dense layers,
// then fine-grained experts beside shared ones.
var deepseek = Arch{
	Name:    "deepseek",
	Classes: []string{"DeepseekForCausalLM"},
	Only:    Keys{"moe_layer_freq": 1},
	Defaults: map[string]Defaults{"": {Keys: Keys{
		"rms_norm_eps": 1e-6, "rope_theta": 1e4, "norm_topk_prob": false, "first_k_dense_replace": 0,
	}}},
	Params: []Param{
		u32("rope.dimension_count", func(h Hyper, _ int) int { return h.HeadDim }),
		{Key: "rope.scaling.type", From: func(Hyper) (any, bool) { return "none", true }},
		always("leading_dense_block_count", func(h Hyper, _ int) int { return h.MoE.LeadingDense }),
		u32("vocab_size", vocab),
		u32("expert_feed_forward_length", expertFF),
		{Key: "expert_weights_scale", From: func(Hyper) (any, bool) { return float32(1), true }},
		u32("expert_count", experts),
		u32("expert_shared_count", func(h Hyper, _ int) int { return h.MoE.Shared }),
	},
	Tensors: slices.Concat(trunk, attention(permuted), attentionBias(permuted),
		in(dense, mlp("mlp", "", ff)),
		in(sparse, router("mlp.gate"), perExpert, fusedExperts, mlp("mlp.shared_experts", "_shexp", sharedFF)),
	),
	Ignore: []string{inverseFrequencies},
	Graph:  Graph{Router: Router{Score: SoftmaxScore}},
	Source: Convention{Rope: RopeHalf},
	File:   Convention{Rope: RopeInterleaved},
	Views:  fusedViews,
}

// deepseek2 serves DeepSeek V2, V2.5, V3, V3.1 and R1, and Kimi K2: multi-head latent
// attention, written in the form that keeps one compressed key-value head.
// Rotated dimensions pair neighbours in checkpoint and file alike.
var deepseek2 = Arch{
	Name:    "deepseek2",
	Classes: []string{"DeepseekV2ForCausalLM", "DeepseekV3ForCausalLM", "KimiK25ForConditionalGeneration"},
	Strip:   []string{"language_model."},
	Only:    Keys{"rope_interleave": true},
	Defaults: map[string]Defaults{
		"": {Keys: deepseek3Keys},
		"DeepseekV2ForCausalLM": {Keys: latentKeys.and(Keys{
			"max_position_embeddings": 2048, "first_k_dense_replace": 0, "moe_intermediate_size": 1407, "n_routed_experts": 64, "n_shared_experts": 2,
			"norm_topk_prob": false, "routed_scaling_factor": 1.0, "topk_method": "greedy", "scoring_func": "softmax",
		})},
	},
	Params: []Param{
		always("leading_dense_block_count", func(h Hyper, _ int) int { return h.MoE.LeadingDense }),
		u32("vocab_size", vocab),
		u32("attention.q_lora_rank", queryRank),
		u32("attention.kv_lora_rank", kvRank),
		u32("attention.key_length", kvAndRope),
		u32("attention.value_length", kvRank),
		u32("attention.key_length_mla", headDim),
		u32("attention.value_length_mla", func(h Hyper, _ int) int { return h.ValueDim }),
		u32("expert_feed_forward_length", expertFF),
		u32("expert_count", experts),
		always("expert_shared_count", func(h Hyper, _ int) int { return h.MoE.Shared }),
		f32("expert_weights_scale", func(h Hyper) float64 { return h.MoE.Scale }),
		{Key: "expert_weights_norm", From: func(h Hyper) (any, bool) { return true, h.MoE.Normalize }},
		u32("rope.dimension_count", func(h Hyper, _ int) int { return h.Rope.Dim }),
		f32("rope.scaling.yarn_log_multiplier", func(h Hyper) float64 { return 0.1 * h.Rope.MScaleAllDim }),
	},
	Tensors: slices.Concat(trunk, latentAttention,
		in(dense, mlp("mlp", "", ff)),
		in(sparse, router("mlp.gate"), routerBias, perExpert, fusedExperts, mlp("mlp.shared_experts", "_shexp", sharedFF)),
	),
	Ignore: append([]string{inverseFrequencies}, otherModalities...),
	Graph:  Graph{Layer: decoder(latent), Router: Router{Score: SoftmaxScore}},
	Source: Convention{Rope: RopeInterleaved},
	File:   Convention{Rope: RopeInterleaved},
	Views:  append(latentViews("model.layers.{i}.self_attn.kv_b_proj.weight"), fusedViews...),

	losses:     []lossRule{equalMagnitudes, pairedGroups, linearSharpens, lite},
	fromConfig: (*reader).deepseek,
	fromFile: func(_ *fileReader, h *Hyper) {
		m := &h.Meaning
		m.Router.GroupMax = m.Router.Score == SoftmaxScore                         // DeepSeek V2; llama.cpp does not know
		if r := h.Rope; m.Rotation.Scaling == YaRNScaling && r.MScaleAllDim != 0 { // for which mscale is taken, too
			m.Rotation.Magnitude = first(r.AttnFactor, 1)
			m.LatentScale = math.Pow(magnitude(m.Rotation.Factor, r.MScaleAllDim), 2)
		}
	},
}

var (
	latentKeys = Keys{
		"rms_norm_eps": 1e-6, "rope_theta": 1e4, "q_lora_rank": 1536, "kv_lora_rank": 512, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "v_head_dim": 128,
	}
	deepseek3Keys = latentKeys.and(Keys{
		"max_position_embeddings": 4096, "first_k_dense_replace": 3, "moe_intermediate_size": 2048, "n_routed_experts": 256, "n_shared_experts": 1,
		"num_experts_per_tok": 8, "n_group": 8, "topk_group": 4, "norm_topk_prob": true, "routed_scaling_factor": 2.5, "scoring_func": "sigmoid",
	})
)

// deepseek reads how each class chooses experts: V2 by softmax, within the
// groups with the best experts at most, and V3 by sigmoid, within those with the
// best pairs.
func (c *reader) deepseek(h *Hyper) {
	r := &h.Meaning.Router
	if h.Class == "DeepseekV2ForCausalLM" {
		*r = Router{Used: r.Used, Score: SoftmaxScore, Scale: h.MoE.Scale}
		if c.string("topk_method") == "group_limited_greedy" {
			r.groupsOf(h.MoE)
			r.GroupMax = true
		}
		return
	}
	r.Score = SigmoidScore
	r.groupsOf(h.MoE)
}

// groupsOf takes scale and groups as they are stated.
func (r *Router) groupsOf(m MoE) { r.Scale, r.Groups, r.GroupsUsed = m.Scale, m.Groups, m.GroupsUsed }

// latentViews are the parts of the matrix that restores keys and values, head
// by head.
func latentViews(source string) []View {
	return []View{
		{Matrix: "blk.{i}.attn_k_b.weight", Source: source, Rows: func(h Hyper, _ int) []RowSet {
			return []RowSet{{h.MLA.NopeDim + h.ValueDim, 0, h.MLA.NopeDim}}
		}},
		{Matrix: "blk.{i}.attn_v_b.weight", Source: source, Rows: func(h Hyper, _ int) []RowSet {
			return []RowSet{{h.MLA.NopeDim + h.ValueDim, h.MLA.NopeDim, h.ValueDim}}
		}},
	}
}

// latentAttention compresses queries (where their rank is given) and keys
// with values. The matrix that restores keys and values is cut in two, its
// key part turned on its side for each head.
var latentAttention = slices.Concat(latentCompression, []Tensor{
	{Source: "model.layers.{i}.self_attn.kv_b_proj.weight", Target: "blk.{i}.attn_k_b.weight", Shape: []Dim{kvHeadRows, kvRank}, Ops: ops(LatentKey)},
	{Source: "model.layers.{i}.self_attn.kv_b_proj.weight", Target: "blk.{i}.attn_v_b.weight", Shape: []Dim{kvHeadRows, kvRank}, Ops: ops(LatentValue)},
})

// latentCompression is all but the matrix that restores keys and values.
var latentCompression = slices.Concat(
	in(func(h Hyper, _ int) bool { return h.MLA.QueryRank == 0 }, []Tensor{
		{Source: "model.layers.{i}.self_attn.q_proj.weight", Target: "blk.{i}.attn_q.weight", Shape: []Dim{qRows, embed}},
	}),
	in(func(h Hyper, _ int) bool { return h.MLA.QueryRank != 0 }, []Tensor{
		{Source: "model.layers.{i}.self_attn.q_a_proj.weight", Target: "blk.{i}.attn_q_a.weight", Shape: []Dim{queryRank, embed}},
		{Source: "model.layers.{i}.self_attn.q_a_layernorm.weight", Target: "blk.{i}.attn_q_a_norm.weight", Shape: []Dim{queryRank}},
		{Source: "model.layers.{i}.self_attn.q_b_proj.weight", Target: "blk.{i}.attn_q_b.weight", Shape: []Dim{qRows, queryRank}},
	}),
	[]Tensor{
		{Source: "model.layers.{i}.self_attn.kv_a_proj_with_mqa.weight", Target: "blk.{i}.attn_kv_a_mqa.weight", Shape: []Dim{kvAndRope, embed}},
		{Source: "model.layers.{i}.self_attn.kv_a_layernorm.weight", Target: "blk.{i}.attn_kv_a_norm.weight", Shape: []Dim{kvRank}},
		{Source: "model.layers.{i}.self_attn.o_proj.weight", Target: "blk.{i}.attn_output.weight", Shape: []Dim{embed, oCols}},
	},
)

// routerBias corrects the scores of experts for their choice alone.
var routerBias = optional([]Tensor{
	{Source: "model.layers.{i}.mlp.gate.e_score_correction_bias", Target: "blk.{i}.exp_probs_b.bias", Shape: []Dim{experts}, F32: true},
})

// equalMagnitudes takes mscale as mscale_all_dim: they cancel out.
func equalMagnitudes(_ *reader, _ Arch, h Hyper) (l Loss) {
	if h.Rope.Scaling != "yarn" || h.Rope.AttnFactor != 0 || h.Rope.MScale == 0 || h.Rope.MScaleAllDim == 0 || h.Rope.MScale == h.Rope.MScaleAllDim {
		return l
	}
	l.Patch = func(m *Model) { m.rotations(func(r *Rotation) { r.Magnitude = 1 }) }
	l.Text = fmt.Sprintf("rope_scaling: mscale is %v and mscale_all_dim %v; a file has one of them, and llama.cpp takes both as %v: its results differ from the model's", h.Rope.MScale, h.Rope.MScaleAllDim, h.Rope.MScaleAllDim)
	return l
}

// pairedGroups is in the file, and mq computes what the model does.
func pairedGroups(c *reader, _ Arch, h Hyper) (l Loss) {
	if r := h.Meaning.Router; r.GroupMax && r.Groups > 1 && h.MoE.Experts > r.Groups {
		l.Text = "topk_method: llama.cpp ranks groups of experts by their two best scores, the model by the best: now and then other experts are chosen"
	}
	return l
}

// linearSharpens is in the file, and mq computes what the model does.
func linearSharpens(_ *reader, _ Arch, h Hyper) (l Loss) {
	if h.Rope.Scaling == "linear" && h.Rope.Factor > 1 {
		l.Text = fmt.Sprintf("rope_scaling: llama.cpp sharpens latent attention under the type linear as under yarn, here by %.3g: its results differ from the model's", math.Pow(magnitude(h.Rope.Factor, 1), 2))
	}
	return l
}

// lite says which models llama.cpp does not load: it goes by the number of
// layers whether queries are compressed.
func lite(_ *reader, _ Arch, h Hyper) (l Loss) {
	uncompressed := h.Layers == 26 || h.Layers == 27
	if uncompressed != (h.MLA.QueryRank == 0) {
		l.Text = fmt.Sprintf("q_lora_rank is %d: llama.cpp expects queries that are not compressed in models of 26 or 27 layers and in no other, and does not load this one of %d", h.MLA.QueryRank, h.Layers)
	}
	return l
}
