package arch

import (
	"encoding/json"
	"fmt"
	"math"
)

// The lengths of state-space layers.
func ssmInner(h Hyper, _ int) int    { return h.SSM.Inner }
func ssmState(h Hyper, _ int) int    { return h.SSM.State }
func ssmHeads(h Hyper, _ int) int    { return h.SSM.Heads }
func ssmGroups(h Hyper, _ int) int   { return h.SSM.Groups }
func ssmKernel(h Hyper, _ int) int   { return h.SSM.Kernel }
func ssmBC(h Hyper, _ int) int       { return h.SSM.Groups * h.SSM.State }
func ssmChannels(h Hyper, l int) int { return h.SSM.Inner + 2*ssmBC(h, l) }
func ssmIn(h Hyper, l int) int       { return h.SSM.Inner + ssmChannels(h, l) + h.SSM.Heads }

// ssmParams are in the order of the files of models that are state spaces alone.
var ssmParams = []Param{
	u32("ssm.conv_kernel", ssmKernel),
	u32("ssm.inner_size", ssmInner),
	u32("ssm.state_size", ssmState),
	u32("ssm.time_step_rank", ssmHeads),
	u32("ssm.group_count", ssmGroups),
}

// stateSpaces holds the tensors of state-space layers. The file has decays and
// skips as columns, and the norm by groups.
func stateSpaces(source string) []Tensor {
	const blk = "blk.{i}.ssm_"
	return []Tensor{
		{Source: source + ".dt_bias", Target: blk + "dt.bias", Shape: []Dim{ssmHeads}},
		{Source: source + ".A_log", Target: blk + "a", Shape: []Dim{ssmHeads}, Ops: append(fold(ssmHeads), ops(NegExp)...), F32: true},
		{Source: source + ".D", Target: blk + "d", Shape: []Dim{ssmHeads}, Ops: fold(ssmHeads), F32: true},
		{Source: source + ".norm.weight", Target: blk + "norm.weight", Shape: []Dim{ssmInner}, Ops: fold(ssmGroups), F32: true},
		{Source: source + ".conv1d.weight", Target: blk + "conv1d.weight", Shape: []Dim{ssmChannels, one, ssmKernel}, Ops: ops(Squeeze), F32: true},
		{Source: source + ".conv1d.bias", Target: blk + "conv1d.bias", Shape: []Dim{ssmChannels}, Optional: true},
		{Source: source + ".in_proj.weight", Target: blk + "in.weight", Shape: []Dim{ssmIn, embed}},
		{Source: source + ".in_proj.bias", Target: blk + "in.bias", Shape: []Dim{ssmIn}, Optional: true},
		{Source: source + ".out_proj.weight", Target: blk + "out.weight", Shape: []Dim{embed, ssmInner}},
		{Source: source + ".out_proj.bias", Target: blk + "out.bias", Shape: []Dim{embed}, Optional: true},
	}
}

// stateSpace is the mixer of a model whose result is normalized after its
// gate.
func stateSpace(h Hyper) *StateSpace {
	s := h.SSM
	return &StateSpace{
		Version: 2, Kernel: s.Kernel, Inner: s.Inner, State: s.State, Heads: s.Heads, Groups: s.Groups, NormEps: h.Eps,
		StepFrom: h.Value(stepFrom), StepTo: h.Value(stepTo),
	}
}

// The limits of time steps, which files have no keys for.
const (
	stepFrom = "time_step_from"
	stepTo   = "time_step_to"
)

// stepLimits reads the limits of time steps; none above is infinity, which
// transformers 5 writes as an object.
func (c *reader) stepLimits(h *Hyper) {
	const key = "time_step_limit"
	layer, _, ok := c.stated([]string{key})
	if !ok {
		return
	}
	v, _ := layer.Value(key)
	limits, _ := v.([]any)
	if len(limits) != 2 {
		c.keep(layer.At("arch", key).Corrupt("%v is not a pair of limits", v))
		return
	}
	for i, name := range []string{stepFrom, stepTo} {
		var x float64
		switch limit := limits[i].(type) {
		case json.Number:
			x, _ = limit.Float64()
		case map[string]any:
			x = math.Inf(1)
		}
		if x > 0 && !math.IsInf(x, 1) {
			h.set(name, x)
		}
	}
}

// lostLimits lets time steps grow and shrink.
func lostLimits(_ *reader, _ Arch, h Hyper) (l Loss) {
	from, to := h.Value(stepFrom), h.Value(stepTo)
	if from == 0 && to == 0 {
		return l
	}
	l.Text = fmt.Sprintf("time_step_limit: a file has no key for the limits %v and %v of time steps, and llama.cpp does not limit them: its results differ from the model's", from, to)
	l.Patch = func(m *Model) {
		m.stateSpaces(func(s *StateSpace) { s.StepFrom, s.StepTo = 0, 0 })
	}
	return l
}

// ssm reads state-space layers from a file.
func (g *fileReader) ssm() SSM {
	return SSM{
		Kernel: g.int("ssm.conv_kernel"), Inner: g.int("ssm.inner_size"), State: g.int("ssm.state_size"),
		Heads: g.int("ssm.time_step_rank"), Groups: g.int("ssm.group_count"),
	}
}
