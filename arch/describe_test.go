package arch

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/f190792d/mq/formats/fault"
)

// moves are the operations that put rows where a loader of the checkpoint does
// not find them; the others are conventions, or change nothing that has rows.
var moves = []OpKind{Transpose, LatentKey, LatentValue, DeltaQKV, DeltaGate, Ungroup, Part, Alternate, AlternateColumns, Slice, Multiply}

func TestEveryRearrangedMatrixHasAView(t *testing.T) {
	for _, a := range table {
		for _, x := range a.Tensors {
			if !slices.ContainsFunc(x.Ops, func(op Op) bool { return slices.Contains(moves, op.Kind) }) {
				continue
			}
			if !slices.ContainsFunc(a.Views, func(v View) bool { return v.Matrix == x.Target && v.Source == x.Source }) {
				t.Errorf("%s: %s has no view of %s", a.Name, x.Target, x.Source)
			}
		}
		for _, v := range a.Views {
			if !slices.ContainsFunc(a.Tensors, func(x Tensor) bool { return v.Matrix == x.Target && v.Source == x.Source }) {
				t.Errorf("%s: the view of %s for %s is of no tensor", a.Name, v.Source, v.Matrix)
			}
		}
	}
}

func TestRefusesToDescribeContradictions(t *testing.T) {
	llamaOf := func(keys string) Hyper {
		h, err := FromConfig(parse(t, `{"architectures": ["LlamaForCausalLM"], `+small+keys+`}`))
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	for name, test := range map[string]struct {
		change func(*Hyper)
		word   string
	}{
		"heads":    {func(h *Hyper) { h.KVHeads = 3 }, "4 query heads"},
		"rotation": {func(h *Hyper) { h.Meaning.Rotation.Dim = 18 }, "18 of 16 dimensions"},
		"width":    {func(h *Hyper) { h.FF = 0 }, "width"},
		"experts":  {func(h *Hyper) { h.MoE = MoE{Experts: 4, FF: 8}; h.Meaning.Router.Used = 5 }, "5 of 4 experts"},
		"groups": {func(h *Hyper) {
			h.MoE, h.Meaning.Router = MoE{Experts: 4, FF: 8}, Router{Used: 1, Groups: 3, GroupsUsed: 2}
		}, "2 of 3 groups"},
	} {
		h := llamaOf("")
		test.change(&h)
		_, err := Describe(llama, h)
		if !errors.Is(err, fault.ErrCorrupt) || !strings.Contains(err.Error(), test.word) {
			t.Errorf("%s: error %v, want one that names %s", name, err, test.word)
		}
	}
}

func TestDifferencesNameTheField(t *testing.T) {
	h, err := FromConfig(parse(t, `{"architectures": ["Qwen3ForCausalLM"], `+small+`}`))
	if err != nil {
		t.Fatal(err)
	}
	a, _ := Describe(qwen3, h)
	h.Meaning.Window, h.Meaning.Sliding = 4096, []bool{false, false, true}
	h.Eps *= 1 + 1e-7
	b, _ := Describe(qwen3, h)
	if d := Differences(a, b); !slices.Equal(d, []string{"Layers[2].Mixer.Mask.Window: 0, not 4096"}) {
		t.Errorf("differences %q", d)
	}
	b.Layers[0].Mixer = &DeltaNet{}
	if d := Differences(a, b); len(d) != 2 || !strings.Contains(d[0], "Layers[0].Mixer: *arch.Attention, not *arch.DeltaNet") {
		t.Errorf("differences %q", d)
	}
}
