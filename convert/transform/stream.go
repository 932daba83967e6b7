package transform

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/formats/gguf"
)

// Encoder turns one row of values into a block type.
type Encoder func(dst []byte, src []float32)

// Stream yields r as a tensor of a GGUF file in the encoding that info names:
// the source's own bytes where the types agree, else every value by way of
// float32. Types other than F32, F16 and BF16 need encode.
func Stream(info gguf.TensorInfo, r Rows, encode Encoder) gguf.Stream {
	s := gguf.Stream{TensorInfo: info}
	if plain[info.Type] == r.DType && r.DType != dtype.Invalid {
		rowBytes := r.RowBytes()
		s.ReadRows = func(ctx context.Context, dst []byte, first int64) error {
			return r.Read(ctx, dst, first*rowBytes)
		}
		return s
	}
	if encode == nil {
		encode = encoders[info.Type]
	}
	rowBytes := info.RowBytes()
	s.ReadRows = func(ctx context.Context, dst []byte, first int64) error {
		if encode == nil {
			return fmt.Errorf("transform: tensor %q: no encoder for %v", info.Name, info.Type)
		}
		row := scratch.Get().(*values)
		defer row.release()
		row.resize(int(r.Columns))
		for ; len(dst) > 0; first++ {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if err := row.load(ctx, r, first*r.Columns); err != nil {
				return err
			}
			encode(dst[:rowBytes], row.x)
			dst = dst[rowBytes:]
		}
		return nil
	}
	return s
}

// plain maps the types of a file that a checkpoint's elements may have as
// they are.
var plain = map[gguf.Type]dtype.DType{
	gguf.TypeF32:  dtype.F32,
	gguf.TypeF16:  dtype.F16,
	gguf.TypeBF16: dtype.BF16,
	gguf.TypeI32:  dtype.I32,

	gguf.TypeMXFP4: dtype.U8, // rows of whole blocks
}

// encoders write the types without blocks.
var encoders = map[gguf.Type]Encoder{
	gguf.TypeF32: func(dst []byte, src []float32) { (&values{src}).store(dst) },
	gguf.TypeF16: func(dst []byte, src []float32) {
		for i, x := range src {
			binary.LittleEndian.PutUint16(dst[2*i:], dtype.F32ToF16(x))
		}
	},
	gguf.TypeBF16: func(dst []byte, src []float32) {
		for i, x := range src {
			binary.LittleEndian.PutUint16(dst[2*i:], dtype.F32ToBF16(x))
		}
	},
}
