package convert

import (
	"context"
	"encoding/binary"
	"math"
	"slices"

	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/convert/transform"
	"github.com/f190792d/mq/convert/unpack"
	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/formats/gguf"
)

// target is one tensor of the file before its type is chosen.
type target struct {
	name    string
	shape   []int64 // fastest dimension first
	rows    transform.Rows
	f32     bool
	listed  bool        // a number of a key-value, not a tensor
	keeps   bool        // keeps the type of the checkpoint
	stored  dtype.DType // in the checkpoint
	sources []string

	// exact finds the block type that keeps every weight of a quantized
	// matrix; nil where none can.
	exact   func(context.Context) (unpack.Packed, bool, error)
	held    *unpack.Packed // what it found, where a file can have it exactly
	encoded *unpack.Packed // what it found, where this one is to have it
	decoded bool           // made of quantized matrices
	merged  bool           // an adapter has changed it
}

// extras computes the tensors that no checkpoint stores.
func extras(a arch.Arch, h arch.Hyper) []target {
	var all []target
	for _, e := range a.Extra {
		values := e.Values(h)
		if values == nil {
			continue
		}
		all = append(all, vector(e.Target, values))
	}
	return all
}

// vector is a tensor of known values.
func vector(name string, values []float32) target {
	data := make([]byte, 0, 4*len(values))
	for _, x := range values {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(x))
	}
	return target{
		name:  name,
		shape: []int64{int64(len(values))},
		f32:   true,
		rows: transform.Rows{
			DType: dtype.F32, Columns: int64(len(values)), Count: 1,
			Read: func(_ context.Context, p []byte, off int64) error { copy(p, data[off:]); return nil },
		},
	}
}

// build turns source tensors into their target: those of each expert, and of
// each expert as many as the target has pieces.
func build(t arch.Tensor, h arch.Hyper, at arch.Place, from []source) target {
	rows, shape := assemble(t, h, at, from, func(s source) transform.Rows { return s.rows })
	var names []string
	for _, s := range from {
		names = append(append(names, s.name), s.also...)
	}
	slices.Reverse(shape)
	return target{
		name:    at.Fill(t.Target),
		shape:   shape,
		rows:    rows,
		f32:     t.F32,
		listed:  t.Listed,
		stored:  from[0].stored,
		sources: names,
		exact:   exactly(t, h, at, from),
		merged:  slices.ContainsFunc(from, func(s source) bool { return s.merged }),
		decoded: slices.ContainsFunc(from, func(s source) bool { return s.also != nil }),
	}
}

// assemble joins, transforms and stacks what the sources have as rows.
func assemble(t arch.Tensor, h arch.Hyper, at arch.Place, from []source, rowsOf func(source) transform.Rows) (transform.Rows, []int64) {
	var (
		pieces = len(t.More) + 1
		parts  = make([]transform.Rows, len(from)/pieces)
		shape  []int64
	)
	for i := range parts {
		joined, joinedShape := join(from[i*pieces:(i+1)*pieces], rowsOf)
		parts[i], shape = Apply(t.Ops, h, at.Layer, joined, joinedShape)
	}
	if !t.PerExpert() && !t.Gathers() {
		return parts[0], slices.Clone(shape)
	}
	return transform.Stack(parts...), append([]int64{int64(len(parts))}, shape...)
}

// join puts the rows of tensors one after the other.
func join(from []source, rowsOf func(source) transform.Rows) (transform.Rows, []int64) {
	if len(from) == 1 {
		return rowsOf(from[0]), from[0].shape
	}
	shape := slices.Clone(from[0].shape)
	shape[0] = 0
	parts := make([]transform.Rows, len(from))
	for i, s := range from {
		parts[i] = asRows(rowsOf(s), s.shape)
		shape[0] += s.shape[0]
	}
	joined := transform.Join(parts...)
	if len(shape) == 1 {
		joined = transform.Reshape(joined, shape[0])
	}
	return joined, shape
}

// stream gives a target its type.
func (t target) stream(chosen gguf.Type, encode transform.Encoder) gguf.Stream {
	info := gguf.TensorInfo{Name: t.name, Type: chosen, Shape: t.shape}
	if t.encoded == nil {
		return transform.Stream(info, t.rows, encode)
	}
	s := transform.Stream(info, t.encoded.Rows, encode)
	if info.Type = gguf.TypeF32; t.encoded.Factors == nil {
		s.Floats = transform.Stream(info, t.rows, nil).ReadRows
	}
	return s
}
