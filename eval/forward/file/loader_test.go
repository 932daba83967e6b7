package file

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/formats/gguf"
)

// open writes a file of one vector and one matrix, and opens it.
func open(t *testing.T) *Loader {
	t.Helper()
	var kvs gguf.KVs
	kvs.Set("general.architecture", "llama")
	kvs.Set("xielu.beta", []float32{0.5, 0.25})
	kvs.Set("attn_norm.weight", []float32{1, 1})
	infos := []gguf.TensorInfo{
		{Name: "blk.1.attn_k_b.weight", Type: gguf.TypeF32, Shape: []int64{2, 3, 2}}, // two heads of 2 × 3, turned
		{Name: "blk.1.ssm_conv1d.weight", Type: gguf.TypeF32, Shape: []int64{4, 1, 3}},
		{Name: "blk.1.ffn_up_exps.weight", Type: gguf.TypeF32, Shape: []int64{2, 1, 3}},
		{Name: "blk.1.ffn_up_exps.scale", Type: gguf.TypeF32, Shape: []int64{3}},
	}
	plan, err := gguf.NewPlan(kvs, infos)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "m.gguf")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w, err := gguf.NewWriter(f, plan)
	if err != nil {
		t.Fatal(err)
	}
	for i := range infos {
		data := bytes.Repeat([]byte{0, 0, 0x80, 0x3f}, int(infos[i].Size()/4))
		if i == 3 { // 1, 1/2, 1/4
			data[6], data[10] = 0, 0x80
			data[7], data[11] = 0x3f, 0x3e
		}
		if _, err := w.Write(data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	file, err := gguf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return New(file, arch.Arch{}, false)
}

// Files keep the numbers of some activations in key-values, a list by layer.
// Nothing longer than one number comes from there.
func TestNumbersOfALayerMayStandInAKey(t *testing.T) {
	g := open(t)
	for _, c := range []struct {
		name  string
		layer int
		shape []int
		want  []float32
	}{
		{"blk.{i}.xielu.beta", 1, []int{1}, []float32{0.25}},
		{"blk.{i}.xielu.beta", 2, []int{1}, nil},
		{"blk.{i}.xielu.eps", 1, []int{1}, nil},
		{"blk.{i}.attn_norm.weight", 1, []int{2}, nil},
		{"xielu.beta", 1, []int{1}, nil},
	} {
		if got, err := g.Vector(t.Context(), c.name, c.layer, c.shape...); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s of layer %d: %v, %v, want %v", c.name, c.layer, got, err, c.want)
		}
	}
}

func TestShapesAreCompared(t *testing.T) {
	g := open(t)
	if v, err := g.Vector(t.Context(), "blk.{i}.ssm_conv1d.weight", 1, 3, 4); err != nil || len(v) != 12 {
		t.Errorf("lengths of 1 count: %v", err)
	}
	if _, err := g.Vector(t.Context(), "blk.{i}.ssm_conv1d.weight", 1, 4, 3); err == nil {
		t.Error("a shape in another order was taken")
	}
	m, err := g.Experts(t.Context(), "blk.{i}.attn_k_b.weight", 1, 2, 2, 3)
	if err != nil || len(m) != 2 || m[1].Rows != 2 || m[1].Cols != 3 || !m[1].Turned || m[1].Expert != 1 {
		t.Errorf("the heads' key matrices are not turned: %v", err)
	}
	if _, err := g.Experts(t.Context(), "blk.{i}.attn_k_b.weight", 1, 2, 3, 2); err == nil {
		t.Error("key matrices in another order were taken")
	}
	if m, err := g.Matrix(t.Context(), "blk.{i}.attn_q.weight", 1, 2, 2); m != nil || err != nil {
		t.Errorf("an absent matrix: %v, %v", m, err)
	}
}

// Every expert has its own factor, in the architectures that apply one.
func TestFactorsMultiplyTheWeightsOfTheirMatrix(t *testing.T) {
	for scaled, want := range map[bool][]float32{true: {1, 0.5, 0.25}, false: {1, 1, 1}} {
		g := open(t)
		g.arch.Scaled = scaled
		list, err := g.Experts(t.Context(), "blk.{i}.ffn_up_exps.weight", 1, 3, 1, 2)
		if err != nil {
			t.Fatal(err)
		}
		for i, m := range list {
			if got, err := m.Sample(t.Context(), 0, 1, 0, 2); err != nil || !slices.Equal(got, []float32{want[i], want[i]}) {
				t.Errorf("expert %d of an architecture that scales %v: %v, %v", i, scaled, got, err)
			}
		}
	}
}
