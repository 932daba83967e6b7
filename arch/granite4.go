package arch

import (
	"slices"

	"github.com/f190792d/mq/formats/hf"
)

// graniteHybrid serves Granite 4: state spaces in most layers, attention without
// rotation in the others, and experts beside one for every position, or that
// one alone.
var graniteHybrid = Arch{
	Name:       "granitehybrid",
	Classes:    []string{graniteHybridClass},
	Vocabulary: llamaVocabulary,
	Defaults:   granite4Defaults,
	Only:       Keys{"hidden_act": "silu"},
	Common:     granite4Common,
	Params:     granite4Params,
	Tensors:    slices.Concat(trunk, in(keyless, stateSpaces("model.layers.{i}.mamba")), in(keyed, graniteAttention), in(sparse, graniteExperts), in(dense, sharedNetwork("", ff))),
	Ignore:     []string{inverseFrequencies},
	Graph: Graph{
		Input: granite.Graph.Input, Output: granite.Graph.Output, Router: granitemoe.Graph.Router,
		Layer: func(h Hyper, layer int) Layer {
			l := granite.Graph.Layer(h, layer)
			if keyless(h, layer) {
				l.Mixer = stateSpace(h)
			}
			return l
		},
	},
	Source: Convention{Rope: RopeHalf, DecayLog: true},
	File:   granite.File,
	Views:  append(slices.Clip(granitemoe.Views), sharedViews("", ff)...),

	sizes: func(c *reader, h *Hyper) {
		c.granite4(h)
		h.Context = 1 << 20 // which the reference converter writes
	},
	fromConfig: graniteMeaning,
	fromFile:   granite.fromFile,
	losses:     []lossRule{lostLimits, biasedStateSpace, fixedExpansion},
}

// granite4 and granite4moe serve the models of Granite 4 that have attention in
// every layer: their files are Granite 3's, with keys of state spaces.
var (
	granite4 = Arch{
		Name: "granite", Classes: []string{graniteHybridClass + " of attention"}, Vocabulary: llamaVocabulary, Defaults: granite4Defaults, Common: granite4Common, Params: granite4Params,
		Tensors: slices.Concat(trunk, graniteAttention, sharedNetwork("", ff)), Ignore: []string{inverseFrequencies}, Extra: llamaExtra,
		Graph: granite.Graph, Source: granite.Source, File: granite.File, Views: sharedViews("", ff),
		sizes: (*reader).granite4, fromConfig: graniteMeaning, fromFile: granite.fromFile,
	}
	granite4moe = Arch{
		Name: "granitemoe", Classes: []string{graniteHybridClass + " of attention and experts"}, Vocabulary: llamaVocabulary, Defaults: granite4Defaults, Common: granite4Common, Params: granite4Params,
		Tensors: slices.Concat(trunk, graniteAttention, graniteExperts), Ignore: []string{inverseFrequencies}, Extra: llamaExtra,
		Graph: granitemoe.Graph, Source: granite.Source, File: granite.File, Views: granitemoe.Views,
		sizes: (*reader).granite4, fromConfig: graniteMeaning, fromFile: granite.fromFile, losses: []lossRule{rotatedExperts},
	}
)

const graniteHybridClass = "GraniteMoeHybridForCausalLM"

var granite4Defaults = map[string]Defaults{"": {Keys: granite.Defaults[""].Keys.and(Keys{
	"num_local_experts": 8, "num_experts_per_tok": 2, "shared_intermediate_size": 1024,
	"mamba_n_heads": 128, "mamba_n_groups": 1, "mamba_d_state": 256, "mamba_d_conv": 4, "mamba_expand": 2,
}), Always: Keys{"norm_topk_prob": true}}}

// granite4Common has the numbers of experts even where they are 0.
var granite4Common = named(common[:slices.IndexFunc(common, func(p Param) bool { return p.Key == "expert_group_count" })])

var granite4Params = slices.Concat(granite.Params, []Param{
	u32("expert_shared_feed_forward_length", sharedFF),
	u32("ssm.conv_kernel", ssmKernel),
	u32("ssm.state_size", ssmState),
	u32("ssm.group_count", ssmGroups),
	u32("ssm.inner_size", ssmInner),
	u32("ssm.time_step_rank", ssmHeads),
	{Key: rotates, From: func(h Hyper) (any, bool) { return h.Meaning.NoRope == nil, true }},
	always("expert_count", experts),
	always("expert_used_count", func(h Hyper, _ int) int { return h.MoE.Used }),
})

// granite4 reads what the classes of Granite 4 share.
func (c *reader) granite4(h *Hyper) {
	h.HasHeadDim = false
	h.Keyless = c.recurrent(h.Layers)
	h.SSM = SSM{
		Kernel: c.need("mamba_d_conv"), Inner: c.need("mamba_expand") * h.Embed, State: c.need("mamba_d_state"),
		Heads: c.need("mamba_n_heads"), Groups: c.need("mamba_n_groups"),
	}
	h.MoE.SharedFF = c.int("shared_intermediate_size")
	if h.MoE.Experts == 0 {
		h.FF, h.MoE.FF, h.MoE.Used, h.MoE.Normalize = h.MoE.SharedFF, 0, 0, false
	}
	c.stepLimits(h)
}

// recurrent reads which layers are state spaces, under both names of the
// kinds: all where nothing is said.
func (c *reader) recurrent(layers int) []bool {
	kinds := c.strings("layer_types", "layers_block_type")
	if kinds != nil && len(kinds) != layers {
		c.keep(c.place("layer_types", "layers_block_type").Corrupt(" has %d entries for %d layers", len(kinds), layers))
	}
	return each(layers, func(i int) bool { return i >= len(kinds) || kinds[i] == "mamba" || kinds[i] == "linear_attention" })
}

// graniteMeaning takes scores as they are scaled, and rotates where
// config.json says so.
func graniteMeaning(c *reader, h *Hyper) {
	granite.fromConfig(c, h)
	if c.string("position_embedding_type") != "rope" {
		h.Meaning.NoRope = each(h.Layers, func(int) bool { return true })
	}
}

// graniteClass tells models that have attention in every layer from the others.
func graniteClass(config hf.Config) string {
	c := newReader(config)
	c.assumed = granite4Defaults[""].Keys.config()
	switch {
	case slices.Contains(c.recurrent(c.int("num_hidden_layers")), true):
		return graniteHybridClass
	case c.int("num_local_experts") > 0:
		return granite4moe.Classes[0]
	}
	return granite4.Classes[0]
}

// rotatedExperts rotates what is not to be rotated.
func rotatedExperts(_ *reader, a Arch, h Hyper) (l Loss) {
	if h.Meaning.NoRope == nil {
		return l
	}
	l.Text = "position_embedding_type: llama.cpp rotates queries and keys in every file of architecture " + a.Name + ": its results differ from the model's"
	l.Patch = func(m *Model) {
		m.attentions(func(at *Attention) { rotation := h.Meaning.Rotation; at.Rope = &rotation })
	}
	return l
}

// fixedExpansion says which models llama.cpp does not load.
func fixedExpansion(_ *reader, a Arch, h Hyper) (l Loss) {
	if h.SSM.Inner != 2*h.Embed {
		l.Text = "mamba_expand: llama.cpp loads files of architecture " + a.Name + " with an expansion of 2 alone"
	}
	return l
}
