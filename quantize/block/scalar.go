package block

import (
	"encoding/binary"
	"math"

	"github.com/f190792d/mq/formats/dtype"
)

// Rows of plain little-endian scalars: blocks of one value. Weights make no
// difference.

var le = binary.LittleEndian

// QuantizeF32 stores one row unchanged.
func QuantizeF32(dst []byte, src, _ []float32) {
	fromFloat32(dst, src, dtype.F32)
}

// QuantizeF16 rounds one row to float16, ties to even.
func QuantizeF16(dst []byte, src, _ []float32) {
	fromFloat32(dst, src, dtype.F16)
}

// QuantizeBF16 rounds one row to bfloat16, ties to even.
func QuantizeBF16(dst []byte, src, _ []float32) {
	fromFloat32(dst, src, dtype.BF16)
}

// QuantizeF64 widens one row.
func QuantizeF64(dst []byte, src, _ []float32) {
	for i, f := range src {
		le.PutUint64(dst[8*i:], math.Float64bits(float64(f)))
	}
}

// QuantizeI8 rounds one row to integers, as integer does.
func QuantizeI8(dst []byte, src, _ []float32) {
	for i, f := range src {
		dst[i] = byte(integer(f, 8))
	}
}

// QuantizeI16 rounds one row to integers, as integer does.
func QuantizeI16(dst []byte, src, _ []float32) {
	for i, f := range src {
		le.PutUint16(dst[2*i:], uint16(integer(f, 16)))
	}
}

// QuantizeI32 rounds one row to integers, as integer does.
func QuantizeI32(dst []byte, src, _ []float32) {
	for i, f := range src {
		le.PutUint32(dst[4*i:], uint32(integer(f, 32)))
	}
}

// QuantizeI64 rounds one row to integers, as integer does.
func QuantizeI64(dst []byte, src, _ []float32) {
	for i, f := range src {
		le.PutUint64(dst[8*i:], uint64(integer(f, 64)))
	}
}

// integer rounds to the nearest integer of so many bits, ties to even;
// values out of range saturate and NaN becomes 0.
func integer(f float32, bits int) int64 {
	limit := math.Ldexp(1, bits-1)
	switch r := math.RoundToEven(float64(f)); {
	case r >= limit:
		return math.MaxInt64 >> (64 - bits)
	case r < -limit:
		return math.MinInt64 >> (64 - bits)
	case r == r:
		return int64(r)
	}
	return 0
}

// DequantizeF32 reads one row of float32.
func DequantizeF32(dst []float32, src []byte) { scalars(dst, src, dtype.F32) }

// DequantizeF16 reads one row of float16.
func DequantizeF16(dst []float32, src []byte) { scalars(dst, src, dtype.F16) }

// DequantizeBF16 reads one row of bfloat16.
func DequantizeBF16(dst []float32, src []byte) { scalars(dst, src, dtype.BF16) }

// DequantizeF64 reads one row of float64 and rounds it.
func DequantizeF64(dst []float32, src []byte) { scalars(dst, src, dtype.F64) }

// DequantizeI8 reads one row of int8.
func DequantizeI8(dst []float32, src []byte) { scalars(dst, src, dtype.I8) }

// DequantizeI16 reads one row of int16.
func DequantizeI16(dst []float32, src []byte) { scalars(dst, src, dtype.I16) }

// DequantizeI32 reads one row of int32 and rounds it.
func DequantizeI32(dst []float32, src []byte) { scalars(dst, src, dtype.I32) }

// DequantizeI64 reads one row of int64 and rounds it.
func DequantizeI64(dst []float32, src []byte) { scalars(dst, src, dtype.I64) }

// fromFloat32 writes len(src) values.
func fromFloat32(dst []byte, src []float32, d dtype.DType) {
	if err := dtype.FromFloat32(dst[:len(src)*d.Bits()/8], src, d); err != nil {
		panic(err)
	}
}

// scalars reads len(dst) values. A row that src does not hold is a mistake
// of the caller, as for every type of this package.
func scalars(dst []float32, src []byte, d dtype.DType) {
	if err := dtype.ToFloat32(dst, src[:len(dst)*d.Bits()/8], d); err != nil {
		panic(err)
	}
}
