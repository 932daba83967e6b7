package arch

// The layouts of experts that checkpoints of Hugging Face have, as templates.

// router scores the experts.
func router(source string) []Tensor {
	return []Tensor{{Source: "model.layers.{i}." + source + ".weight", Target: "blk.{i}.ffn_gate_inp.weight", Shape: []Dim{experts, embed}, F32: true}}
}

// perExpert holds one matrix for every expert.
var perExpert = eachExpert("mlp")

// eachExpert holds down, gate and up projection of every expert by itself.
func eachExpert(source string) []Tensor {
	expert := "model.layers.{i}." + source + ".experts.{e}."
	return []Tensor{
		{Source: expert + "down_proj.weight", Target: "blk.{i}.ffn_down_exps.weight", Shape: []Dim{embed, expertFF}},
		{Source: expert + "gate_proj.weight", Target: "blk.{i}.ffn_gate_exps.weight", Shape: []Dim{expertFF, embed}},
		{Source: expert + "up_proj.weight", Target: "blk.{i}.ffn_up_exps.weight", Shape: []Dim{expertFF, embed}},
	}
}

// fusedExperts is the other layout of the same: all experts in one tensor,
// gate above up projection.
var fusedExperts = fusedExpertsOf("mlp")

// fusedViews are what fusedExperts holds.
var fusedViews = fusedViewsOf("mlp")

func fusedExpertsOf(source string) []Tensor {
	both, down := "model.layers.{i}."+source+".experts.gate_up_proj", "model.layers.{i}."+source+".experts.down_proj"
	return optional([]Tensor{
		{Source: both, Target: "blk.{i}.ffn_gate_exps.weight", Shape: []Dim{experts, twice(expertFF), embed}, Ops: half(0)},
		{Source: both, Target: "blk.{i}.ffn_up_exps.weight", Shape: []Dim{experts, twice(expertFF), embed}, Ops: half(1)},
		{Source: down, Target: "blk.{i}.ffn_down_exps.weight", Shape: []Dim{experts, embed, expertFF}},
	})
}

func fusedViewsOf(source string) []View {
	both := "model.layers.{i}." + source + ".experts.gate_up_proj"
	return []View{
		{Matrix: "blk.{i}.ffn_gate_exps.weight", Source: both, Rows: upperHalf(expertFF)},
		{Matrix: "blk.{i}.ffn_up_exps.weight", Source: both, Rows: lowerHalf(expertFF)},
	}
}

// turnedExperts holds all experts in one tensor with inputs along the rows.
func turnedExperts(source string) []Tensor {
	both, down := "model.layers.{i}."+source+".experts.gate_up_proj", "model.layers.{i}."+source+".experts.down_proj"
	return []Tensor{
		{Source: both, Target: "blk.{i}.ffn_gate_exps.weight", Shape: []Dim{experts, embed, twice(expertFF)}, Ops: half(0, Transpose)},
		{Source: both, Target: "blk.{i}.ffn_up_exps.weight", Shape: []Dim{experts, embed, twice(expertFF)}, Ops: half(1, Transpose)},
		{Source: down, Target: "blk.{i}.ffn_down_exps.weight", Shape: []Dim{experts, expertFF, embed}, Ops: ops(Transpose)},
	}
}

// turnedViews are what turnedExperts holds.
func turnedViews(source string) []View {
	both, down := "model.layers.{i}."+source+".experts.gate_up_proj", "model.layers.{i}."+source+".experts.down_proj"
	return []View{
		{Matrix: "blk.{i}.ffn_gate_exps.weight", Source: both, Turned: true, Rows: upperHalf(expertFF)},
		{Matrix: "blk.{i}.ffn_up_exps.weight", Source: both, Turned: true, Rows: lowerHalf(expertFF)},
		{Matrix: "blk.{i}.ffn_down_exps.weight", Source: down, Turned: true},
	}
}

// sharedExpertGate scales the output of the shared expert.
var sharedExpertGate = []Tensor{
	{Source: "model.layers.{i}.mlp.shared_expert_gate.weight", Target: "blk.{i}.ffn_gate_inp_shexp.weight", Shape: []Dim{one, embed}, F32: true},
}
