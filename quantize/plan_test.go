package quantize

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/imatrix"
)

const bf16 = gguf.TypeBF16

func TestParsesEveryNameNumberAndAlias(t *testing.T) {
	for _, r := range Recipes() {
		for _, name := range append(r.Aliases(), r.Name, strings.ToLower(r.Name)) {
			got, err := ParseRecipe(name)
			if err != nil || got.Name != r.Name {
				t.Errorf("%s is %q, error %v", name, got.Name, err)
			}
		}
	}
	for number, name := range map[string]string{"0": "F32", "1": "F16", "2": "Q4_0", "12": "Q3_K_M", "15": "Q4_K_M", "17": "Q5_K_M", "32": "BF16", "38": "MXFP4_MOE", "41": "Q2_0"} {
		if got := recipe(t, number); got.Name != name {
			t.Errorf("%s is %s, not %s", number, got.Name, name)
		}
	}
	for _, name := range []string{"", "Q4_K_XL", "4", "39", "-1", "99999999999"} {
		if _, err := ParseRecipe(name); !errors.Is(err, fault.ErrUnsupported) {
			t.Errorf("%q: error %v", name, err)
		}
	}
}

func TestEveryRuleBelongsToARecipe(t *testing.T) {
	for name, rules := range mixtures {
		r := recipe(t, name)
		for _, rule := range rules {
			if _, ok := ByID(rule.to); !ok {
				t.Errorf("%s: no type %v", r.Name, rule.to)
			}
		}
	}
}

