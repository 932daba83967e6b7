package arch

import "slices"

// mistralNativeMoE serves Mistral Large 3 in Mistral's own format: DeepSeek
// V2's latent attention and experts under other names.
var mistralNativeMoE = Arch{
	Name:     "deepseek2",
	Classes:  []string{nativeMoE},
	Native:   true,
	Defaults: map[string]Defaults{"": {Keys: Keys{"max_position_embeddings": 128_000, "norm_eps": 1e-6, "rope_theta": 1e4}}},
	Late:     mistralNative.Late,
	Params: slices.Concat(without(deepseek2.Params, logMultiplier), without(nativeYarn[:5], logMultiplier), []Param{
		{Key: logMultiplier, From: func(Hyper) (any, bool) { return float32(0.1), true }},
	}, nativeYarn[5:], []Param{
		f32("attention.temperature_scale", func(h Hyper) float64 { return h.TemperatureScale }),
		u32("attention.temperature_length", func(h Hyper, _ int) int { return h.Rope.OriginalContext }),
	}),
	Tensors: slices.Concat(in(dense, nativeMLP("feed_forward", "", ff)), in(sparse, nativeMLP("shared_experts", "_shexp", sharedFF)), []Tensor{
		{Source: "tok_embeddings.weight", Target: "token_embd.weight", Shape: []Dim{vocab, embed}},
		{Source: "layers.{i}.attention_norm.weight", Target: "blk.{i}.attn_norm.weight", Shape: []Dim{embed}},
		{Source: "layers.{i}.attention.wq_a.weight", Target: "blk.{i}.attn_q_a.weight", Shape: []Dim{queryRank, embed}},
		{Source: "layers.{i}.attention.q_a_norm.weight", Target: "blk.{i}.attn_q_a_norm.weight", Shape: []Dim{queryRank}},
		{Source: "layers.{i}.attention.wq_b.weight", Target: "blk.{i}.attn_q_b.weight", Shape: []Dim{qRows, queryRank}},
		{Source: "layers.{i}.attention.wkv_a_with_mqa.weight", Target: "blk.{i}.attn_kv_a_mqa.weight", Shape: []Dim{kvAndRope, embed}},
		{Source: "layers.{i}.attention.kv_a_norm.weight", Target: "blk.{i}.attn_kv_a_norm.weight", Shape: []Dim{kvRank}},
		{Source: "layers.{i}.attention.wkv_b.weight", Target: "blk.{i}.attn_k_b.weight", Shape: []Dim{kvHeadRows, kvRank}, Ops: ops(LatentKey)},
		{Source: "layers.{i}.attention.wkv_b.weight", Target: "blk.{i}.attn_v_b.weight", Shape: []Dim{kvHeadRows, kvRank}, Ops: ops(LatentValue)},
		{Source: "layers.{i}.attention.wo.weight", Target: "blk.{i}.attn_output.weight", Shape: []Dim{embed, oCols}},
		{Source: "layers.{i}.ffn_norm.weight", Target: "blk.{i}.ffn_norm.weight", Shape: []Dim{embed}},
		{Source: "norm.weight", Target: "output_norm.weight", Shape: []Dim{embed}},
		{Source: "output.weight", Target: "output.weight", Shape: []Dim{vocab, embed}, Optional: true},
	}, in(sparse, []Tensor{
		{Source: "layers.{i}.gate.weight", Target: "blk.{i}.ffn_gate_inp.weight", Shape: []Dim{experts, embed}, F32: true},
		{Source: "layers.{i}.experts.{e}.w2.weight", Target: "blk.{i}.ffn_down_exps.weight", Shape: []Dim{embed, expertFF}},
		{Source: "layers.{i}.experts.{e}.w1.weight", Target: "blk.{i}.ffn_gate_exps.weight", Shape: []Dim{expertFF, embed}},
		{Source: "layers.{i}.experts.{e}.w3.weight", Target: "blk.{i}.ffn_up_exps.weight", Shape: []Dim{expertFF, embed}},
	})),
	Ignore: nativeIgnore,
	Graph:  deepseek2.Graph,
	Source: deepseek2.Source,
	File:   deepseek2.File,
	Views:  latentViews("layers.{i}.attention.wkv_b.weight"),

	losses:     []lossRule{assumedContext, equalMagnitudes, lite},
	fromConfig: func(_ *reader, h *Hyper) { h.Meaning.Router.groupsOf(h.MoE) },
	fromFile:   deepseek2.fromFile,
}

const logMultiplier = "rope.scaling.yarn_log_multiplier"

// without leaves one key out.
func without(params []Param, key string) []Param {
	return slices.DeleteFunc(slices.Clone(params), func(p Param) bool { return p.Key == key })
}

// nativeExperts reads the mixture of experts as params.json spells it.
func (c *reader) nativeExperts(m *MoE) {
	moe := c.sub("moe")
	if len(moe.layers) == 0 {
		return
	}
	*m = MoE{
		Experts:      moe.int("num_experts"),
		Used:         moe.int("num_experts_per_tok"),
		FF:           moe.int("expert_hidden_dim"),
		StatesFF:     true,
		Shared:       moe.int("num_shared_experts"),
		Groups:       moe.int("num_expert_groups"),
		GroupsUsed:   moe.int("num_expert_groups_per_tok"),
		Scale:        moe.float("routed_scale"),
		LeadingDense: moe.int("first_k_dense_replace"),
		Gating:       Softmax,
		Normalize:    true,
	}
	m.SharedFF = m.Shared * m.FF
	c.keepOf(moe)
}
