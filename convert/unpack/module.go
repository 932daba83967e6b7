package unpack

import (
	"context"
	"slices"

	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/hf"
)

// module is the matrix that a codec is asked to read, with the tensors that
// it consists of.
type module struct {
	ctx    context.Context // of Open
	ckpt   *hf.Checkpoint
	method hf.Quantization
	codec  *codec
	prefix string // of the names of all its tensors
	name   string // of the weight
	main   hf.Tensor
	also   []string
	tiles  *tiles
	strips *strips
}

// corrupt says what is wrong with the matrix.
func (m *module) corrupt(format string, args ...any) error {
	return fault.Op("unpack").File(m.main.File).Tensor(m.main.Name).Corrupt(format, args...)
}

// unsupported says what about the matrix is not handled.
func (m *module) unsupported(format string, args ...any) error {
	return fault.Op("unpack").File(m.main.File).Tensor(m.main.Name).Unsupported(format, args...)
}

// has looks for a part by the ending of its name.
func (m *module) has(suffix string) (hf.Tensor, bool) { return m.ckpt.Lookup(m.prefix + suffix) }

// part is a part that must be there, of one of some types.
func (m *module) part(suffix string, types ...dtype.DType) (hf.Tensor, error) {
	t, ok := m.has(suffix)
	if !ok {
		return t, m.corrupt("%q is missing, without which its codes mean nothing", m.prefix+suffix)
	}
	return t, m.typed(t, types...)
}

// typed checks the type of a part.
func (m *module) typed(t hf.Tensor, types ...dtype.DType) error {
	if !slices.Contains(types, t.DType) {
		return m.corrupt("%q is of type %s, want one of %v", t.Name, t.DType, types)
	}
	return nil
}

// shaped checks the shape of a part.
func (m *module) shaped(t hf.Tensor, shape ...int64) error {
	if !slices.Equal(t.Shape, shape) {
		return m.corrupt("%q has shape %v, want %v", t.Name, t.Shape, shape)
	}
	return nil
}

// floats are the types that scales may have.
var floats = []dtype.DType{dtype.F16, dtype.BF16, dtype.F32}

// small reads all elements of a part as float32, from its headers' size on a
// bounded number of them.
func (m *module) small(t hf.Tensor, most int64) ([]float32, error) {
	n := elements(t.Shape)
	if n > most {
		return nil, m.corrupt("%q has %d elements, want at most %d", t.Name, n, most)
	}
	return readFloats(m.ctx, t, 0, n)
}

func elements(shape []int64) int64 {
	n := int64(1)
	for _, d := range shape {
		n *= d
	}
	return n
}

// readFloats reads n elements from one on.
func readFloats(ctx context.Context, t hf.Tensor, first, n int64) ([]float32, error) {
	out := make([]float32, n)
	return out, floatsInto(ctx, t, first, out)
}

// floatsInto reads as many elements as dst has.
func floatsInto(ctx context.Context, t hf.Tensor, first int64, dst []float32) error {
	return withRaw(ctx, t, first, int64(len(dst)), func(raw []byte) error { return dtype.ToFloat32(dst, raw, t.DType) })
}

// readRaw reads the bytes of n elements from one on.
func readRaw(ctx context.Context, t hf.Tensor, first, n int64) ([]byte, error) {
	size := int64(t.DType.Bits()) / 8
	raw := make([]byte, n*size)
	_, err := t.ReadAt(ctx, raw, first*size)
	return raw, err
}
