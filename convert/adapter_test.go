package convert

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/hf"
	"github.com/f190792d/mq/internal/fixtures/adapters"
)

// f32 reads a stream of type F32.
func f32(t *testing.T, s gguf.Stream) []float32 {
	t.Helper()
	raw := make([]byte, s.Size())
	if err := s.ReadRows(t.Context(), raw, 0); err != nil {
		t.Fatal(err)
	}
	x := make([]float32, len(raw)/4)
	if err := dtype.ToFloat32(x, raw, dtype.F32); err != nil {
		t.Fatal(err)
	}
	return x
}

// TestAdapterFilesChangeWhatMergingChanges adds the products of the factors of
// an adapter's file, as a runtime scales them, to the tensors of the base
// model's file, and compares with the file that the adapter is merged into.
func TestAdapterFilesChangeWhatMergingChanges(t *testing.T) {
	for _, f := range adapters.All(t) {
		t.Run(f.Name, func(t *testing.T) {
			base, err := hf.Open(t.Context(), f.Base(t))
			if err != nil {
				t.Fatal(err)
			}
			defer base.Close()
			opened, err := hf.OpenAdapter(t.Context(), f.Unpack(t))
			if err != nil {
				t.Fatal(err)
			}
			defer opened.Close()
			from := hf.Adapter{Checkpoint: opened, Strength: 1}
			file, err := NewAdapterPlan(t.Context(), base, from)
			if f.Name != "plain" && f.Name != "patterns" {
				if err == nil || !strings.Contains(err.Error(), "merge it") {
					t.Errorf("error %v, want one that says to merge", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			before, err := NewPlan(t.Context(), base, Options{Type: F32})
			if err != nil {
				t.Fatal(err)
			}
			after, err := NewPlan(t.Context(), base, Options{Type: F32, Adapters: []hf.Adapter{from}})
			if err != nil {
				t.Fatal(err)
			}
			alpha, _ := file.KVs.Get("adapter.lora.alpha")
			changed := 0
			for i, s := range after.Streams {
				want, got := f32(t, s), f32(t, before.Streams[i])
				at := slices.IndexFunc(file.Streams, func(x gguf.Stream) bool { return x.Name == s.Name+".lora_a" })
				if at >= 0 {
					changed++
					addProduct(t, got, file.Streams[at], file.Streams[at+1], alpha.(float32))
				}
				for j, w := range want {
					if !(math.Abs(float64(got[j]-w)) <= 1e-5) {
						t.Fatalf("%s: weight %d is %v, merged it is %v", s.Name, j, got[j], w)
					}
				}
			}
			if 2*changed != len(file.Streams) || changed == 0 {
				t.Errorf("%d pairs of %d tensors were used", changed, len(file.Streams))
			}
		})
	}
}

// addProduct adds what a runtime adds to a matrix.
func addProduct(t *testing.T, w []float32, a, b gguf.Stream, alpha float32) {
	t.Helper()
	x, y := f32(t, a), f32(t, b)
	in, rank := a.Shape[0], b.Shape[0]
	if a.Shape[1] != rank || in*b.Shape[1] != int64(len(w)) {
		t.Fatalf("%s: factors of shape %v and %v for %d weights", a.Name, a.Shape, b.Shape, len(w))
	}
	for i := range w {
		row, col := int64(i)/in, int64(i)%in
		for r := range rank {
			w[i] += alpha / float32(rank) * y[row*rank+r] * x[r*in+col]
		}
	}
}

// TestAnAdapterOfAnotherVocabularySaysSo converts with one whose matrices have
// other rows than the base's config.json says.
func TestAnAdapterOfAnotherVocabularySaysSo(t *testing.T) {
	f := adapters.Named(t, "whole")
	dir := f.Base(t)
	path := filepath.Join(dir, "config.json")
	config, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(config), `"vocab_size": 300`, `"vocab_size": 296`, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	base, err := hf.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer base.Close()
	opened, err := hf.OpenAdapter(t.Context(), f.Unpack(t))
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	_, err = NewPlan(t.Context(), base, Options{Type: F32, Adapters: []hf.Adapter{{Checkpoint: opened, Strength: 1}}})
	if err == nil || !strings.Contains(err.Error(), `"lm_head.weight": an adapter gives it 300 rows`) || !strings.Contains(err.Error(), "set it to 300") {
		t.Errorf("error %v", err)
	}
}