func TestOrdersTensorsByLayerThenName(t *testing.T) {
	var infos []gguf.TensorInfo
	for _, name := range []string{"blk.10.a", "rope_freqs.weight", "blk.2.b", "blk.2.a", "output.weight", "blk.x", "v.blk.0.a", "blk.0.z"} {
		infos = append(infos, tensorOf(name, gguf.TypeF32, 8))
	}
	var got []string
	for _, c := range plan(t, llama(11), infos, Options{Recipe: recipe(t, "COPY")}).Tensors {
		got = append(got, c.Info.Name)
	}
	want := []string{"blk.x", "output.weight", "rope_freqs.weight", "v.blk.0.a", "blk.0.z", "blk.2.a", "blk.2.b", "blk.10.a"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestKeyValuesMoveToTheEnd(t *testing.T) {
	kvs := append(gguf.KVs{
		{Key: "general.file_type", Value: uint32(1)},
		{Key: "split.count", Value: uint16(3)},
		{Key: "general.quantization_version", Value: uint32(2)},
	}, llama(1)...)
	m := &imatrix.Matrix{Chunks: 5, Datasets: []string{"a.txt", "b.txt"}, Entries: map[string]*imatrix.Entry{"x": {Sums: []float32{1}, Counts: []float32{1}}}}
	im, err := NewImportance("dir/m.gguf", m, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	p := plan(t, kvs, nil, Options{Recipe: recipe(t, "Q4_K_M"), Importance: im, KVs: []KVOverride{{"llama.block_count", uint32(7)}}})
	want := gguf.KVs{
		{Key: "general.architecture", Value: "llama"},
		{Key: "llama.attention.head_count", Value: uint32(8)},
		{Key: "llama.attention.head_count_kv", Value: uint32(8)},
		{Key: "general.quantization_version", Value: uint32(2)},
		{Key: "general.file_type", Value: uint32(15)},
		{Key: "llama.block_count", Value: uint32(7)},
		{Key: "quantize.imatrix.file", Value: "dir/m.gguf"},
		{Key: "quantize.imatrix.dataset", Value: "a.txt"},
		{Key: "quantize.imatrix.entries_count", Value: uint32(1)},
		{Key: "quantize.imatrix.chunks_count", Value: uint32(5)},
	}
	if diff := cmp.Diff(want, p.Files[0].KVs); diff != "" {
		t.Error(diff)
	}
}

func TestRefusesBeforeWork(t *testing.T) {
	square := []gguf.TensorInfo{tensorOf("blk.0.ffn_up.weight", bf16, 256, 4)}
	q8 := gguf.TypeQ8_0
	_, badSize := NewImportance("m", &imatrix.Matrix{}, []string{"a"}, []string{"b"})
	if !errors.Is(badSize, fault.ErrInvalid) {
		t.Errorf("include with exclude: %v", badSize)
	}
	small := &Importance{File: "m.gguf", names: []string{"blk.0.ffn_up.weight"}, Matrix: &imatrix.Matrix{Entries: map[string]*imatrix.Entry{
		"blk.0.ffn_up.weight": {Sums: []float32{1, 2}, Counts: []float32{1}}}}}
	for name, c := range map[string]struct {
		tensors []gguf.TensorInfo
		o       Options
		class   error
		says    string
	}{
		"type needs weights":      {square, Options{Recipe: recipe(t, "IQ2_XXS")}, ErrNoImportance, `"blk.0.ffn_up.weight": type IQ2_XXS requires an importance matrix`},
		"Q2_K_S needs weights":    {square, Options{Recipe: recipe(t, "Q2_K_S")}, fault.ErrInvalid, "requires an importance matrix"},
		"matrix of another model": {square, Options{Recipe: recipe(t, "Q4_K"), Importance: small}, fault.ErrCorrupt, "2 values do not fit its 256 columns"},
		"quantized source":        {[]gguf.TensorInfo{tensorOf("a.weight", gguf.TypeQ4_0, 256, 4)}, Options{Recipe: recipe(t, "Q4_K")}, ErrQuantized, "quantized as Q4_0 already"},
		"integer source":          {[]gguf.TensorInfo{tensorOf("a.weight", gguf.TypeI32, 256, 4)}, Options{Recipe: recipe(t, "Q4_K")}, fault.ErrUnsupported, "type I32 cannot be quantized"},
		"integer target":          {square, Options{Recipe: recipe(t, "Q4_K"), Overrides: overrides(t, "up=i8")}, fault.ErrUnsupported, "I8 cannot be written"},
		"rows of no multiple":     {[]gguf.TensorInfo{tensorOf("a.weight", bf16, 96, 4)}, Options{Recipe: recipe(t, "Q1_0")}, fault.ErrUnsupported, "not a multiple of the Q1_0 block length 128"},
		"fallback not wanted":     {[]gguf.TensorInfo{tensorOf("a.weight", bf16, 96, 4)}, Options{Recipe: recipe(t, "Q4_K"), NoFallback: true}, ErrFallback, "the fallback to Q5_0 is ruled out"},
		"dedicated type misfits":  {[]gguf.TensorInfo{tensorOf("output.weight", bf16, 40, 4)}, Options{Recipe: recipe(t, "Q4_K"), OutputType: &q8}, fault.ErrUnsupported, "not a multiple of the Q8_0 block length 32"},
		"no recipe":               {square, Options{}, fault.ErrInvalid, "no recipe"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := NewPlan(llama(1), c.tensors, c.o)
			if !errors.Is(err, c.class) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %v, want %q", err, c.says)
			}
		})
	}
}

func overrides(t testing.TB, text string) []Override {
	t.Helper()
	list, err := ParseOverrides(text)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestFirstOverrideDecides(t *testing.T) {
	list := overrides(t, "attn_[qk]=q8_0\n ^blk\\.\\d+\\.attn=Q5_K  (?!blk)output=f16 BLK\\.0=q4_0 (.)\\1n_gate=q6_k")
	for name, want := range map[string]string{
		"blk.3.attn_q.weight": "Q8_0", "blk.3.attn_v.weight": "Q5_K", "output.weight": "F16", "blk.0.ffn_up.weight": "Q4_0",
		"x.ffn_gate": "Q6_K", "blk.1.ffn_up.weight": "",
	} {
		typ, ok := firstMatch(list, name)
		if ok != (want != "") || ok && typ.String() != want {
			t.Errorf("%s is %v, want %q", name, typ, want)
		}
	}
	for _, bad := range []string{"attn", "=q4_0", "attn=", "attn=q9", "(=q4_0"} {
		if _, err := ParseOverride(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestReadsKeyValueOverrides(t *testing.T) {
	for text, want := range map[string]any{
		"a=int:5": uint32(5), "a=int:-7": uint32(7), "a=float:0.5": float32(0.5), "a=bool:true": true, "a=str:x=y": "x=y", "a=str:": "",
	} {
		if got, err := ParseKVOverride(text); err != nil || got.Value != want {
			t.Errorf("%s is %v, error %v", text, got.Value, err)
		}
	}
	for _, bad := range []string{"a", "=int:1", "a=int:x", "a=int:4294967296", "a=bool:1", "a=u8:1", "a=str:" + strings.Repeat("x", 128), strings.Repeat("k", 128) + "=int:1"} {
		if _, err := ParseKVOverride(bad); !errors.Is(err, fault.ErrInvalid) {
			t.Errorf("%q: error %v", bad, err)
		}
	}
}

func TestTakesTypesOfAnotherFile(t *testing.T) {
	like := NewLike(gguf.KVs{{Key: "general.file_type", Value: uint32(15)}}, []gguf.TensorInfo{
		tensorOf("a.weight", gguf.TypeQ3_K, 256, 4), tensorOf("a_norm.weight", gguf.TypeF32, 256)})
	p := plan(t, llama(1), []gguf.TensorInfo{
		tensorOf("a.weight", bf16, 256, 4), tensorOf("a_norm.weight", gguf.TypeF32, 256), tensorOf("b.weight", bf16, 256, 4),
	}, Options{Recipe: recipe(t, "Q8_0"), Like: like})
	for i, want := range []gguf.Type{gguf.TypeQ3_K, gguf.TypeF32, gguf.TypeQ8_0} {
		if got := p.Tensors[i].Info.Type; got != want {
			t.Errorf("%s is %s, not %s", p.Tensors[i].Info.Name, got, want)
		}
	}
	if n, _ := p.Files[0].KVs.Uint("general.file_type"); n != 15 {
		t.Errorf("file type %d", n)
	}
}

func TestCoverageNamesWhatTheMatrixLacks(t *testing.T) {
	entry := func(experts int, unseen ...int) *imatrix.Entry {
		e := &imatrix.Entry{Sums: make([]float32, 256*experts), Counts: make([]float32, experts)}
		for i := range e.Counts {
			e.Counts[i] = 1
		}
		for _, i := range unseen {
			e.Counts[i] = 0
		}
		return e
	}
	m := &imatrix.Matrix{Entries: map[string]*imatrix.Entry{
		"blk.0.ffn_up_exps.weight": entry(4, 1, 3), "blk.0.attn_q.weight": entry(1), "gone.weight": entry(1), "token_embd.weight": entry(2)}}
	im, err := NewImportance("m.gguf", m, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	p := plan(t, llama(1), []gguf.TensorInfo{
		tensorOf("token_embd.weight", bf16, 256, 4), tensorOf("blk.0.attn_q.weight", bf16, 256, 4),
		tensorOf("blk.0.attn_k.weight", bf16, 256, 4), tensorOf("blk.0.ffn_up_exps.weight", bf16, 256, 2, 4),
	}, Options{Recipe: recipe(t, "Q4_K_M"), Importance: im})
	want := &Coverage{File: "m.gguf", Entries: 4, Weighted: 2, Missing: []string{"blk.0.attn_k.weight"}, Unused: []string{"gone.weight"},
		Ignored: []string{"token_embd.weight"}, Unseen: map[string][]int{"blk.0.ffn_up_exps.weight": {1, 3}}}
	if diff := cmp.Diff(want, p.Coverage); diff != "" {
		t.Error(diff)
	}
}

func TestRefusesAMatrixThatIsNotOfSquares(t *testing.T) {
	for _, x := range []float32{float32(math.NaN()), float32(math.Inf(1)), -1e-30} {
		for _, e := range []*imatrix.Entry{{Sums: []float32{1, x}, Counts: []float32{1}}, {Sums: []float32{1, 1}, Counts: []float32{x}}} {
			m := &imatrix.Matrix{Entries: map[string]*imatrix.Entry{"a": e}}
			if _, err := NewImportance("m", m, nil, nil); !errors.Is(err, fault.ErrCorrupt) {
				t.Errorf("%v: error %v", e, err)
			}
		}
	}
}

// TestPredictionLayersWithoutWeightsTakeATypeThatRequiresNone: no collection
// reaches them, whatever the type; any other tensor that lacks its entry, and a
// type that was asked for, are refused.
func TestPredictionLayersWithoutWeightsTakeATypeThatRequiresNone(t *testing.T) {
	entries := map[string]*imatrix.Entry{}
	var tensors []gguf.TensorInfo
	for layer := range 3 {
		name := fmt.Sprintf("blk.%d.ffn_down.weight", layer)
		tensors = append(tensors, tensorOf(name, bf16, 256, 4))
		if layer < 2 {
			entries[name] = &imatrix.Entry{Sums: make([]float32, 256), Counts: []float32{1}}
		}
	}
	im, err := NewImportance("m.gguf", &imatrix.Matrix{Entries: entries}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	kvs := append(llama(3), gguf.KV{Key: "llama.nextn_predict_layers", Value: uint32(1)})
	required := 0
	for _, r := range Recipes() {
		if r.Copy() || r.Name == "Q1_0" { // of 128 values, without another in its place
			continue
		}
		p := plan(t, kvs, tensors, Options{Recipe: r, Importance: im})
		last := p.Tensors[2]
		got, _ := ByID(last.Info.Type)
		if got.NeedsWeights || got.WantsWeights {
			t.Errorf("%s: the prediction layer is %s", r.Name, got.Name)
		}
		if len(p.Coverage.Replaced) > 0 {
			required++
			if !strings.Contains(p.Coverage.String(), "blk.2.ffn_down.weight") || last.Fallback() {
				t.Errorf("%s: %s, fallback %v", r.Name, p.Coverage, last.Fallback())
			}
		}
	}
	if required < 5 {
		t.Errorf("only %d recipes have required weights", required)
	}
	for name, o := range map[string]Options{
		"a type that was asked for": {Recipe: recipe(t, "IQ2_XS"), Importance: im, Overrides: overrides(t, "blk.2=iq2_xs")},
		"no prediction layer":       {Recipe: recipe(t, "IQ2_XS"), Importance: im, KVs: []KVOverride{{"llama.nextn_predict_layers", uint32(0)}}},
	} {
		if _, err := NewPlan(kvs, tensors, o); !errors.Is(err, ErrUncovered) || !strings.Contains(err.Error(), "blk.2.ffn_down.weight") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPlanIsWrittenAsJSON(t *testing.T) {
	p := plan(t, llama(1), []gguf.TensorInfo{tensorOf("a.weight", bf16, 96, 4), tensorOf("b.weight", bf16, 256, 4)}, Options{Recipe: recipe(t, "Q4_K_M")})
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Recipe  string
		Summary Summary
		Tensors []struct{ Name, From, To, Wanted string }
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Tensors) != 2 || got.Tensors[0].To != "Q5_0" || got.Tensors[0].Wanted != "Q4_K" || got.Tensors[1].Wanted != "" {
		t.Errorf("tensors %v", got.Tensors)
	}
	if s := got.Summary; s.Fallbacks != 1 || s.Converted != 2 || s.NominalBits != 4.5 || s.Bits <= 4.5 || s.FileBytes <= s.DataBytes {
		t.Errorf("summary %+v", s)
	}
}

func TestEvenPartsAreOneFileInPieces(t *testing.T) {
	sources := sample()
	for _, n := range []int{1, 2, 3, len(sources)} {
		p := plan(t, llama(1), infosOf(sources), Options{Recipe: recipe(t, "Q4_0")})
		names, whole := []string{}, p.Summary.DataBytes
		for _, c := range p.Tensors {
			names = append(names, c.Info.Name)
		}
		if err := p.SplitEvenly(n); err != nil {
			t.Fatal(err)
		}
		var got []string
		var bytes int64
		for i := range p.Files {
			part := p.Part(i)
			if len(part.Tensors) == 0 || len(part.Files) != 1 || len(part.Files[0].Tensors) != len(part.Tensors) {
				t.Errorf("part %d of %d has %d tensors in %d files", i, n, len(part.Tensors), len(part.Files))
			}
			for _, c := range part.Tensors {
				got = append(got, c.Info.Name)
			}
			bytes += part.Summary.DataBytes
		}
		if diff := cmp.Diff(names, got); diff != "" || bytes != whole {
			t.Errorf("%d parts have %d bytes of %d and these tensors: %s", n, bytes, whole, diff)
		}
	}
	p := plan(t, llama(1), infosOf(sources), Options{Recipe: recipe(t, "Q4_0")})
	if err := p.SplitEvenly(len(sources) + 1); !errors.Is(err, fault.ErrInvalid) {
		t.Errorf("more parts than tensors: %v", err)
	}
}
