package arch

import (
	"fmt"
	"slices"
)

// falconH1 serves Falcon-H1: a state space and attention side by side in every
// layer, with multipliers of what goes in and comes out, which the file has in
// its weights.
var falconH1 = Arch{
	Name:    "falcon-h1",
	Classes: []string{"FalconH1ForCausalLM"},
	Defaults: map[string]Defaults{"": {Keys: Keys{
		"max_position_embeddings": 8192, "rms_norm_eps": 1e-5, "rope_theta": 1e4, "num_key_value_heads": 8,
		"mamba_d_ssm": 1024, "mamba_n_heads": 128, "mamba_n_groups": 1, "mamba_d_state": 256, "mamba_d_conv": 4, "mamba_expand": 2,
		"mamba_norm_before_gate": true, "mamba_rms_norm": false,
	}}},
	Only: Keys{"hidden_act": "silu", "mamba_proj_bias": false, "projectors_bias": false},
	Common: []string{
		"context_length", "embedding_length", "feed_forward_length", "attention.head_count", "block_count",
		"ssm.conv_kernel", "ssm.inner_size", "ssm.state_size", "ssm.time_step_rank", "ssm.group_count", "attention.layer_norm_rms_epsilon",
	},
	Params: slices.Concat(ssmParams, []Param{
		u32("vocab_size", vocab),
		u32("attention.head_count_kv", keyHeads),
		u32("attention.key_length", headDim),
		u32("attention.value_length", headDim),
		f32("rope.freq_base", func(h Hyper) float64 { return h.Rope.Base }),
	}),
	Tensors: slices.Concat(
		[]Tensor{
			{Source: "model.embed_tokens.weight", Target: "token_embd.weight", Shape: []Dim{vocab, embed}, Ops: times("embedding_multiplier")},
			{Source: "lm_head.weight", Target: "output.weight", Shape: []Dim{vocab, embed}, Ops: times("lm_head_multiplier"), Optional: true, Untied: true},
			// The embedding is scaled otherwise where it is the output matrix.
			{Source: "model.embed_tokens.weight", Target: "output.weight", Shape: []Dim{vocab, embed}, Ops: times("lm_head_multiplier"), Where: tied},
			{Source: "model.final_layernorm.weight", Target: "output_norm.weight", Shape: []Dim{embed}},
			{Source: "model.layers.{i}.input_layernorm.weight", Target: "blk.{i}.attn_norm.weight", Shape: []Dim{embed}},
			{Source: "model.layers.{i}.pre_ff_layernorm.weight", Target: "blk.{i}.ffn_norm", Shape: []Dim{embed}}, // its name in files
		},
		withOps(falconMultiplied, slices.Concat(exceptFor(".norm.weight", stateSpaces("model.layers.{i}.mamba")), attention(unmoved), attentionBias(unmoved), outputBias,
			mlp("feed_forward", "", ff), renamed(slices.Clone(mlpBias), ".mlp.", ".feed_forward."))),
	),
	Ignore: []string{inverseFrequencies},
	Graph: Graph{Layer: decoder(func(h Hyper, _ int, l *Layer) {
		s := stateSpace(h)
		s.NormOptional, s.NormBeforeGate = true, h.Value("norm_before_gate") != 0
		l.Mixer = Mixers{l.Mixer, s}
		l.FeedNorm.Bare = true
	})},
	Source: Convention{Rope: RopeHalf, DecayLog: true},
	File:   Convention{Rope: RopeHalf},
	Views:  falconViews,

	sizes: func(c *reader, h *Hyper) {
		inner := c.int("mamba_d_ssm")
		if c.null("mamba_d_ssm") {
			inner = c.need("mamba_expand") * h.Embed
		}
		h.SSM = SSM{Kernel: c.need("mamba_d_conv"), Inner: inner, State: c.need("mamba_d_state"), Heads: c.need("mamba_n_heads"), Groups: c.need("mamba_n_groups")}
		if c.bool("mamba_rms_norm") && c.bool("mamba_norm_before_gate") {
			h.set("norm_before_gate", 1)
		}
		c.stepLimits(h)
		c.multipliers(h)
	},
	fromFile: func(g *fileReader, h *Hyper) { h.SSM = g.ssm() },
	losses:   []lossRule{lostLimits, biasedStateSpace, normedBefore, biasedOutput},
}

