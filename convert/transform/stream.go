package transform

import (
	"context"
	"encoding/binary"
	"errors"

	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
)

// Encoder turns one row of values into another type. Where a value is not
// finite or the type cannot hold it, the error says so and column tells which.
type Encoder func(dst []byte, src []float32) (column int, err error)

// together is how many bytes of small rows are read at once.
const together = 64 << 10

// Stream yields r as a tensor of a GGUF file in the encoding that info names:
// the source's own bytes where the types agree, else every value by way of
// float32. Types other than F32, F16 and BF16 need encode.
func Stream(info gguf.TensorInfo, r Rows, encode Encoder) gguf.Stream {
	s := gguf.Stream{TensorInfo: info}
	encoded := info.Type.Quantized() && r.DType == dtype.U8 // rows of whole blocks
	if encoded || plain[info.Type] == r.DType && r.DType != dtype.Invalid {
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
			return fault.Op("transform").Tensor(info.Name).Invalid("no encoder for %v", info.Type)
		}
		some := scratch.Get().(*values)
		defer some.release()
		most := max(1, together/max(1, r.RowBytes()))
		for len(dst) > 0 {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			n := min(most, int64(len(dst))/rowBytes)
			some.resize(int(n * r.Columns))
			column, err := 0, some.load(ctx, r, first*r.Columns)
			if wide := new(tooWide); errors.As(err, &wide) {
				if n > 1 {
					most = 1 // a row before it may have a fault, too
					continue
				}
				column = wide.at
			} else if err != nil {
				return err
			}
			for x := some.x; err == nil && len(x) > 0; x = x[r.Columns:] {
				if column, err = encode(dst[:rowBytes], x[:r.Columns]); err == nil {
					dst = dst[rowBytes:]
					first++
				}
			}
			if err != nil {
				return fault.Op("convert").Tensor(info.Name).Corrupt("row %d, column %d: %w", first, column, err)
			}
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
}

// encoders write the types without blocks. What is not finite stays as it is in
// F32; the others check, since their values may be the last to be looked at.
var encoders = map[gguf.Type]Encoder{
	gguf.TypeF32: func(dst []byte, src []float32) (int, error) {
		(&values{src}).store(dst)
		return 0, nil
	},
	gguf.TypeF16: func(dst []byte, src []float32) (int, error) {
		return half(dst, src, dtype.F32ToF16, 0x7c00, "out of the range of F16; BF16 holds it")
	},
	gguf.TypeBF16: func(dst []byte, src []float32) (int, error) {
		return half(dst, src, dtype.F32ToBF16, 0x7f80, "out of the range of BF16; F32 holds it")
	},
}

// half writes values of 16 bits, of which those with all bits of exponents are
// not finite.
func half(dst []byte, src []float32, round func(float32) uint16, exponents uint16, rule string) (column int, err error) {
	for i, x := range src {
		y := round(x)
		if y&exponents == exponents {
			if x-x != 0 {
				return i, fault.Corrupt("the value is %v", x)
			}
			return i, fault.Corrupt("%g is %s", x, rule)
		}
		binary.LittleEndian.PutUint16(dst[2*i:], y)
	}
	return 0, nil
}
