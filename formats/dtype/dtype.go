package dtype

import "math"

// DType is the type of one element of a tensor.
type DType uint8

// The types of the safetensors format.
const (
	Invalid DType = iota
	F64
	F32
	F16
	BF16
	F8E4M3 // OCP E4M3: no infinity, NaN is S.1111.111
	F8E5M2 // OCP E5M2: a half with two mantissa bits
	F8E8M0 // OCP scale: a power of two, 0xff is NaN
	F8E4M3FNUZ
	F8E5M2FNUZ
	F6E2M3
	F6E3M2
	F4 // OCP E2M1, two in a byte, the low half first
	I64
	I32
	I16
	I8
	U64
	U32
	U16
	U8
	Bool
	C64 // a pair of float32
)

var types = [...]struct {
	name  string
	bits  int
	float bool
}{
	Invalid:    {"INVALID", 0, false},
	F64:        {"F64", 64, true},
	F32:        {"F32", 32, true},
	F16:        {"F16", 16, true},
	BF16:       {"BF16", 16, true},
	F8E4M3:     {"F8_E4M3", 8, true},
	F8E5M2:     {"F8_E5M2", 8, true},
	F8E8M0:     {"F8_E8M0", 8, true},
	F8E4M3FNUZ: {"F8_E4M3FNUZ", 8, true},
	F8E5M2FNUZ: {"F8_E5M2FNUZ", 8, true},
	F6E2M3:     {"F6_E2M3", 6, true},
	F6E3M2:     {"F6_E3M2", 6, true},
	F4:         {"F4", 4, true},
	I64:        {"I64", 64, false},
	I32:        {"I32", 32, false},
	I16:        {"I16", 16, false},
	I8:         {"I8", 8, false},
	U64:        {"U64", 64, false},
	U32:        {"U32", 32, false},
	U16:        {"U16", 16, false},
	U8:         {"U8", 8, false},
	Bool:       {"BOOL", 8, false},
	C64:        {"C64", 64, false},
}

// Parse finds a type by its safetensors name, such as "BF16" or "F8_E4M3".
func Parse(name string) (DType, bool) {
	for d := Invalid + 1; int(d) < len(types); d++ {
		if types[d].name == name {
			return d, true
		}
	}
	return Invalid, false
}

func (d DType) row() DType {
	if int(d) >= len(types) {
		return Invalid
	}
	return d
}

// String is the safetensors name.
func (d DType) String() string { return types[d.row()].name }

// Bits is the width of one element; 0 for Invalid.
func (d DType) Bits() int { return types[d.row()].bits }

// Float reports whether elements are real floating-point numbers.
func (d DType) Float() bool { return types[d.row()].float }

// Bytes is the size of n packed elements. It is false for a negative n, where
// the size overflows, and where the last byte would not be full.
func (d DType) Bytes(n int64) (int64, bool) {
	bits := int64(d.Bits())
	if n < 0 || bits == 0 {
		return 0, false
	}
	if bits%8 == 0 {
		width := bits / 8
		if n > math.MaxInt64/width {
			return 0, false
		}
		return n * width, true
	}
	// 4 and 6 bits: n = 8q + r needs bits*q bytes and bits*r bits.
	q, r := n/8, n%8
	if r*bits%8 != 0 {
		return 0, false
	}
	return q*bits + r*bits/8, true // bits < 8, so no overflow
}