// falconMultiplied is what weights and biases are multiplied with, in the order
// in which the reference converter does it.
var falconMultiplied = map[string][]Op{
	".q_proj.weight": times("attention_in_multiplier"),
	".k_proj.weight": times("key_multiplier", "attention_in_multiplier"), ".k_proj.bias": times("key_multiplier"),
	".v_proj.weight": times("attention_in_multiplier"),
	".o_proj.weight": times("attention_out_multiplier"), ".o_proj.bias": times("attention_out_multiplier"),
	".gate_proj.weight": times("mlp_multipliers.0"), ".gate_proj.bias": times("mlp_multipliers.0"),
	".down_proj.weight": times("mlp_multipliers.1"), ".down_proj.bias": times("mlp_multipliers.1"),
	".out_proj.weight": times("ssm_out_multiplier"),
	".in_proj.weight": append(times("ssm_in_multiplier"),
		Op{Kind: Multiply, By: "ssm_multipliers.0", From: zero, Count: ssmInner},
		Op{Kind: Multiply, By: "ssm_multipliers.1", From: ssmInner, Count: ssmInner},
		Op{Kind: Multiply, By: "ssm_multipliers.2", From: twice(ssmInner), Count: ssmBC},
		Op{Kind: Multiply, By: "ssm_multipliers.3", From: func(h Hyper, l int) int { return 2*ssmInner(h, l) + ssmBC(h, l) }, Count: ssmBC},
		Op{Kind: Multiply, By: "ssm_multipliers.4", From: func(h Hyper, l int) int { return 2*ssmInner(h, l) + 2*ssmBC(h, l) }, Count: ssmHeads}),
}

// falconViews multiply what the checkpoint has by the same.
var falconViews = slices.Concat(
	[]View{
		multiplied("token_embd.weight", "model.embed_tokens.weight", "embedding_multiplier"),
		multiplied("output.weight", "lm_head.weight", "lm_head_multiplier"),
		multiplied("output.weight", "model.embed_tokens.weight", "lm_head_multiplier"),
		multiplied("blk.{i}.attn_q.weight", "model.layers.{i}.self_attn.q_proj.weight", "attention_in_multiplier"),
		multiplied("blk.{i}.attn_k.weight", "model.layers.{i}.self_attn.k_proj.weight", "attention_in_multiplier", "key_multiplier"),
		multiplied("blk.{i}.attn_k.bias", "model.layers.{i}.self_attn.k_proj.bias", "key_multiplier"),
		multiplied("blk.{i}.attn_v.weight", "model.layers.{i}.self_attn.v_proj.weight", "attention_in_multiplier"),
		multiplied("blk.{i}.ssm_out.weight", "model.layers.{i}.mamba.out_proj.weight", "ssm_out_multiplier"),
		{Matrix: "blk.{i}.ssm_in.weight", Source: "model.layers.{i}.mamba.in_proj.weight", Times: func(h Hyper, layer, row int) float64 {
			inner, bc, part := h.SSM.Inner, h.SSM.Groups*h.SSM.State, 0
			for _, end := range []int{inner, 2 * inner, 2*inner + bc, 2*inner + 2*bc} {
				if row >= end {
					part++
				}
			}
			return h.Multiplier("ssm_in_multiplier") * h.Multiplier(fmt.Sprint("ssm_multipliers.", part))
		}},
	},
	multipliedAffine("blk.{i}.attn_output", "model.layers.{i}.self_attn.o_proj", "attention_out_multiplier"),
	multipliedAffine("blk.{i}.ffn_gate", "model.layers.{i}.feed_forward.gate_proj", "mlp_multipliers.0"),
	multipliedAffine("blk.{i}.ffn_down", "model.layers.{i}.feed_forward.down_proj", "mlp_multipliers.1"),
)

// multiplied is a tensor that the model multiplies with some numbers.
func multiplied(matrix, source string, by ...string) View {
	return View{Matrix: matrix, Source: source, Times: func(h Hyper, _, _ int) float64 {
		product := 1.0
		for _, key := range by {
			product *= h.Multiplier(key)
		}
		return product
	}}
}

func multipliedAffine(matrix, source, by string) []View {
	return []View{multiplied(matrix+".weight", source+".weight", by), multiplied(matrix+".bias", source+".bias", by)}
}

// multipliers reads the numbers that activations are multiplied with.
func (c *reader) multipliers(h *Hyper) {
	h.Folded = map[string]float64{}
	for _, key := range []string{
		"embedding_multiplier", "lm_head_multiplier", "key_multiplier", "attention_in_multiplier", "attention_out_multiplier", "ssm_in_multiplier", "ssm_out_multiplier",
	} {
		if c.has(key) {
			h.Folded[key] = c.float(key)
		}
	}
	for key, n := range map[string]int{"mlp_multipliers": 2, "ssm_multipliers": 5} {
		list := c.floats(key)
		if list != nil && len(list) != n {
			c.keep(c.place(key).Corrupt(" has %d numbers, want %d", len(list), n))
		}
		for i, x := range list {
			h.Folded[fmt.Sprint(key, ".", i)] = x
		}
	}
}

// normedBefore is gated before the norm in every file.
func normedBefore(_ *reader, _ Arch, h Hyper) (l Loss) {
	if h.Value("norm_before_gate") != 0 {
		l.Text = "mamba_norm_before_gate is true: a file has no key for it, and llama.cpp normalizes the result of a state space after its gate: its results differ from the model's"
		l.Patch = func(m *Model) { m.stateSpaces(func(s *StateSpace) { s.NormBeforeGate = false }) }
	}
	return l
}

// biasedOutput is a bias that llama.cpp loads and leaves out.
func biasedOutput(c *reader, a Arch, _ Hyper) (l Loss) {
	if c.bool("attention_bias") {
		l.Text = "attention_bias is true: llama.cpp leaves out the bias of attention's output in files of architecture " + a.Name + ": its results differ from the model's"
	}
	return l
}
