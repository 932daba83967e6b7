package budget

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/imatrix"
	"github.com/f190792d/mq/quantize"
)

// matrices are the tensors of a small model: two layers, and one matrix with
// rows whose length is not a multiple of 256.
var matrices = []struct {
	name          string
	columns, rows int64
}{
	{"token_embd.weight", 256, 64}, {"output.weight", 256, 64}, {"output_norm.weight", 256, 1},
	{"blk.0.attn_v.weight", 256, 32}, {"blk.0.ffn_down.weight", 96, 256}, {"blk.0.ffn_up.weight", 256, 96},
	{"blk.1.attn_v.weight", 256, 32}, {"blk.1.ffn_down.weight", 96, 256}, {"blk.1.ffn_up.weight", 256, 96},
}

func model() (gguf.KVs, []gguf.Stream) {
	random := rand.New(rand.NewPCG(1, 9))
	var list []gguf.Stream
	for _, m := range matrices {
		shape := []int64{m.columns, m.rows}
		if m.rows == 1 {
			shape = shape[:1]
		}
		s := gguf.Stream{TensorInfo: gguf.TensorInfo{Name: m.name, Type: gguf.TypeF32, Shape: shape}}
		data := make([]byte, 4*m.columns*m.rows)
		for i := range m.columns * m.rows {
			binary.LittleEndian.PutUint32(data[4*i:], math.Float32bits(float32(random.NormFloat64())))
		}
		s.ReadRows = func(ctx context.Context, dst []byte, first int64) error {
			copy(dst, data[4*m.columns*first:])
			return nil
		}
		list = append(list, s)
	}
	return gguf.KVs{{Key: "general.architecture", Value: "llama"}, {Key: "llama.block_count", Value: uint32(2)}}, list
}

