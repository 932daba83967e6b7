package arch

import "slices"

// llama4 serves Llama 4 Scout and Maverick: experts in every layer or every
// second one beside one shared expert, and every fourth layer unrotated. Its
// checkpoints store expert matrices with inputs along the rows, and pair
// rotated dimensions as the file does.
var llama4 = Arch{
	Name:    "llama4",
	Classes: []string{"Llama4ForConditionalGeneration", "Llama4ForCausalLM"},
	Strip:   []string{"language_model."},
	Defaults: map[string]Defaults{
		"": {Context: 131072, Eps: 1e-5, RopeBase: 5e5, HeadDim: Derived},
	},
	Params: append(slices.Clip(llamaParams),
		u32("interleave_moe_layer_step", func(h Hyper) int { return h.MoE.Step }),
		u32("expert_feed_forward_length", expertFF),
	),
	Tensors: slices.Concat(trunk, attention(Copy), attentionBias(Copy), outputBias,
		in(dense, mlp("feed_forward", "", ff)),
		in(sparse, router("feed_forward.router"), turnedExperts("feed_forward"), mlp("feed_forward.shared_expert", "_shexp", expertFF)),
	),
	Ignore: append([]string{inverseFrequencies}, otherModalities...),
	Extra:  llamaExtra,
	Graph:  Graph{SourceRope: RopeInterleaved, GGUFRope: RopeInterleaved, NoRopeEvery: 4, Gating: Sigmoid},
}

// turnedExperts holds all experts in one tensor with inputs along the rows.
func turnedExperts(source string) []Tensor {
	both, down := "model.layers.{i}."+source+".experts.gate_up_proj", "model.layers.{i}."+source+".experts.down_proj"
	return []Tensor{
		{Source: both, Target: "blk.{i}.ffn_gate_exps.weight", Shape: []Dim{experts, embed, twice(expertFF)}, Op: Op{Kind: Transpose, Part: 0, Parts: 2}},
		{Source: both, Target: "blk.{i}.ffn_up_exps.weight", Shape: []Dim{experts, embed, twice(expertFF)}, Op: Op{Kind: Transpose, Part: 1, Parts: 2}},
		{Source: down, Target: "blk.{i}.ffn_down_exps.weight", Shape: []Dim{experts, expertFF, embed}, Op: Op{Kind: Transpose}},
	}
}

// otherModalities are the parts of multimodal checkpoints beside the text
// model.
var otherModalities = []string{
	"*vision_*", "*visual.*", "*vision.*", "*audio_*", "*audio.*", "*projector.*", "*patch_merger.*", "*patch_embed*", "*image_newline*",
}
