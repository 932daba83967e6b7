package gguf

import (
	"fmt"
	"math"
	"strings"
)

// Type is the id of a tensor's element type, as ggml numbers them.
type Type uint32

// The element types. Ids that are missing here belonged to types that ggml
// has removed; see [Type.Removed].
const (
	TypeF32     Type = 0
	TypeF16     Type = 1
	TypeQ4_0    Type = 2
	TypeQ4_1    Type = 3
	TypeQ5_0    Type = 6
	TypeQ5_1    Type = 7
	TypeQ8_0    Type = 8
	TypeQ8_1    Type = 9
	TypeQ2_K    Type = 10
	TypeQ3_K    Type = 11
	TypeQ4_K    Type = 12
	TypeQ5_K    Type = 13
	TypeQ6_K    Type = 14
	TypeQ8_K    Type = 15
	TypeIQ2_XXS Type = 16
	TypeIQ2_XS  Type = 17
	TypeIQ3_XXS Type = 18
	TypeIQ1_S   Type = 19
	TypeIQ4_NL  Type = 20
	TypeIQ3_S   Type = 21
	TypeIQ2_S   Type = 22
	TypeIQ4_XS  Type = 23
	TypeI8      Type = 24
	TypeI16     Type = 25
	TypeI32     Type = 26
	TypeI64     Type = 27
	TypeF64     Type = 28
	TypeIQ1_M   Type = 29
	TypeBF16    Type = 30
	TypeTQ1_0   Type = 34
	TypeTQ2_0   Type = 35
	TypeMXFP4   Type = 39
	TypeNVFP4   Type = 40
	TypeQ1_0    Type = 41
	TypeQ2_0    Type = 42
)

// typeRow describes one type: a row of n elements takes n/block*bytes bytes.
// A removed type keeps its name and has no block.
type typeRow struct {
	name         string
	block, bytes int
}

// types is indexed by id.
var types = [...]typeRow{
	TypeF32:     {"F32", 1, 4},
	TypeF16:     {"F16", 1, 2},
	TypeQ4_0:    {"Q4_0", 32, 18},
	TypeQ4_1:    {"Q4_1", 32, 20},
	4:           {"Q4_2", 0, 0},
	5:           {"Q4_3", 0, 0},
	TypeQ5_0:    {"Q5_0", 32, 22},
	TypeQ5_1:    {"Q5_1", 32, 24},
	TypeQ8_0:    {"Q8_0", 32, 34},
	TypeQ8_1:    {"Q8_1", 32, 36},
	TypeQ2_K:    {"Q2_K", 256, 84},
	TypeQ3_K:    {"Q3_K", 256, 110},
	TypeQ4_K:    {"Q4_K", 256, 144},
	TypeQ5_K:    {"Q5_K", 256, 176},
	TypeQ6_K:    {"Q6_K", 256, 210},
	TypeQ8_K:    {"Q8_K", 256, 292},
	TypeIQ2_XXS: {"IQ2_XXS", 256, 66},
	TypeIQ2_XS:  {"IQ2_XS", 256, 74},
	TypeIQ3_XXS: {"IQ3_XXS", 256, 98},
	TypeIQ1_S:   {"IQ1_S", 256, 50},
	TypeIQ4_NL:  {"IQ4_NL", 32, 18},
	TypeIQ3_S:   {"IQ3_S", 256, 110},
	TypeIQ2_S:   {"IQ2_S", 256, 82},
	TypeIQ4_XS:  {"IQ4_XS", 256, 136},
	TypeI8:      {"I8", 1, 1},
	TypeI16:     {"I16", 1, 2},
	TypeI32:     {"I32", 1, 4},
	TypeI64:     {"I64", 1, 8},
	TypeF64:     {"F64", 1, 8},
	TypeIQ1_M:   {"IQ1_M", 256, 56},
	TypeBF16:    {"BF16", 1, 2},
	31:          {"Q4_0_4_4", 0, 0},
	32:          {"Q4_0_4_8", 0, 0},
	33:          {"Q4_0_8_8", 0, 0},
	TypeTQ1_0:   {"TQ1_0", 256, 54},
	TypeTQ2_0:   {"TQ2_0", 256, 66},
	36:          {"IQ4_NL_4_4", 0, 0},
	37:          {"IQ4_NL_4_8", 0, 0},
	38:          {"IQ4_NL_8_8", 0, 0},
	TypeMXFP4:   {"MXFP4", 32, 17},
	TypeNVFP4:   {"NVFP4", 64, 36},
	TypeQ1_0:    {"Q1_0", 128, 18},
	TypeQ2_0:    {"Q2_0", 64, 18},
}

// row returns the table row of t, and an empty one for an id outside it.
func (t Type) row() typeRow {
	if int64(t) < int64(len(types)) {
		return types[t]
	}
	return typeRow{}
}

// Types returns every known type in the order of their ids.
func Types() []Type {
	var known []Type
	for id := range types {
		if t := Type(id); t.Known() {
			known = append(known, t)
		}
	}
	return known
}

// String returns the type's name in ggml's upper-case spelling, such as
// "Q4_K", and "type 99" for an id that ggml does not define.
func (t Type) String() string {
	if r := t.row(); r.name != "" {
		return r.name
	}
	return fmt.Sprintf("type %d", uint32(t))
}

// Known reports whether t is a type that a file may hold.
func (t Type) Known() bool { return t.row().block > 0 }

// Removed reports whether t was a type once and is refused by ggml now.
func (t Type) Removed() bool { r := t.row(); return r.name != "" && r.block == 0 }

// BlockLen returns the number of elements in a block: 1 for plain types, 0
// for unknown ones.
func (t Type) BlockLen() int { return t.row().block }

// BlockBytes returns the number of bytes in a block.
func (t Type) BlockBytes() int { return t.row().bytes }

// Quantized reports whether elements are packed into blocks.
func (t Type) Quantized() bool { return t.row().block > 1 }

// BitsPerWeight returns the storage of one element in bits.
func (t Type) BitsPerWeight() float64 {
	r := t.row()
	if r.block == 0 {
		return 0
	}
	return 8 * float64(r.bytes) / float64(r.block)
}

// RowBytes returns the bytes of a row of ne0 elements. It reports false when
// t is unknown, when ne0 is negative or not a multiple of the block length, and
// when the result does not fit.
func (t Type) RowBytes(ne0 int64) (int64, bool) {
	r := t.row()
	if r.block == 0 || ne0 < 0 || ne0%int64(r.block) != 0 {
		return 0, false
	}
	return mul(ne0/int64(r.block), int64(r.bytes))
}

// ParseType finds a type by name, in any case.
func ParseType(name string) (Type, bool) {
	for id, r := range types {
		if r.block > 0 && strings.EqualFold(r.name, name) {
			return Type(id), true
		}
	}
	return 0, false
}

// mul multiplies two numbers that are not negative, and reports false where
// the product overflows.
func mul(a, b int64) (int64, bool) {
	if a != 0 && b > math.MaxInt64/a {
		return 0, false
	}
	return a * b, true
}
