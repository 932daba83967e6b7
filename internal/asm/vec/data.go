package vec

import (
	"fmt"
	"math"
	"slices"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
)

// constants holds the data section by name, so that functions share it.
var constants = map[string]Mem{}

// Words is a vector of the data section.
func Words(name string, values ...uint32) Mem {
	if ISA == NEON {
		return armWords(name, values[:4])
	}
	m, ok := constants[name]
	if !ok {
		m = GLOBL(name, RODATA|NOPTR)
		for i, v := range values {
			DATA(4*i, operand.U32(v))
		}
		constants[name] = m
	}
	return m
}

// DataLanes is how many lanes a vector of one value has in the data section:
// those of the widest vectors in the file.
var DataLanes = 16

// Bits is a vector of one value, by its bits.
func Bits(b uint32) Mem {
	return Words(fmt.Sprintf("all_%08x", b), slices.Repeat([]uint32{b}, DataLanes)...)
}

// Constant is a vector of one value.
func Constant(f float32) Mem { return Bits(math.Float32bits(f)) }

// The parts of a float32.
const (
	SignBit   = 0x80000000
	Magnitude = 0x7fffffff
)

// Scalar is a vector of one value that takes four bytes of the data section.
func Scalar(name string, v operand.Constant) Reg {
	if ISA == NEON {
		var bits uint32
		switch v := v.(type) {
		case operand.U32:
			bits = uint32(v)
		case operand.F32:
			bits = math.Float32bits(float32(v))
		}
		return LoadV(Words(name, slices.Repeat([]uint32{bits}, 4)...))
	}
	if _, ok := constants[name]; !ok {
		constants[name] = ConstData(name, v)
	}
	return Broadcast(constants[name])
}

// ScalarCopies is Scalar for a register that will be changed, again and again:
// where there are registers for it, it is loaded here and copied then.
func ScalarCopies(name string, v operand.Constant) func() Reg {
	if ISA != NEON {
		return func() Reg { return Scalar(name, v) }
	}
	kept := Scalar(name, v)
	return func() Reg { return unary(nil, move, kept) }
}
