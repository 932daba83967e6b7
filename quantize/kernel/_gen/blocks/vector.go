package main

import (
	"fmt"
	"math"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Op is an operand of eight floats: a register, or memory as the last of an
// operation's operands. Operands are in the order of the formula.
type (
	Op  = operand.Op
	Reg = reg.VecVirtual
	Mem = operand.Mem
)

func binary(emit func(...Op), a, b Op) Reg {
	out := YMM()
	emit(b, a, out)
	return out
}

func add(a, b Op) Reg { return binary(func(o ...Op) { VADDPS(o[0], o[1], o[2]) }, a, b) }
func sub(a, b Op) Reg { return binary(func(o ...Op) { VSUBPS(o[0], o[1], o[2]) }, a, b) }
func mul(a, b Op) Reg { return binary(func(o ...Op) { VMULPS(o[0], o[1], o[2]) }, a, b) }
func div(a, b Op) Reg { return binary(func(o ...Op) { VDIVPS(o[0], o[1], o[2]) }, a, b) }
func and(a, b Op) Reg { return binary(func(o ...Op) { VANDPS(o[0], o[1], o[2]) }, a, b) }

// least is a < b ? a : b, greatest a > b ? a : b.
func least(a, b Op) Reg    { return binary(func(o ...Op) { VMINPS(o[0], o[1], o[2]) }, a, b) }
func greatest(a, b Op) Reg { return binary(func(o ...Op) { VMAXPS(o[0], o[1], o[2]) }, a, b) }

// A predicate of a comparison; NaN makes all false but unordered.
const (
	equal        = 0x00
	unordered    = 0x03
	less         = 0x11
	lessEqual    = 0x12
	greaterEqual = 0x1d
)

func compare(predicate uint64, a, b Op) Reg {
	out := YMM()
	VCMPPS(operand.Imm(predicate), b, a, out)
	return out
}

func load(from Mem) Reg {
	out := YMM()
	VMOVUPS(from, out)
	return out
}

func store(to Mem, v Reg) { VMOVUPS(v, to) }

func zero() Reg {
	out := YMM()
	VXORPS(out, out, out)
	return out
}

func broadcast(from Mem) Reg {
	out := YMM()
	VBROADCASTSS(from, out)
	return out
}

// across emits one of 32 values in all lanes: the least or the greatest, whose
// order does not matter but for the sign of a zero.
func across(v [4]Reg, of func(a, b Op) Reg) Reg {
	m := of(of(v[0], v[1]), of(v[2], v[3]))
	swapped := YMM()
	VPERM2F128(operand.Imm(1), m, m, swapped)
	m = of(m, swapped)
	for _, order := range []uint64{0x4e, 0xb1} {
		swapped := YMM()
		VPERMILPS(operand.Imm(order), m, swapped)
		m = of(m, swapped)
	}
	return m
}

// first emits the value of the run at x where v first equals m, one of v.
func first(x reg.Register, v [4]Reg, m Reg) Reg {
	var hits [4]Reg
	for i := range v {
		hits[i] = compare(equal, v[i], m)
	}
	at := GP32()
	VPMOVMSKB(packBytes(hits), at)
	BSFL(at, at)
	return broadcast(Mem{Base: x, Index: at.As64(), Scale: 4})
}

// constants holds the data section by name, so that functions share it.
var constants = map[string]Mem{}

// words is a vector of the data section.
func words(name string, values ...uint32) Mem {
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

// bits is a vector of one value, by its bits.
func bits(b uint32) Mem { return words(fmt.Sprintf("all_%08x", b), b, b, b, b, b, b, b, b) }

func constant(f float32) Mem { return bits(math.Float32bits(f)) }

const (
	signBit   = 0x80000000
	magnitude = 0x7fffffff
)
