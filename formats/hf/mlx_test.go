package hf

import (
	"bytes"
	"math"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/formats/safetensors"
)

// mlxFile is a weight file as MLX writes them.
func mlxFile(t *testing.T, tensors ...safetensors.Named) *fstest.MapFile {
	t.Helper()
	var buf bytes.Buffer
	if err := safetensors.Write(&buf, tensors, map[string]string{"format": "mlx"}); err != nil {
		t.Fatal(err)
	}
	return &fstest.MapFile{Data: buf.Bytes()}
}

// counting is a BF16 tensor that counts from 1 on in steps of a quarter.
func counting(name string, shape ...int64) safetensors.Named {
	n := int64(1)
	for _, length := range shape {
		n *= length
	}
	data := make([]byte, 2*n)
	x := make([]float32, n)
	for i := range x {
		x[i] = 1 + float32(i)/4
	}
	if err := dtype.FromFloat32(data, x, dtype.BF16); err != nil {
		panic(err) // the length fits
	}
	return safetensors.Named{Name: name, DType: dtype.BF16, Shape: shape, Data: data}
}

func valuesOf(t *testing.T, c *Checkpoint, name string, shape ...int64) []float32 {
	t.Helper()
	tensor, ok := c.Lookup(name)
	if d := cmp.Diff(shape, tensor.Shape); !ok || d != "" {
		t.Fatalf("%s: %v, shape (-want +mq):\n%s", name, ok, d)
	}
	raw := make([]byte, tensor.Size)
	for at := int64(0); at < tensor.Size; at += 2 { // from any offset on
		if n, err := tensor.ReadAt(t.Context(), raw[at:at+2], at); n != 2 || err != nil {
			t.Fatalf("%s at %d: %d, %v", name, at, n, err)
		}
	}
	x := make([]float32, int(tensor.Size)*8/tensor.DType.Bits())
	if err := dtype.ToFloat32(x, raw, tensor.DType); err != nil {
		t.Fatal(err)
	}
	return x
}

func TestTakesStackedExpertsOfMLXApart(t *testing.T) {
	c, err := OpenFS(t.Context(), fstest.MapFS{"config.json": text("{}"), "model.safetensors": mlxFile(t,
		counting("model.layers.0.mlp.switch_mlp.gate_proj.weight", 3, 2, 2),
		counting("model.layers.0.mlp.switch_mlp.gate_proj.bias", 3, 2),
		counting("model.layers.1.block_sparse_moe.switch_mlp.down_proj.weight", 2, 2, 1),
		counting("model.layers.0.mlp.gate.weight", 3, 2),
	)}, "m")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]float32{
		"model.layers.0.mlp.experts.0.gate_proj.weight":       {1, 1.25, 1.5, 1.75},
		"model.layers.0.mlp.experts.2.gate_proj.weight":       {3, 3.25, 3.5, 3.75},
		"model.layers.1.block_sparse_moe.experts.1.w2.weight": {1.5, 1.75},
		"model.layers.0.mlp.experts.1.gate_proj.bias":         {1.5, 1.75},
		"model.layers.0.mlp.gate.weight":                      {1, 1.25, 1.5, 1.75, 2, 2.25},
	} {
		tensor, _ := c.Lookup(name)
		if d := cmp.Diff(want, valuesOf(t, c, name, tensor.Shape...)); d != "" {
			t.Errorf("%s (-want +mq):\n%s", name, d)
		}
	}
	if len(c.Tensors()) != 9 {
		t.Errorf("%d tensors", len(c.Tensors()))
	}
	if sign, ok := c.MLX(); !ok || !strings.Contains(sign, `"mlx"`) {
		t.Errorf("%q, %v", sign, ok)
	}
}

// TestUndoesWhatMLXDoesToDeltaNetworks: MLX turns their convolutions and adds 1
// to their norms, both or neither.
func TestUndoesWhatMLXDoesToDeltaNetworks(t *testing.T) {
	norms := map[string]bool{ // and whether they have the offset
		"model.norm.weight": true, "model.layers.0.input_layernorm.weight": true, "model.layers.0.post_attention_layernorm.weight": true,
		"model.layers.3.self_attn.q_norm.weight": true, "model.layers.3.self_attn.k_norm.weight": true, "model.layers.0.linear_attn.norm.weight": false,
	}
	for _, turned := range []bool{true, false} {
		conv := counting("model.layers.0.linear_attn.conv1d.weight", 3, 1, 4)
		if turned {
			conv = counting("model.layers.0.linear_attn.conv1d.weight", 3, 4, 1)
		}
		tensors := []safetensors.Named{conv}
		for name := range norms {
			tensors = append(tensors, counting(name, 2))
		}
		c, err := OpenFS(t.Context(), fstest.MapFS{"config.json": text("{}"), "model.safetensors": mlxFile(t, tensors...)}, "m")
		if err != nil {
			t.Fatal(err)
		}
		if x := valuesOf(t, c, conv.Name, 3, 1, 4); x[5] != 2.25 {
			t.Errorf("convolution %v", x)
		}
		for name, offset := range norms {
			want := []float32{1, 1.25}
			if offset && turned {
				want = []float32{0, 0.25}
			}
			if d := cmp.Diff(want, valuesOf(t, c, name, 2)); d != "" {
				t.Errorf("turned %v: %s (-want +mq):\n%s", turned, name, d)
			}
		}
		if notes := c.Notes(); len(notes) > 0 != turned {
			t.Errorf("turned %v: notes %q", turned, notes)
		}
	}
}

// TestANormLessItsOffsetIsExact: adding 1 again gives the stored value, of
// every BF16 of a magnitude that norms have.
func TestANormLessItsOffsetIsExact(t *testing.T) {
	for bits := range uint32(1 << 16) {
		x := math.Float32frombits(bits << 16)
		if back := (x - 1) + 1; back != x && math.Abs(float64(x)) > 1e-4 && math.Abs(float64(x)) < 1e6 {
			t.Fatalf("%v becomes %v", x, back)
		}
	}
}
