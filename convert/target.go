package convert

import (
	"context"
	"encoding/binary"
	"math"
	"slices"

	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/convert/transform"
	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/formats/gguf"
)

// target is one tensor of the file before its type is chosen.
type target struct {
	name    string
	shape   []int64 // fastest dimension first
	rows    transform.Rows
	f32     bool
	keeps   bool        // keeps the type of the checkpoint
	stored  dtype.DType // in the checkpoint
	sources []string
}

// extras computes the tensors that no checkpoint stores.
func extras(a arch.Arch, h arch.Hyper) []target {
	var all []target
	for _, e := range a.Extra {
		values := e.Values(h)
		if values == nil {
			continue
		}
		data := make([]byte, 0, 4*len(values))
		for _, x := range values {
			data = binary.LittleEndian.AppendUint32(data, math.Float32bits(x))
		}
		all = append(all, target{
			name:  e.Target,
			shape: []int64{int64(len(values))},
			f32:   true,
			rows: transform.Rows{
				DType: dtype.F32, Columns: int64(len(values)), Count: 1,
				Read: func(_ context.Context, p []byte, off int64) error { copy(p, data[off:]); return nil },
			},
		})
	}
	return all
}

// build turns the source tensors of one template (one, or all experts of a
// layer) into their target.
func build(t arch.Tensor, h arch.Hyper, layer int, from []source) target {
	shape := slices.Clone(from[0].shape)
	parts := make([]transform.Rows, len(from))
	var names []string
	for i, s := range from {
		parts[i], shape = apply(t.Op, h, s.rows, s.shape)
		names = append(append(names, s.name), s.also...)
	}
	rows := parts[0]
	if t.PerExpert() {
		rows = transform.Stack(parts...)
		shape = append([]int64{int64(len(parts))}, shape...)
	}
	ne := slices.Clone(shape)
	slices.Reverse(ne)
	return target{
		name:    arch.Fill(t.Target, layer, 0),
		shape:   ne,
		rows:    rows,
		f32:     t.F32,
		stored:  from[0].stored,
		sources: names,
	}
}

// stream gives a target its type.
func (t target) stream(chosen gguf.Type, encode transform.Encoder) gguf.Stream {
	return transform.Stream(gguf.TensorInfo{Name: t.name, Type: chosen, Shape: t.shape}, t.rows, encode)
}
