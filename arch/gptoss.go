package arch

import (
	"fmt"
	"slices"
)

// gptOSS serves gpt-oss: a window in every second layer, a score without a
// value for each head, and experts whose gate and up projection take turns in
// one tensor. In releases of 16 bits their inputs lie along the rows, in those
// of 4 bits they do not.
var gptOSS = Arch{
	Name:       "gpt-oss",
	Classes:    []string{"GptOssForCausalLM"},
	First:      [][]string{{"blk.{i}.ffn_down_exps.weight", "blk.{i}.ffn_gate_exps.weight", "blk.{i}.ffn_up_exps.weight"}},
	FirstCoded: true,
	Defaults: map[string]Defaults{"": {Keys: Keys{
		"max_position_embeddings": 131072, "rms_norm_eps": 1e-5, "rope_theta": 150000.0, "num_key_value_heads": 8, "head_dim": 64, "sliding_window": 128,
		"num_local_experts": 128, "num_experts_per_tok": 4, "swiglu_limit": gptOSSLimit, "attention_bias": true,
		"rope_parameters": Keys{
			"rope_type": "yarn", "factor": 32.0, "beta_fast": 32.0, "beta_slow": 1.0, "truncate": false, "original_max_position_embeddings": 4096,
		},
	}, StatesHead: true, windows: listedLayers(2)}},
	Only: Keys{"swiglu_alpha": 1.702},
	Params: []Param{
		u32("attention.sliding_window", func(h Hyper, _ int) int { return h.Meaning.Window }),
		u32("expert_feed_forward_length", expertFF),
	},
	Tensors: slices.Concat([]Tensor{
		embedding,
		{Source: "model.layers.{i}.input_layernorm.weight", Target: "blk.{i}.attn_norm.weight", Shape: []Dim{embed}},
		{Source: "model.layers.{i}.self_attn.sinks", Target: "blk.{i}.attn_sinks.weight", Shape: []Dim{heads}},
		{Source: "model.layers.{i}.post_attention_layernorm.weight", Target: "blk.{i}.post_attention_norm.weight", Shape: []Dim{embed}},
		outputNorm,
		head,
	}, attention(unmoved), attentionBias(unmoved), outputBias,
		router("mlp.router"), []Tensor{{Source: "model.layers.{i}.mlp.router.bias", Target: "blk.{i}.ffn_gate_inp.bias", Shape: []Dim{experts}}},
		[]Tensor{
			{Source: bothExperts, Target: "blk.{i}.ffn_gate_exps.weight", Shape: []Dim{experts, embed, twice(expertFF)}, Ops: []Op{alternate(AlternateColumns, 0), {Kind: Transpose}}},
			{Source: bothExperts, Target: "blk.{i}.ffn_up_exps.weight", Shape: []Dim{experts, embed, twice(expertFF)}, Ops: []Op{alternate(AlternateColumns, 1), {Kind: Transpose}}},
			{Source: downExperts, Target: "blk.{i}.ffn_down_exps.weight", Shape: []Dim{experts, expertFF, embed}, Ops: ops(Transpose)},
			{Source: bothExperts + "_bias", Target: "blk.{i}.ffn_gate_exps.bias", Shape: []Dim{experts, twice(expertFF)}, Ops: []Op{alternate(AlternateColumns, 0)}},
			{Source: bothExperts + "_bias", Target: "blk.{i}.ffn_up_exps.bias", Shape: []Dim{experts, twice(expertFF)}, Ops: []Op{alternate(AlternateColumns, 1)}},
			{Source: downExperts + "_bias", Target: "blk.{i}.ffn_down_exps.bias", Shape: []Dim{experts, embed}},
		},
		optional([]Tensor{
			{Source: downExperts + "_blocks", Target: "blk.{i}.ffn_down_exps.weight", Shape: []Dim{experts, embed, expertFF}},
			{Source: bothExperts + "_blocks", Target: "blk.{i}.ffn_gate_exps.weight", Shape: []Dim{experts, twice(expertFF), embed}, Ops: []Op{alternate(Alternate, 0)}},
			{Source: bothExperts + "_blocks", Target: "blk.{i}.ffn_up_exps.weight", Shape: []Dim{experts, twice(expertFF), embed}, Ops: []Op{alternate(Alternate, 1)}},
		}),
	),
	Ignore: []string{inverseFrequencies},
	Graph: Graph{
		Activation: OAI,
		Router:     Router{Score: ChosenSoftmaxScore},
		Layer:      decoder(feedNormed, sinking),
	},
	Source: Convention{Rope: RopeHalf},
	File:   Convention{Rope: RopeHalf},
	Views: []View{
		{Matrix: "blk.{i}.ffn_gate_exps.weight", Source: bothExperts, Turned: true, Rows: inTurn(0)},
		{Matrix: "blk.{i}.ffn_up_exps.weight", Source: bothExperts, Turned: true, Rows: inTurn(1)},
		{Matrix: "blk.{i}.ffn_down_exps.weight", Source: downExperts, Turned: true},
		{Matrix: "blk.{i}.ffn_gate_exps.bias", Source: bothExperts + "_bias", Rows: inTurn(0)},
		{Matrix: "blk.{i}.ffn_up_exps.bias", Source: bothExperts + "_bias", Rows: inTurn(1)},
		{Matrix: "blk.{i}.ffn_gate_exps.weight", Source: bothExperts + "_blocks", Rows: inTurn(0)},
		{Matrix: "blk.{i}.ffn_up_exps.weight", Source: bothExperts + "_blocks", Rows: inTurn(1)},
	},
	losses: []lossRule{fixedLimit},

	fromConfig: func(c *reader, h *Hyper) {
		h.MoE.Clamp = c.float("swiglu_limit")
		h.Meaning.Activation = OAI // config.json says silu
		h.Meaning.Router = Router{Used: h.MoE.Used, Score: ChosenSoftmaxScore}
	},
	fromFile: func(g *fileReader, h *Hyper) {
		h.MoE.Clamp = gptOSSLimit
		g.window(h, 0, 2)
	},
}

// The experts of gpt-oss. The tensors of the releases of 4 bits keep their own
// names: how the matrices lie is another thing there.
const (
	bothExperts = "model.layers.{i}.mlp.experts.gate_up_proj"
	downExperts = "model.layers.{i}.mlp.experts.down_proj"
)

// gptOSSLimit is what llama.cpp limits gate and up projection to.
const gptOSSLimit = 7.0

// fixedLimit is another limit, for which files have no key.
func fixedLimit(_ *reader, _ Arch, h Hyper) (l Loss) {
	if h.MoE.Clamp != gptOSSLimit {
		l.Text = fmt.Sprintf("swiglu_limit is %v: a file has no key for it, and llama.cpp takes %v: its results differ from the model's", h.MoE.Clamp, gptOSSLimit)
		l.Patch = func(m *Model) {
			for i := range m.Layers {
				m.Layers[i].Feed.(*Experts).Limit = gptOSSLimit
			}
		}
	}
	return l
}

// inTurn are the rows of one of two matrices that take turns.
func inTurn(first int) func(Hyper, int) []RowSet {
	return func(Hyper, int) []RowSet { return []RowSet{{2, first, 1}} }
}
