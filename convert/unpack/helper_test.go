package unpack

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"
	"testing/fstest"

	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/formats/hf"
	"github.com/f190792d/mq/formats/safetensors"
)

// checkpoint opens tensors with a configuration.
func checkpoint(t testing.TB, config string, tensors ...safetensors.Named) *hf.Checkpoint {
	t.Helper()
	var b bytes.Buffer
	if err := safetensors.Write(&b, tensors, nil); err != nil {
		t.Fatal(err)
	}
	ckpt, err := hf.OpenFS(t.Context(), fstest.MapFS{"config.json": {Data: []byte(config)}, "model.safetensors": {Data: b.Bytes()}}, "test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ckpt.Close() })
	return ckpt
}

// tensor makes a tensor of bytes.
func tensor(name string, d dtype.DType, data []byte, shape ...int64) safetensors.Named {
	return safetensors.Named{Name: name, DType: d, Shape: shape, Data: data}
}

// f32s are numbers as a tensor has them.
func f32s(values ...float32) []byte {
	var b []byte
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}

// values reads all weights of a tensor.
func values(t testing.TB, w Tensor) []float32 {
	t.Helper()
	raw := make([]byte, w.Rows.Elements()*w.Rows.ElementBytes())
	if err := w.Rows.Read(t.Context(), raw, 0); err != nil {
		t.Fatal(err)
	}
	out := make([]float32, w.Rows.Elements())
	if err := dtype.ToFloat32(out, raw, w.Rows.DType); err != nil {
		t.Fatal(err)
	}
	return out
}

// find returns a tensor of an opened checkpoint.
func (c *Checkpoint) find(t testing.TB, name string) Tensor {
	t.Helper()
	for _, w := range c.Tensors {
		if w.Name == name {
			return w
		}
	}
	t.Fatalf("there is no tensor %q", name)
	return Tensor{}
}
