package arch

import (
	"fmt"
	"slices"
)

// lfm2 serves LFM2 and LFM2.5: most layers have a short convolution in place of
// attention.
var lfm2 = Arch{
	Name:    "lfm2",
	Classes: []string{"Lfm2ForCausalLM", "LFM2ForCausalLM"},
	Defaults: map[string]Defaults{"": {Keys: lfmKeys.and(Keys{
		"intermediate_size": 12288, "block_auto_adjust_ff_dim": true, "block_ffn_dim_multiplier": 1, "block_multiple_of": 256,
	})}},
	Only:    Keys{"conv_bias": false},
	Params:  lfmParams,
	Tensors: slices.Concat(lfmTrunk, numberedMLP("feed_forward", "", ff)),
	Graph:   lfmGraph,
	Source:  Convention{Rope: RopeHalf},
	File:    Convention{Rope: RopeHalf},

	sizes: func(c *reader, h *Hyper) {
		h.Keyless = c.convolved(h.Layers)
		h.FF, h.MoE.FF = first(c.int("block_ff_dim"), h.FF), 0
		if !c.bool("block_auto_adjust_ff_dim") {
			return
		}
		h.FF = int(float64(2*h.FF) / 3)
		if c.has("block_ffn_dim_multiplier") {
			multiple := max(c.int("block_multiple_of"), 1)
			h.FF = (int(c.float("block_ffn_dim_multiplier")*float64(h.FF)) + multiple - 1) / multiple * multiple
		}
	},
	losses: []lossRule{unequalWidths},
}

// lfm2moe serves the mixtures of LFM2.
var lfm2moe = Arch{
	Name:    "lfm2moe",
	Classes: []string{"Lfm2MoeForCausalLM"},
	Defaults: map[string]Defaults{"": {Keys: lfmKeys.and(Keys{
		"intermediate_size": 7168, "moe_intermediate_size": 1792, "num_dense_layers": 2, "num_experts_per_tok": 4, "num_experts": 32,
		"routed_scaling_factor": 1, "norm_topk_prob": true, "use_expert_bias": true,
	})}},
	Only: Keys{"conv_bias": false},
	Late: "expert_gating_func",
	Params: slices.Concat([]Param{
		u32("expert_feed_forward_length", expertFF),
		always("leading_dense_block_count", func(h Hyper, _ int) int { return h.MoE.LeadingDense }),
		u32("expert_gating_func", func(h Hyper, _ int) int { return h.MoE.Gating }),
	}, lfmParams),
	Tensors: slices.Concat(lfmTrunk, in(dense, numberedMLP("feed_forward", "", ff)), in(sparse, router("feed_forward.gate"), optional([]Tensor{
		{Source: "model.layers.{i}.feed_forward.expert_bias", Target: "blk.{i}.exp_probs_b.bias", Shape: []Dim{experts}, F32: true},
	}), numberedMLP("feed_forward.experts.{e}", "_exps", expertFF), fusedExpertsOf("feed_forward"))),
	Graph:  Graph{Layer: lfmGraph.Layer, Output: lfmGraph.Output, Router: Router{Score: SigmoidScore, Normalize: true}},
	Source: lfm2.Source,
	File:   lfm2.File,
	Views:  fusedViewsOf("feed_forward"),

	sizes: func(c *reader, h *Hyper) {
		h.Keyless = c.convolved(h.Layers)
		h.MoE.LeadingDense, h.MoE.Gating = c.int("num_dense_layers"), Sigmoid
	},
	fromConfig: func(_ *reader, h *Hyper) {
		h.Meaning.Router.Score, h.Meaning.Router.Scale = SigmoidScore, h.MoE.Scale
	},
	losses: []lossRule{unequalWidths, unbiasedExperts},
}

var lfmKeys = Keys{
	"max_position_embeddings": 128000, "norm_eps": 1e-5, "num_attention_heads": 32, "num_key_value_heads": 8, "rope_theta": 1e6, "conv_L_cache": 3,
	"tie_word_embeddings": true,
}

var lfmParams = []Param{u32("vocab_size", vocab), whole("shortconv.l_cache", "conv_L_cache")}

// lfmTrunk is all but what feeds forward.
var lfmTrunk = slices.Concat(
	[]Tensor{
		embedding,
		{Source: "model.embedding_norm.weight", Target: "token_embd_norm.weight", Shape: []Dim{embed}}, // behind the layers
		{Source: "model.layers.{i}.operator_norm.weight", Target: "blk.{i}.attn_norm.weight", Shape: []Dim{embed}},
		{Source: "model.layers.{i}.ffn_norm.weight", Target: "blk.{i}.ffn_norm.weight", Shape: []Dim{embed}},
		head,
	},
	in(keyless, []Tensor{
		{Source: "model.layers.{i}.conv.in_proj.weight", Target: "blk.{i}.shortconv.in_proj.weight", Shape: []Dim{triple(embed), embed}},
		{Source: "model.layers.{i}.conv.conv.weight", Target: "blk.{i}.shortconv.conv.weight", Shape: []Dim{embed, one, shortKernel}, Ops: ops(Squeeze), F32: true},
		{Source: "model.layers.{i}.conv.out_proj.weight", Target: "blk.{i}.shortconv.out_proj.weight", Shape: []Dim{embed, embed}},
	}),
	in(keyed, renamed(slices.Concat(attention(unmoved), headNorms), "o_proj", "out_proj", "q_norm", "q_layernorm", "k_norm", "k_layernorm")),
)

var lfmGraph = Graph{
	Layer: decoder(normedHeads, func(h Hyper, layer int, l *Layer) {
		if keyless(h, layer) {
			l.Mixer = &ShortConv{Kernel: shortKernel(h, layer)}
		}
	}),
	Output: func(h Hyper) Output {
		o := output(h)
		o.Norm.Name = "token_embd_norm"
		return o
	},
}

func shortKernel(h Hyper, _ int) int { return int(h.Value("shortconv.l_cache")) }

// convolved reads which layers have no attention: layer_types names them all,
// full_attn_idxs numbers the others.
func (c *reader) convolved(layers int) []bool {
	attend := c.ints("full_attn_idxs")
	kinds := c.strings("layer_types")
	if kinds != nil && len(kinds) != layers {
		c.keep(c.place("layer_types").Corrupt(" has %d entries for %d layers", len(kinds), layers))
	}
	return each(layers, func(i int) bool {
		if i < len(kinds) {
			return kinds[i] == "conv"
		}
		return c.has("full_attn_idxs") && !slices.Contains(attend, i)
	})
}

// unequalWidths says which models llama.cpp does not load.
func unequalWidths(_ *reader, a Arch, h Hyper) (l Loss) {
	if width := h.Heads * h.HeadDim; width != h.Embed {
		l.Text = fmt.Sprintf("head_dim: %d heads of %d are not the hidden_size, %d: llama.cpp loads no such file of architecture %s", h.Heads, h.HeadDim, h.Embed, a.Name)
	}
	return l
}

// unbiasedExperts are chosen by their scores alone.
func unbiasedExperts(c *reader, a Arch, h Hyper) (l Loss) {
	if h.MoE.LeadingDense < h.Layers && !c.bool("use_expert_bias") {
		l.Text = fmt.Sprintf("use_expert_bias is false: llama.cpp loads no file of architecture %s without a bias of the experts' scores", a.Name)
	}
	return l
}
