package lora

import (
	"math"
	"path/filepath"
	"testing"

	"github.com/f190792d/mq/convert/unpack"
	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/formats/hf"
	"github.com/f190792d/mq/formats/safetensors"
	"github.com/f190792d/mq/internal/fixtures/adapters"
)

// merge merges adapters into a fixture's model.
func merge(t *testing.T, f adapters.Fixture, dirs ...string) ([]unpack.Tensor, error) {
	t.Helper()
	tied := Model{Head: "lm_head.weight", Turned: func(string) bool { return f.Model == "joint" }}
	if f.Model == "tied" {
		tied.Embedding = "model.embed_tokens.weight"
	}
	return mergeTied(t, f, tied, dirs...)
}

func mergeTied(t *testing.T, f adapters.Fixture, tied Model, dirs ...string) ([]unpack.Tensor, error) {
	t.Helper()
	base, err := hf.Open(t.Context(), f.Base(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { base.Close() })
	opened, err := unpack.Open(t.Context(), base)
	if err != nil {
		t.Fatal(err)
	}
	var list []hf.Adapter
	for _, dir := range dirs {
		a, err := hf.OpenAdapter(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { a.Close() })
		list = append(list, hf.Adapter{Checkpoint: a, Strength: 1})
	}
	return Merge(t.Context(), opened.Tensors, tied, list)
}

// TestMergedWeightsEqualPEFT compares the weights of every kind of adapter
// with those of merge_and_unload, which sums in another order.
func TestMergedWeightsEqualPEFT(t *testing.T) {
	for _, f := range adapters.All(t) {
		t.Run(f.Name, func(t *testing.T) {
			dir := f.Unpack(t)
			merged, err := merge(t, f, dir)
			if err != nil {
				t.Fatal(err)
			}
			want, err := safetensors.Open(filepath.Join(dir, "merged.safetensors"))
			if err != nil {
				t.Fatal(err)
			}
			defer want.Close()
			seen := 0
			for _, w := range merged {
				reference, ok := want.Lookup(w.Name)
				if ok != w.Merged {
					t.Errorf("%s: merged %v, PEFT changes it: %v", w.Name, w.Merged, ok)
				}
				if !ok {
					continue
				}
				seen++
				raw := make([]byte, reference.Size)
				if _, err := want.ReadAt(t.Context(), raw, reference.Offset); err != nil {
					t.Fatal(err)
				}
				x, got := make([]float32, len(raw)/4), read(t, w, 0, w.Rows.Elements())
				if err := dtype.ToFloat32(x, raw, dtype.F32); err != nil {
					t.Fatal(err)
				}
				for i, v := range x {
					if !(math.Abs(float64(got[i]-v)) <= 2e-6*math.Max(1, math.Abs(float64(v)))) {
						t.Fatalf("%s: weight %d is %v, PEFT has %v", w.Name, i, got[i], v)
					}
				}
				if some := read(t, w, 5, 9); some[0] != got[5] || some[8] != got[13] {
					t.Errorf("%s: a part differs from the whole", w.Name)
				}
			}
			if seen != len(want.Tensors()) {
				t.Errorf("%d tensors are changed, PEFT changes %d", seen, len(want.Tensors()))
			}
		})
	}
}

func read(t *testing.T, w unpack.Tensor, first, n int64) []float32 {
	t.Helper()
	x, err := floats(t.Context(), w.Rows, first, n)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// TestFindsRouterUnderItsFormerName: transformers renamed the block of Mixtral,
// whose checkpoints keep their names.
func TestFindsRouterUnderItsFormerName(t *testing.T) {
	index := newIndex([]unpack.Tensor{{Name: "model.norm.weight"}, {Name: "model.layers.0.block_sparse_moe.gate.weight"}})
	if at, err := index.find("model.layers.0.mlp.gate.weight"); at != 1 || err != nil {
		t.Errorf("found at %d, error %v", at, err)
	}
}
