package arch

import "slices"

// mamba2 serves Mamba 2 and Codestral Mamba: state spaces alone, without
// attention and feed-forward parts.
var mamba2 = Arch{
	Name:    "mamba2",
	Classes: []string{"Mamba2ForCausalLM"},
	Strip:   []string{"model.", "backbone."},
	Defaults: map[string]Defaults{"": {Keys: Keys{
		"layer_norm_epsilon": 1e-5, "state_size": 128, "num_heads": 128, "head_dim": 64, "expand": 2, "conv_kernel": 4, "n_groups": 8,
	}}},
	Only:       Keys{"hidden_act": "silu"},
	StateSpace: true,
	Common: []string{
		"context_length", "embedding_length", "feed_forward_length", "attention.head_count", "block_count",
		"ssm.conv_kernel", "ssm.inner_size", "ssm.state_size", "ssm.time_step_rank", "ssm.group_count", "attention.layer_norm_rms_epsilon",
	},
	Params: slices.Concat([]Param{always("feed_forward_length", zero), always("attention.head_count", zero)}, ssmParams),
	Tensors: slices.Concat(
		[]Tensor{
			{Source: "embeddings.weight", Target: "token_embd.weight", Shape: []Dim{vocab, embed}},
			{Source: "embedding.weight", Target: "token_embd.weight", Shape: []Dim{vocab, embed}, Optional: true}, // its first releases' name
			{Source: "layers.{i}.norm.weight", Target: "blk.{i}.attn_norm.weight", Shape: []Dim{embed}},
		},
		stateSpaces("layers.{i}.mixer"),
		[]Tensor{{Source: "norm_f.weight", Target: "output_norm.weight", Shape: []Dim{embed}}, head},
	),
	Graph: Graph{Layer: func(h Hyper, _ int) Layer {
		return Layer{MixNorm: rms("blk.{i}.attn_norm", h), Mixer: stateSpace(h)}
	}},
	Source: Convention{DecayLog: true},

	sizes: func(c *reader, h *Hyper) {
		h.Context = 1 << 20 // which the reference converter writes
		h.Eps, h.LayerEps = h.LayerEps, 0
		pad := max(c.int("pad_vocab_size_multiple"), 1)
		h.Vocab = (h.Vocab + pad - 1) / pad * pad
		h.SSM = SSM{
			Kernel: c.need("conv_kernel"), Inner: c.need("expand") * h.Embed, State: c.need("state_size"),
			Heads: c.need("num_heads"), Groups: c.need("n_groups"),
		}
		c.stepLimits(h)
	},
	fromFile: func(g *fileReader, h *Hyper) { h.SSM = g.ssm() },
	losses:   []lossRule{lostLimits, biasedStateSpace},
}

// biasedStateSpace says which models llama.cpp does not load.
func biasedStateSpace(c *reader, _ Arch, _ Hyper) (l Loss) {
	switch {
	case c.bool("use_bias", "mamba_proj_bias"):
		l.Text = "use_bias is true: llama.cpp loads no state space whose projections have biases"
	case c.states("use_conv_bias", "mamba_conv_bias") && !c.bool("use_conv_bias", "mamba_conv_bias"):
		l.Text = "use_conv_bias is false: llama.cpp loads no state space whose convolution has no bias"
	}
	return l
}
