package graph

import (
	"errors"
	"math"
	"testing"

	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/formats/fault"
)

func TestPooling(t *testing.T) {
	norm := &arch.Norm{Name: "output_norm", Eps: eps}
	layer := arch.Layer{Mixer: &arch.Attention{Heads: 4, KVHeads: 2, Dim: 4, ValueDim: 4, Mask: arch.Mask{Kind: arch.Full}}}
	for pooling, plain := range map[arch.Pooling]func(x rows) row{
		arch.CLSPooling:  func(x rows) row { return x[0] },
		arch.LastPooling: func(x rows) row { return x[len(x)-1] },
		arch.MeanPooling: func(x rows) row {
			sum := make(row, width)
			for _, r := range x {
				sum = plus(sum, r)
			}
			return each(sum, func(_ int, v float64) float64 { return v / float64(len(x)) })
		},
	} {
		d := &drawn{}
		m := built(t, d, arch.Model{Layers: []arch.Layer{layer}, Output: arch.Output{Norm: norm, Kind: arch.Embeddings, Pooling: pooling}}, Options{})
		got, err := m.Embed(t.Context(), prompt)
		if err != nil {
			t.Fatal(err)
		}
		p, attention := plainLayer{d, "blk.0."}, newPlain()
		attention.sees = func(_, _ int) bool { return true }
		x := d.embedded()
		x = sums(x, of(attention.run(x, p.w("attn_q"), p.w("attn_k"), p.w("attn_v")), p.w("attn_output")))
		want := plain(of(x, func(x row) row { return rmsNorm(x, d.get("output_norm.weight"), eps) }))
		for i, v := range want {
			if math.Abs(float64(got[i])-v) > 1e-5 {
				t.Fatalf("pooling %d: element %d is %v, not %v", pooling, i, got[i], v)
			}
		}
	}
}

// TestProjections multiplies a pooled embedding with what stands after it.
func TestProjections(t *testing.T) {
	d := &drawn{}
	m := built(t, d, arch.Model{Output: arch.Output{Kind: arch.Embeddings, Pooling: arch.LastPooling, Projections: []arch.Projection{{Name: "dense_2", Rows: 11}, {Name: "dense_3", Rows: 5}}}}, Options{})
	got, err := m.Embed(t.Context(), prompt)
	if err != nil {
		t.Fatal(err)
	}
	want := times(d.mat("dense_3.weight"), times(d.mat("dense_2.weight"), d.embedded()[len(prompt)-1]))
	if len(got) != len(want) {
		t.Fatalf("%d elements, want %d", len(got), len(want))
	}
	for i, v := range want {
		if math.Abs(float64(got[i])-v) > 1e-5 {
			t.Errorf("element %d is %v, not %v", i, got[i], v)
		}
	}
}

// A model that pools has no logits, and one without pooling no embeddings; a
// sequence whose positions see later ones cannot grow.
func TestModelsRefuseWhatTheyDoNotCompute(t *testing.T) {
	full := arch.Layer{Mixer: &arch.Attention{Heads: 4, KVHeads: 2, Dim: 4, ValueDim: 4, Mask: arch.Mask{Kind: arch.Full}}}
	m := built(t, &drawn{}, arch.Model{Layers: []arch.Layer{full}, Output: arch.Output{Kind: arch.Embeddings, Pooling: arch.MeanPooling}}, Options{})
	if _, err := m.Logits(t.Context(), prompt, 0); !errors.Is(err, fault.ErrUnsupported) {
		t.Errorf("logits of a model without a head: %v", err)
	}
	m = built(t, &drawn{}, arch.Model{Layers: []arch.Layer{full}}, Options{})
	if _, err := m.Embed(t.Context(), prompt); !errors.Is(err, fault.ErrUnsupported) {
		t.Errorf("an embedding without pooling: %v", err)
	}
	if _, err := m.NewSession().Append(t.Context(), prompt...); !errors.Is(err, fault.ErrInvalid) {
		t.Errorf("a session of a full mask: %v", err)
	}
	if _, err := m.Branches(t.Context(), prompt, [][]int32{{1}}); !errors.Is(err, fault.ErrInvalid) {
		t.Errorf("branches of a full mask: %v", err)
	}
}

// A classifier gives a score for each of its classes.
func TestClassifiers(t *testing.T) {
	d := &drawn{with: []string{"cls.output.bias"}}
	m := built(t, d, arch.Model{Output: arch.Output{Kind: arch.Classifier}}, Options{})
	got, err := m.Logits(t.Context(), prompt, len(prompt)-1)
	if err != nil || len(got) != 9 {
		t.Fatalf("%d scores, %v", len(got), err)
	}
	x := d.embedded()[len(prompt)-1]
	for i, v := range plus(times(d.mat("cls.output.weight"), x), d.get("cls.output.bias")) {
		if math.Abs(float64(got[i])-v) > 1e-5 {
			t.Errorf("class %d scores %v, not %v", i, got[i], v)
		}
	}
}
