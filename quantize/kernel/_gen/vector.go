package main

import (
	"fmt"
	"math"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// wide selects AVX-512, of 16 lanes, for what is emitted; else it is AVX2, of 8.
var wide bool

// width is the number of bytes of a vector.
func width() int {
	if wide {
		return 64
	}
	return 32
}

// Op is an operand of floats: a register, or memory as the last of an
// operation's operands. Operands are in the order of the formula.
type (
	Op  = operand.Op
	Reg = reg.VecVirtual
	Mem = operand.Mem
)

func vector() Reg {
	if wide {
		return ZMM()
	}
	return YMM()
}

func binary(emit func(...Op), a, b Op) Reg {
	out := vector()
	emit(b, a, out)
	return out
}

func add(a, b Op) Reg { return binary(func(o ...Op) { VADDPS(o[0], o[1], o[2]) }, a, b) }
func sub(a, b Op) Reg { return binary(func(o ...Op) { VSUBPS(o[0], o[1], o[2]) }, a, b) }
func mul(a, b Op) Reg { return binary(func(o ...Op) { VMULPS(o[0], o[1], o[2]) }, a, b) }
func div(a, b Op) Reg { return binary(func(o ...Op) { VDIVPS(o[0], o[1], o[2]) }, a, b) }
func and(a, b Op) Reg { return binary(func(o ...Op) { VANDPS(o[0], o[1], o[2]) }, a, b) }
func xor(a, b Op) Reg { return binary(func(o ...Op) { VXORPS(o[0], o[1], o[2]) }, a, b) }

// least is a < b ? a : b, greatest a > b ? a : b.
func least(a, b Op) Reg    { return binary(func(o ...Op) { VMINPS(o[0], o[1], o[2]) }, a, b) }
func greatest(a, b Op) Reg { return binary(func(o ...Op) { VMAXPS(o[0], o[1], o[2]) }, a, b) }

func sqrt(a Op) Reg {
	out := vector()
	VSQRTPS(a, out)
	return out
}

// accumulate adds to a sum in place.
func accumulate(sum Reg, term Op) { VADDPS(term, sum, sum) }

// roundEven rounds to integers, ties to even.
func roundEven(f Reg) Reg {
	if wide {
		VRNDSCALEPS(operand.Imm(8), f, f)
	} else {
		VROUNDPS(operand.Imm(8), f, f)
	}
	return f
}

// clampRound holds f between two integers and rounds it. That equals rounding
// first, since rounding is monotone.
func clampRound(f Reg, low, high Op) Reg {
	VMAXPS(low, f, f)
	VMINPS(high, f, f)
	return roundEven(f)
}

// clampRoundPositive is clampRound from 0 up. As integers the bits of floats
// that are not negative have the floats' order, and the units for integer
// minima are not those that add.
func clampRoundPositive(f Reg, none, high Op) Reg {
	VPMAXSD(none, f, f)
	VPMINSD(high, f, f)
	return roundEven(f)
}

func load(from Mem) Reg {
	out := vector()
	VMOVUPS(from, out)
	return out
}

func store(to Mem, v Reg) { VMOVUPS(v, to) }

func zero() Reg {
	out := vector()
	VXORPS(out, out, out)
	return out
}

func broadcast(from Mem) Reg {
	out := vector()
	VBROADCASTSS(from, out)
	return out
}

// near emits kernel.Nearest, whatever f is, as integers.
func near(f Op) Reg {
	t := vector()
	VADDPS(constant(12582912), f, t)
	bitAnd(bits(0x7fffff), t)
	VPSUBD(bits(0x400000), t, t)
	return t
}

// bitAnd is and for integers, in place.
func bitAnd(mask Op, t Reg) {
	if wide {
		VPANDD(mask, t, t)
	} else {
		VPAND(mask, t, t)
	}
}

// between holds integers within bounds.
func between(t Reg, low, high Op) Reg {
	VPMAXSD(low, t, t)
	VPMINSD(high, t, t)
	return t
}

func toFloat(t Reg) Reg {
	out := vector()
	VCVTDQ2PS(t, out)
	return out
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
func bits(b uint32) Mem {
	return words(fmt.Sprintf("all_%08x", b), b, b, b, b, b, b, b, b, b, b, b, b, b, b, b, b)
}

func constant(f float32) Mem { return bits(math.Float32bits(f)) }

const (
	signBit   = 0x80000000
	magnitude = 0x7fffffff
)
