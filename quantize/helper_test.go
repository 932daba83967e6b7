package quantize

import (
	"bytes"
	"context"
	"encoding/binary"
	"math"
	"testing"

	"github.com/f190792d/mq/formats/gguf"
)

// buffer is a file in memory.
type buffer struct{ b []byte }

func newBuffer(size int64) *buffer { return &buffer{bytes.Repeat([]byte{0xa5}, int(size))} }

func (w *buffer) WriteAt(p []byte, off int64) (int, error) { return copy(w.b[off:], p), nil }

// inMemory returns buffers for the files of a plan.
func inMemory(p *Plan) (Output, []*buffer) {
	out, buffers := Output{Plan: p}, []*buffer(nil)
	for _, f := range p.Files {
		b := newBuffer(f.TotalSize())
		buffers = append(buffers, b)
		out.Files = append(out.Files, b)
	}
	return out, buffers
}

// streams returns all tensors of a file.
func streams(f *gguf.File) []gguf.Stream {
	var list []gguf.Stream
	for _, t := range f.Tensors() {
		list = append(list, f.Stream(t))
	}
	return list
}

func open(t testing.TB, file []byte, name string) *gguf.File {
	t.Helper()
	f, err := gguf.New(bytes.NewReader(file), int64(len(file)), name)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// tensorOf describes a tensor; it has no data.
func tensorOf(name string, typ gguf.Type, shape ...int64) gguf.TensorInfo {
	return gguf.TensorInfo{Name: name, Type: typ, Shape: shape}
}

// streamOf is a tensor of float32 values.
func streamOf(name string, values []float32, shape ...int64) gguf.Stream {
	data := make([]byte, 4*len(values))
	for i, v := range values {
		binary.LittleEndian.PutUint32(data[4*i:], math.Float32bits(v))
	}
	t := tensorOf(name, gguf.TypeF32, shape...)
	return gguf.Stream{TensorInfo: t, ReadRows: func(ctx context.Context, dst []byte, first int64) error {
		copy(dst, data[first*t.RowBytes():])
		return nil
	}}
}

// wave are n values of no particular importance.
func wave(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(math.Sin(float64(i)*0.37)) * float32(1+i%7)
	}
	return x
}

func infosOf(streams []gguf.Stream) []gguf.TensorInfo {
	var list []gguf.TensorInfo
	for _, s := range streams {
		list = append(list, s.TensorInfo)
	}
	return list
}

// llama are the key-values of a model of n layers.
func llama(n int) gguf.KVs {
	return gguf.KVs{
		{Key: "general.architecture", Value: "llama"},
		{Key: "llama.block_count", Value: uint32(n)},
		{Key: "llama.attention.head_count", Value: uint32(8)},
		{Key: "llama.attention.head_count_kv", Value: uint32(8)},
	}
}

func plan(t testing.TB, kvs gguf.KVs, tensors []gguf.TensorInfo, o Options) *Plan {
	t.Helper()
	p, err := NewPlan(kvs, tensors, o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