func importance(t *testing.T) *quantize.Importance {
	t.Helper()
	m := &imatrix.Matrix{Entries: map[string]*imatrix.Entry{}}
	for _, tensor := range matrices {
		if !strings.HasPrefix(tensor.name, "blk.") {
			continue
		}
		sums := make([]float32, tensor.columns)
		for i := range sums {
			sums[i] = float32(1 + i%7)
		}
		m.Entries[tensor.name] = &imatrix.Entry{Sums: sums, Counts: []float32{1}}
	}
	im, err := quantize.NewImportance("test", m, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return im
}

func profile(t *testing.T, sources []gguf.Stream, o quantize.Options, workers int) *Profile {
	t.Helper()
	p, err := NewProfile(context.Background(), sources, o, MeasureOptions{Workers: workers})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func planned(t *testing.T, kvs gguf.KVs, sources []gguf.Stream, o quantize.Options, c *Choice) *quantize.Plan {
	t.Helper()
	o.Recipe, o.Overrides = c.Recipe, append(o.Overrides, c.Overrides...)
	plan, err := quantize.NewPlan(kvs, infos(sources), o)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

func TestErrorsFallWithBitsAndDoNotDependOnWorkers(t *testing.T) {
	_, sources := model()
	p := profile(t, sources, quantize.Options{}, 1)
	if len(p.Tensors) != 8 {
		t.Fatalf("%d tensors are open, want all but the norm", len(p.Tensors))
	}
	for _, tensor := range p.Tensors {
		order := []string{"Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "Q8_0", "F16", "F32"}
		if strings.Contains(tensor.Name, "ffn_down") {
			order = []string{"Q4_0", "Q5_0", "Q8_0", "F16", "F32"}
			if _, ok := tensor.Errors["Q4_K"]; ok {
				t.Errorf("%s: rows of 96 values have no Q4_K", tensor.Name)
			}
		}
		for i := 1; i < len(order); i++ {
			if less, more := tensor.Errors[order[i]], tensor.Errors[order[i-1]]; !(less < more) {
				t.Errorf("%s: error %v as %s, %v as %s", tensor.Name, less, order[i], more, order[i-1])
			}
		}
		if _, ok := tensor.Errors["IQ2_XS"]; ok {
			t.Errorf("%s: IQ2_XS without importance weights", tensor.Name)
		}
	}
	if diff := cmp.Diff(p, profile(t, sources, quantize.Options{}, 5)); diff != "" {
		t.Error(diff)
	}
	weighted := profile(t, sources, quantize.Options{Importance: importance(t)}, 2)
	for _, tensor := range weighted.Tensors {
		_, low := tensor.Errors["IQ2_XS"]
		if want := strings.Contains(tensor.Name, "attn_v") || strings.Contains(tensor.Name, "ffn_up"); low != want {
			t.Errorf("%s: IQ2_XS measured: %v, want %v", tensor.Name, low, want)
		}
	}
}

func TestFilesKeepWithinTheirTargetAndUseIt(t *testing.T) {
	kvs, sources := model()
	for _, o := range []quantize.Options{{}, {Importance: importance(t)}} {
		p := profile(t, sources, o, 0)
		last := math.Inf(1)
		for _, bits := range []float64{3.8, 4.3, 5, 5.7, 6.5, 8.6, 12} {
			c, err := Choose(kvs, infos(sources), o, p, Target{Bits: bits})
			if err != nil {
				t.Fatal(err)
			}
			plan := planned(t, kvs, sources, o, c)
			if got := plan.Summary.Bits; got > bits || got < 0.98*bits {
				t.Errorf("%v bits per weight: %v", bits, got)
			}
			if c.Cost >= last {
				t.Errorf("%v bits cost %v, fewer cost %v", bits, c.Cost, last)
			}
			last = c.Cost
			size := plan.Summary.FileBytes
			for _, bytes := range []int64{size, size + 31, size + 1000} {
				c, err := Choose(kvs, infos(sources), o, p, Target{Bytes: bytes})
				if err != nil {
					t.Fatal(err)
				}
				if got := planned(t, kvs, sources, o, c).Summary.FileBytes; got > bytes || float64(got) < 0.98*float64(bytes) {
					t.Errorf("%d bytes: %d", bytes, got)
				}
			}
		}
	}
}

func TestImpossibleTargetsNameTheSmallestSize(t *testing.T) {
	kvs, sources := model()
	o := quantize.Options{}
	err := Check(kvs, infos(sources), o, nil, Target{Bits: 1})
	if !errors.Is(err, fault.ErrInvalid) || !strings.Contains(err.Error(), "smallest") {
		t.Fatalf("%v", err)
	}
	c, err := Choose(kvs, infos(sources), o, profile(t, sources, o, 0), Target{Bits: 3.5})
	if err != nil {
		t.Fatal(err)
	}
	size := planned(t, kvs, sources, o, c).Summary.FileBytes
	if err := Check(kvs, infos(sources), o, nil, Target{Bytes: size}); err != nil {
		t.Errorf("%d bytes: %v", size, err)
	}
	if err := Check(kvs, infos(sources), o, nil, Target{Bytes: 20000}); !errors.Is(err, fault.ErrInvalid) {
		t.Errorf("20000 bytes: %v", err)
	}
}

// What the user has decided stays, and takes its part of the budget.
func TestTypesThatAreGivenStay(t *testing.T) {
	kvs, sources := model()
	override, err := quantize.ParseOverride("attn_v=q8_0")
	if err != nil {
		t.Fatal(err)
	}
	q6 := gguf.TypeQ6_K
	o := quantize.Options{Overrides: []quantize.Override{override}, OutputType: &q6, EmbedType: &q6}
	c, err := Choose(kvs, infos(sources), o, profile(t, sources, o, 0), Target{Bits: 5.5})
	if err != nil {
		t.Fatal(err)
	}
	plan := planned(t, kvs, sources, o, c)
	for _, choice := range plan.Tensors {
		want, fixed := map[string]gguf.Type{
			"blk.0.attn_v.weight": gguf.TypeQ8_0, "blk.1.attn_v.weight": gguf.TypeQ8_0,
			"output.weight": q6, "token_embd.weight": q6, "output_norm.weight": gguf.TypeF32,
		}[choice.Info.Name]
		if fixed && choice.Info.Type != want {
			t.Errorf("%s: %s, want %s", choice.Info.Name, choice.Info.Type, want)
		}
	}
	if plan.Summary.Bits > 5.5 || plan.Summary.Bits < 5.3 {
		t.Errorf("%v bits per weight", plan.Summary.Bits)
	}
}

func TestSavedTypesGiveTheSamePlan(t *testing.T) {
	kvs, sources := model()
	o := quantize.Options{}
	c, err := Choose(kvs, infos(sources), o, profile(t, sources, o, 0), Target{Bits: 5})
	if err != nil {
		t.Fatal(err)
	}
	want := planned(t, kvs, sources, o, c)
	if o.Overrides, err = quantize.ParseOverrides(c.TypeFile()); err != nil {
		t.Fatal(err)
	}
	got := planned(t, kvs, sources, o, &Choice{Recipe: c.Recipe})
	for i, choice := range want.Tensors {
		if got.Tensors[i].Info.Type != choice.Info.Type {
			t.Errorf("%s: %s, want %s", choice.Info.Name, got.Tensors[i].Info.Type, choice.Info.Type)
		}
	}
}

func TestProfilesAreReadBackAndCheckedAgainstTheModel(t *testing.T) {
	kvs, sources := model()
	o := quantize.Options{}
	p := profile(t, sources, o, 0)
	data, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	back, err := ParseProfile("p.json", data)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(p, back); diff != "" {
		t.Error(diff)
	}
	back.Tensors = slices.Delete(back.Tensors, 0, 1)
	if _, err := Choose(kvs, infos(sources), o, back, Target{Bits: 5}); !errors.Is(err, fault.ErrCorrupt) {
		t.Errorf("a profile of another model: %v", err)
	}
	for _, bad := range []string{"", "[]", `{"tensors":[{"name":"x","errors":{"Q9":1}}]}`, `{"tensors":[{"name":"x","sensitivity":-1}]}`, `{"tensors":[{"errors":{"Q4_K":-1}}]}`,
		`{"tensors":[{"sensitivity":1e300,"errors":{"Q4_K":1e300}}]}`} {
		if _, err := ParseProfile("p.json", []byte(bad)); !errors.Is(err, fault.ErrCorrupt) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestFingerprintsTellModelsApart(t *testing.T) {
	_, sources := model()
	fingerprint := func(s []gguf.Stream, o quantize.Options, more ...any) string {
		f, err := Fingerprint(t.Context(), s, o, nil, more...)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	first := fingerprint(sources, quantize.Options{})
	if fingerprint(sources, quantize.Options{}) != first {
		t.Error("the second time another")
	}
	if fingerprint(sources, quantize.Options{Importance: importance(t)}) == first {
		t.Error("the importance matrix does not count")
	}
	if fingerprint(sources, quantize.Options{}, "text") == first {
		t.Error("what else is measured with does not count")
	}
	other := slices.Clone(sources)
	other[3].ReadRows = func(_ context.Context, dst []byte, _ int64) error { clear(dst); return nil }
	if fingerprint(other, quantize.Options{}) == first {
		t.Error("the values do not count")
	}
}

func TestGroupsHoldEachTensorOnceAndCalibrateThem(t *testing.T) {
	p := &Profile{}
	for _, name := range []string{"token_embd.weight", "output.weight"} {
		p.Tensors = append(p.Tensors, Tensor{Name: name, Rounding: 0.01})
	}
	for layer := range 10 {
		for _, kind := range []string{"attn_q", "ffn_up"} {
			p.Tensors = append(p.Tensors, Tensor{Name: "blk." + string(rune('0'+layer)) + "." + kind + ".weight", Rounding: 0.02})
		}
	}
	groups := p.Groups(12)
	seen := map[string]int{}
	for _, g := range groups {
		kind, _ := kindOf(g[0])
		for _, name := range g {
			seen[name]++
			if k, _ := kindOf(name); k != kind {
				t.Errorf("%s stands beside %s", name, g[0])
			}
		}
	}
	if len(groups) != 8 || len(seen) != len(p.Tensors) {
		t.Fatalf("%d groups of %d tensors", len(groups), len(seen))
	}
	divergences := make([]float64, len(groups))
	for i := range groups {
		divergences[i] = float64(i)
	}
	p.Calibrate(groups, divergences)
	index := map[string]Tensor{}
	for _, tensor := range p.Tensors {
		index[tensor.Name] = tensor
	}
	for i, g := range groups {
		sum := 0.0
		for _, name := range g {
			sum += index[name].Sensitivity * index[name].Rounding
		}
		if i > 0 && math.Abs(sum-divergences[i]) > 1e-12 {
			t.Errorf("group %v is expected to bring %v, measured %v", g, sum, divergences[i])
		}
	}
	// What a run does not reach gets a factor in the middle of the others.
	if s := index[groups[0][0]].Sensitivity; s <= 0 {
		t.Errorf("%s: factor %v", groups[0][0], s)
	}
}
