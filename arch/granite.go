package arch

import "slices"

// granite serves the dense models of Granite 3: Llama's decoder with
// multipliers of embedding, scores, branches and logits.
var granite = Arch{
	Name:       "granite",
	Classes:    []string{"GraniteForCausalLM"},
	Vocabulary: llamaVocabulary,
	Defaults:   map[string]Defaults{"": {Keys: Keys{"max_position_embeddings": 2048, "rms_norm_eps": 1e-6, "rope_theta": 1e4}}},
	Params: append(slices.Clip(llamaParams),
		number("attention.scale", 1, "attention_multiplier"),
		number("embedding_scale", 1, "embedding_multiplier"),
		number("residual_scale", 1, "residual_multiplier"),
		number("logit_scale", 1, "logits_scaling"),
	),
	Tensors: slices.Concat(trunk, graniteAttention, mlp("mlp", "", ff), mlpBias),
	Ignore:  []string{inverseFrequencies},
	Extra:   llamaExtra,
	Graph: Graph{
		Input: func(h Hyper) Input { return Input{Scale: h.Value("embedding_scale")} },
		Layer: decoder(func(h Hyper, _ int, l *Layer) {
			l.MixScale, l.FeedScale = h.Value("residual_scale"), h.Value("residual_scale")
		}),
		Output: func(h Hyper) Output {
			o := output(h)
			o.Scale = 1 / orOne(h.Value("logit_scale"))
			return o
		},
	},
	Source: Convention{Rope: RopeHalf},
	File:   Convention{Rope: RopeInterleaved},

	sizes:      func(_ *reader, h *Hyper) { h.HasHeadDim = false }, // the file has no key for it
	fromConfig: func(_ *reader, h *Hyper) { h.Meaning.Scale = h.Value("attention.scale") },
	fromFile: func(g *fileReader, h *Hyper) {
		h.Meaning.Scale = h.Value("attention.scale")
		if rotated, ok := g.kvs.Bool(g.prefix + rotates); ok && !rotated {
			h.Meaning.NoRope = each(h.Layers, func(int) bool { return true })
		}
		h.SSM = g.ssm()
	},
}

var graniteAttention = slices.Concat(attention(permuted), attentionBias(permuted), outputBias)

// granitemoe serves the mixtures of Granite 3, some with an expert for every
// position.
var granitemoe = Arch{
	Name:       "granitemoe",
	Classes:    []string{"GraniteMoeForCausalLM", "GraniteMoeSharedForCausalLM"},
	Vocabulary: llamaVocabulary,
	Defaults: map[string]Defaults{"": {Keys: granite.Defaults[""].Keys.and(Keys{
		"num_local_experts": 8, "num_experts_per_tok": 2,
	}), Always: Keys{"norm_topk_prob": true}}},
	Params:  append(slices.Clip(granite.Params), u32("expert_shared_feed_forward_length", sharedFF)),
	Tensors: slices.Concat(trunk, graniteAttention, graniteExperts),
	Ignore:  []string{inverseFrequencies},
	Extra:   llamaExtra,
	Graph: Graph{
		Input: granite.Graph.Input, Layer: granite.Graph.Layer, Output: granite.Graph.Output,
		Router: Router{Score: SoftmaxScore, Normalize: true},
	},
	Source: granite.Source,
	File:   granite.File,
	Views:  slices.Concat(jointViews("input_linear.weight"), jointViews("experts.gate_up_proj"), sharedViews("_shexp", sharedFF)),

	sizes:      func(c *reader, h *Hyper) { h.HasHeadDim, h.MoE.SharedFF = false, c.int("shared_intermediate_size") },
	fromConfig: granite.fromConfig,
	fromFile:   granite.fromFile,
}

// graniteExperts are those of the mixtures, one of them for every position.
var graniteExperts = slices.Concat(
	router("block_sparse_moe.router.layer"), optional(router("block_sparse_moe.router")),
	jointExperts("input_linear.weight", "output_linear.weight"), optional(jointExperts("experts.gate_up_proj", "experts.down_proj")),
	in(func(h Hyper, _ int) bool { return h.MoE.SharedFF > 0 }, sharedNetwork("_shexp", sharedFF)),
)

// sharedNetwork is the network that all positions go through, gate above up
// projection in one matrix.
func sharedNetwork(target string, width Dim) []Tensor {
	const at = "model.layers.{i}.shared_mlp."
	return []Tensor{
		{Source: at + "input_linear.weight", Target: "blk.{i}.ffn_gate" + target + ".weight", Shape: []Dim{twice(width), embed}, Ops: half(0)},
		{Source: at + "input_linear.weight", Target: "blk.{i}.ffn_up" + target + ".weight", Shape: []Dim{twice(width), embed}, Ops: half(1)},
		{Source: at + "output_linear.weight", Target: "blk.{i}.ffn_down" + target + ".weight", Shape: []Dim{embed, width}},
	}
}

// sharedViews are what sharedNetwork holds.
func sharedViews(target string, width Dim) []View {
	const both = "model.layers.{i}.shared_mlp.input_linear.weight"
	return []View{
		{Matrix: "blk.{i}.ffn_gate" + target + ".weight", Source: both, Rows: upperHalf(width)},
		{Matrix: "blk.{i}.ffn_up" + target + ".weight", Source: both, Rows: lowerHalf(width)},
	}
}

// jointExperts holds all experts in one tensor, gate above up projection, under
// either of two names.
func jointExperts(both, down string) []Tensor {
	const at = "model.layers.{i}.block_sparse_moe."
	return []Tensor{
		{Source: at + both, Target: "blk.{i}.ffn_gate_exps.weight", Shape: []Dim{experts, twice(expertFF), embed}, Ops: half(0)},
		{Source: at + both, Target: "blk.{i}.ffn_up_exps.weight", Shape: []Dim{experts, twice(expertFF), embed}, Ops: half(1)},
		{Source: at + down, Target: "blk.{i}.ffn_down_exps.weight", Shape: []Dim{experts, embed, expertFF}},
	}
}

// jointViews are what jointExperts holds.
func jointViews(both string) []View {
	const at = "model.layers.{i}.block_sparse_moe."
	return []View{
		{Matrix: "blk.{i}.ffn_gate_exps.weight", Source: at + both, Rows: upperHalf(expertFF)},
		{Matrix: "blk.{i}.ffn_up_exps.weight", Source: at + both, Rows: lowerHalf(expertFF)},
	}
}

// rotates is the key that files of Granite tell by whether attention rotates.
const rotates = "rope.scaling.finetuned"
