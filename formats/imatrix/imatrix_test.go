package imatrix

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/internal/oracle"
	"github.com/f190792d/mq/internal/shared"
	"github.com/google/go-cmp/cmp"
)

func newMatrix(b []byte) (*Matrix, error) {
	return New(context.Background(), bytes.NewReader(b), int64(len(b)), "test")
}

func ggufBytes(t testing.TB, m *Matrix) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := m.WriteGGUF(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func legacyBytes(t testing.TB, m *Matrix) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := m.WriteLegacy(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// sample has a dense tensor, and one of two experts of which one saw nothing.
func sample() *Matrix {
	return &Matrix{
		Datasets: []string{"a.txt", "b.txt"}, Chunks: 3, ChunkSize: 4,
		Entries: map[string]*Entry{
			"blk.0.attn_q.weight":        {Sums: []float32{3, 6, 12}, Counts: []float32{12}},
			"blk.0.ffn_down_exps.weight": {Sums: []float32{1, 2, 0, 0}, Counts: []float32{5, 0}},
		},
	}
}

func TestRewritesFileOfTheReferenceByteForByte(t *testing.T) {
	path := shared.Path(t, "golden", "stories", "imatrix.gguf")
	m, err := Read(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := ggufBytes(t, m); !bytes.Equal(got, want) {
		t.Errorf("%d bytes written differ from the %d of the file", len(got), len(want))
	}
	if len(m.Statistics()) != len(m.Entries) {
		t.Errorf("%d statistics for %d tensors", len(m.Statistics()), len(m.Entries))
	}
}

func TestKeepsRealFiles(t *testing.T) {
	for _, name := range []string{"dense.imatrix.gguf", "moe8.imatrix.gguf"} {
		m, err := Read(t.Context(), shared.Path(t, "golden", "quantize", name))
		if err != nil {
			t.Fatal(err)
		}
		again, err := newMatrix(ggufBytes(t, m))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(m, again); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// The digests are of files that llama-imatrix v0.5.0 wrote with
// -c 512 --in-file for the matrix of eight experts.
func TestConvertsAndMergesAsTheReference(t *testing.T) {
	m, err := Read(t.Context(), shared.Path(t, "golden", "quantize", "moe8.imatrix.gguf"))
	if err != nil {
		t.Fatal(err)
	}
	merge := func(matrices ...*Matrix) *Matrix {
		sum, err := Merge(512, matrices...)
		if err != nil {
			t.Fatal(err)
		}
		return sum
	}
	old := legacyBytes(t, merge(m))
	legacy, err := newMatrix(old)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		file []byte
		want string
	}{
		{"gguf to dat", old, "29d787104cdc1769afe552fd03d63c2e6ba93678c55464efe66312d2f571eb6b"},
		{"dat to gguf", ggufBytes(t, legacy), "70f9ed06b95a7a3b53ea9e37bbddb30c29c30cdaa462b16ef3797f13c67e2ca1"},
		{"dat and gguf", ggufBytes(t, merge(legacy, m)), "7b81ea4de0c118addab7cf15d8446b3cb09dbb1582b92264ea2130c90dd5ef0b"},
		{"gguf twice", ggufBytes(t, merge(m, m)), "623a0ed36e888aa8b68820f7f46751a2170c3ad145b2fb058665817779de55c0"},
	} {
		if got := fmt.Sprintf("%x", sha256.Sum256(c.file)); got != c.want {
			t.Errorf("%s: the file's sha256 is %s, want %s", c.name, got, c.want)
		}
	}
}

func TestReadsWhatItWrote(t *testing.T) {
	m, err := newMatrix(ggufBytes(t, sample()))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sample(), m); diff != "" {
		t.Error(diff)
	}
	first := legacyBytes(t, sample())
	m, err = newMatrix(first)
	if err != nil {
		t.Fatal(err)
	}
	want := &Matrix{Legacy: true, Chunks: 3, Datasets: []string{"b.txt"}, Entries: map[string]*Entry{
		"blk.0.attn_q.weight":        {Sums: []float32{0.75, 1.5, 3}, Counts: []float32{3}},
		"blk.0.ffn_down_exps.weight": {Sums: []float32{0.4, 0.8, 2, 2}, Counts: []float32{2}},
	}}
	if diff := cmp.Diff(want, m); diff != "" {
		t.Error(diff)
	}
	if !bytes.Equal(first, legacyBytes(t, m)) {
		t.Error("a legacy file is not rewritten byte for byte")
	}
}

func TestWeightsAreMeansAndOneWithoutRows(t *testing.T) {
	m := sample()
	if diff := cmp.Diff([]float32{0.25, 0.5, 1}, m.Entries["blk.0.attn_q.weight"].Weights(0)); diff != "" {
		t.Error(diff)
	}
	experts := m.Entries["blk.0.ffn_down_exps.weight"]
	if diff := cmp.Diff([]float32{0.2, 0.4, 1, 1}, experts.AllWeights()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]float32{1, 1}, experts.Weights(1)); diff != "" {
		t.Error(diff)
	}
	if experts.Missing() != 1 || experts.Matrices() != 2 || experts.Columns() != 2 {
		t.Errorf("%d of %d experts missing, %d columns", experts.Missing(), experts.Matrices(), experts.Columns())
	}
}

func TestMergeAddsSumsAndCounts(t *testing.T) {
	m, err := Merge(0, sample(), sample())
	if err != nil {
		t.Fatal(err)
	}
	want := &Matrix{
		Datasets: []string{"a.txt", "b.txt", "a.txt", "b.txt"}, Chunks: 6, ChunkSize: 4,
		Entries: map[string]*Entry{
			"blk.0.attn_q.weight":        {Sums: []float32{6, 12, 24}, Counts: []float32{24}},
			"blk.0.ffn_down_exps.weight": {Sums: []float32{2, 4, 0, 0}, Counts: []float32{10, 0}},
		},
	}
	if diff := cmp.Diff(want, m); diff != "" {
		t.Error(diff)
	}
}

func TestMergeTurnsLegacyChunksIntoRows(t *testing.T) {
	old := &Matrix{Legacy: true, Entries: map[string]*Entry{"x.weight": {Sums: []float32{2, 4}, Counts: []float32{2}}}}
	m, err := Merge(8, old)
	if err != nil {
		t.Fatal(err)
	}
	want := &Entry{Sums: []float32{16, 32}, Counts: []float32{16}}
	if diff := cmp.Diff(want, m.Entries["x.weight"]); diff != "" || m.Chunks != 2 {
		t.Errorf("%d chunks, %s", m.Chunks, diff)
	}
	// The legacy count of all experts is spread over those of a newer file.
	fresh := &Matrix{Entries: map[string]*Entry{"x.weight": {Sums: []float32{1, 1}, Counts: []float32{3, 5}}}}
	m, err = Merge(8, old, fresh)
	if err != nil {
		t.Fatal(err)
	}
	want = &Entry{Sums: []float32{17, 33}, Counts: []float32{19, 21}}
	if diff := cmp.Diff(want, m.Entries["x.weight"]); diff != "" {
		t.Error(diff)
	}
}

func TestMergeRefusesMatricesOfDifferentModels(t *testing.T) {
	other := &Matrix{Entries: map[string]*Entry{"blk.0.attn_q.weight": {Sums: []float32{1, 2}, Counts: []float32{1}}}}
	if _, err := Merge(0, sample(), other); !errors.Is(err, fault.ErrCorrupt) || !strings.Contains(err.Error(), "blk.0.attn_q.weight") {
		t.Errorf("Merge gives %v", err)
	}
}

func TestStatisticsOfKnownWeights(t *testing.T) {
	m := &Matrix{Entries: map[string]*Entry{
		"blk.0.attn_q.weight": {Sums: []float32{0, 2, 2, 4}, Counts: []float32{2}},
		"blk.1.attn_q.weight": {Sums: []float32{4, 0, 0, 0}, Counts: []float32{1}},
		"output.weight":       {Sums: []float32{1, 2}, Counts: []float32{0}}, // saw nothing
	}}
	got := m.Statistics()
	want := []Stats{
		{Tensor: "blk.0.attn_q.weight", Elements: 4, Sum: 4, Min: 0, Max: 2, Mean: 1, StdDev: float32(math.Sqrt(0.5)), Active: 0.75, Entropy: 1.5, ZScore: 0.25},
		{Tensor: "blk.1.attn_q.weight", Elements: 4, Sum: 4, Min: 0, Max: 4, Mean: 1, StdDev: float32(math.Sqrt(3)), Active: 0.25, Entropy: 0, ZScore: 0.25},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	m.Entries["blk.1.attn_q.weight"].Sums = []float32{0, 1, 1, 2}
	for _, s := range m.Statistics() {
		if s.Tensor == "blk.1.attn_q.weight" && math.Abs(float64(s.CosSim)-1) > 1e-6 {
			t.Errorf("parallel sums have the cosine %v", s.CosSim)
		}
	}
	if s := got[0]; s.Block() != 0 || s.NormalizedEntropy() != 0.75 {
		t.Errorf("block %d, normalized entropy %v", s.Block(), s.NormalizedEntropy())
	}
}

// tensors writes a GGUF file of F32 tensors with one value each.
func tensors(t testing.TB, typ gguf.Type, names ...string) []byte {
	t.Helper()
	var infos []gguf.TensorInfo
	for _, name := range names {
		infos = append(infos, gguf.TensorInfo{Name: name, Type: typ, Shape: []int64{1}})
	}
	plan, err := gguf.NewPlan(nil, infos)
	if err != nil {
		t.Fatal(err)
	}
	return append(plan.HeaderBytes(), make([]byte, plan.TotalSize()-plan.DataOffset())...)
}

func dat(fields ...any) []byte {
	var b []byte
	for _, f := range fields {
		switch f := f.(type) {
		case int:
			b = binary.LittleEndian.AppendUint32(b, uint32(f))
		case string:
			b = append(binary.LittleEndian.AppendUint32(b, uint32(len(f))), f...)
		case float64:
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(f)))
		}
	}
	return b
}

func TestRejectsBrokenFiles(t *testing.T) {
	nan := sample()
	nan.Entries["blk.0.attn_q.weight"].Sums[1] = 0
	nanBytes := bytes.Replace(ggufBytes(t, nan), []byte{0, 0, 64, 64, 0, 0, 0, 0}, []byte{0, 0, 64, 64, 0, 0, 192, 127}, 1)
	for _, c := range []struct {
		name string
		file []byte
		says string
	}{
		{"empty", nil, "number of entries"},
		{"no entries", dat(0), "0 entries"},
		{"negative entries", dat(-1), "-1 entries"},
		{"billions of entries", dat(1<<31-1, "x", 1, 1, 1.0), "name of entry 2"},
		{"other text", []byte("what a fine day"), "not an importance matrix"},
		{"negative name length", dat(1, -4), "name of entry 1"},
		{"name longer than the file", dat(1, 1<<30), "name of entry 1"},
		{"no values", dat(1, "x", 1, 0), "0 values"},
		{"values longer than the file", dat(1, "x", 1, 1<<29), `tensor "x"`},
		{"name twice", dat(2, "x", 1, 1, 1.0, "x", 1, 1, 1.0), "twice"},
		{"infinite value", dat(1, "x", 1, 1, math.Inf(1)), "+Inf"},
		{"half a tail", append(dat(1, "x", 1, 1, 1.0), 0), "number of chunks"},
		{"dataset longer than the file", dat(1, "x", 1, 1, 1.0, 7, 99), "name of the dataset"},
		{"a model", tensors(t, gguf.TypeF32, "output.weight"), "no importance matrix"},
		{"sums alone", tensors(t, gguf.TypeF32, "x.in_sum2"), "no counts"},
		{"counts alone", tensors(t, gguf.TypeF32, "x.counts"), "no sums"},
		{"half precision", tensors(t, gguf.TypeF16, "x.in_sum2", "x.counts"), "not F32"},
		{"not a number", nanBytes, "NaN"},
		{"truncated", ggufBytes(t, sample())[:400], "end"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := newMatrix(c.file)
			if !errors.Is(err, fault.ErrCorrupt) || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "test") {
				t.Errorf("got %v, want a corrupt file with %q", err, c.says)
			}
		})
	}
}

func TestReadsLegacyFilesWithoutTail(t *testing.T) {
	m, err := newMatrix(dat(1, "x", 0, 2, 3.0, 4.0))
	if err != nil {
		t.Fatal(err)
	}
	// Without calls the values are means already.
	if diff := cmp.Diff([]float32{3, 4}, m.Entries["x"].Weights(0)); diff != "" {
		t.Error(diff)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(dat(1, "x", 1, 2, 1.0, 2.0, 7, "wiki"))
	f.Add(dat(1, "x", 1, 1<<29))
	m := sample()
	f.Add(ggufBytes(f, m))
	f.Add(legacyBytes(f, m))
	f.Add(tensors(f, gguf.TypeF32, "x.in_sum2", "x.counts"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var m *Matrix
		var err error
		oracle.Watched(t, len(b), func() { m, err = newMatrix(b) })
		if err != nil {
			return
		}
		for _, e := range m.Entries {
			if len(e.AllWeights()) != len(e.Sums) {
				t.Error("the weights are not as many as the sums")
			}
		}
		m.Statistics()
		if _, err := Merge(0, m, m); err != nil {
			t.Errorf("a matrix cannot be added to itself: %v", err)
		}
	})
}
