package main

import (
	"fmt"
	"math"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// isa is the instruction set that is emitted.
var isa = avx2

const (
	avx2   = "AVX2"   // 8 lanes
	avx512 = "AVX512" // 16 lanes
	neon   = "NEON"   // 4 lanes
)

// width is the number of bytes of a vector.
func width() int { return map[string]int{avx2: 32, avx512: 64, neon: 16}[isa] }

// Op is an operand of floats: a register, or memory as the last of an
// operation's operands. Operands are in the order of the formula.
type (
	Op  = operand.Op
	Reg = reg.VecVirtual
	Mem = operand.Mem
)

func vector() Reg {
	if isa == avx512 {
		return ZMM()
	}
	return YMM() // for NEON it is but a name
}

// binary emits one of two instructions for out = a op b.
func binary(x86 func(b, a, out Op), arm uint32, a, b Op) Reg {
	out := vector()
	if isa == neon {
		arm3(arm, out, a, b)
	} else {
		x86(b, a, out)
	}
	return out
}

// inPlace is binary where the result replaces v.
func inPlace(x86 func(b, a, out Op), arm uint32, v Reg, b Op) {
	if isa == neon {
		arm3(arm, v, v, b)
	} else {
		x86(b, v, v)
	}
}

func unary(x86 func(a, out Op), arm uint32, a Op) Reg {
	out := vector()
	if isa == neon {
		arm2(arm, out, a)
	} else {
		x86(a, out)
	}
	return out
}

func addTo(b, a, out Op)    { VADDPS(b, a, out) }
func add(a, b Op) Reg       { return binary(addTo, fadd, a, b) }
func sub(a, b Op) Reg       { return binary(func(b, a, o Op) { VSUBPS(b, a, o) }, fsub, a, b) }
func mul(a, b Op) Reg       { return binary(func(b, a, o Op) { VMULPS(b, a, o) }, fmul, a, b) }
func div(a, b Op) Reg       { return binary(func(b, a, o Op) { VDIVPS(b, a, o) }, fdiv, a, b) }
func and(a, b Op) Reg       { return binary(func(b, a, o Op) { VANDPS(b, a, o) }, andBits, a, b) }
func xor(a, b Op) Reg       { return binary(func(b, a, o Op) { VXORPS(b, a, o) }, xorBits, a, b) }
func sqrt(a Op) Reg         { return unary(func(a, o Op) { VSQRTPS(a, o) }, fsqrt, a) }
func toFloat(t Op) Reg      { return unary(func(a, o Op) { VCVTDQ2PS(a, o) }, scvtf, t) }
func toInteger(f Op) Reg    { return unary(func(a, o Op) { VCVTPS2DQ(a, o) }, fcvtns, f) }
func atLeast(t Reg, low Op) { inPlace(func(b, a, o Op) { VPMAXSD(b, a, o) }, smax, t, low) }
func atMost(t Reg, high Op) { inPlace(func(b, a, o Op) { VPMINSD(b, a, o) }, smin, t, high) }

// accumulate adds to a sum in place.
func accumulate(sum Reg, term Op) { inPlace(addTo, fadd, sum, term) }

// least is a < b ? a : b, greatest a > b ? a : b. NEON's own minimum would
// prefer a negative zero.
func least(a, b Op) Reg {
	if isa == neon {
		return choose(compare(less, a, b), a, b)
	}
	return binary(func(b, a, o Op) { VMINPS(b, a, o) }, 0, a, b)
}

func greatest(a, b Op) Reg {
	if isa == neon {
		return choose(compare(greater, a, b), a, b)
	}
	return binary(func(b, a, o Op) { VMAXPS(b, a, o) }, 0, a, b)
}

// lower sets low to v where v < low, raise high where v > high.
func lower(low, v Reg) {
	if isa == neon {
		replace(compare(less, v, low), v, low)
	} else {
		VMINPS(low, v, low)
	}
}

func raise(high, v Reg) {
	if isa == neon {
		replace(compare(greater, v, high), v, high)
	} else {
		VMAXPS(high, v, high)
	}
}

// roundEven rounds to integers, ties to even.
func roundEven(f Reg) Reg {
	switch isa {
	case neon:
		arm2(frintn, f, f)
	case avx512:
		VRNDSCALEPS(operand.Imm(8), f, f)
	default:
		VROUNDPS(operand.Imm(8), f, f)
	}
	return f
}

// clampRound holds f between two integers and rounds it. That equals rounding
// first, since rounding is monotone.
func clampRound(f Reg, low, high Op) Reg {
	inPlace(func(b, a, o Op) { VMAXPS(b, a, o) }, fmax, f, low)
	inPlace(func(b, a, o Op) { VMINPS(b, a, o) }, fmin, f, high)
	return roundEven(f)
}

// clampRoundPositive is clampRound from 0 up. As integers the bits of floats
// that are not negative have the floats' order, and the units for integer
// minima are not those that add.
func clampRoundPositive(f Reg, none, high Op) Reg {
	atLeast(f, none)
	atMost(f, high)
	return roundEven(f)
}

func load(from Mem) Reg {
	out := vector()
	if isa == neon {
		armLoad(out, from)
	} else {
		VMOVUPS(from, out)
	}
	return out
}

func store(to Mem, v Reg) {
	if isa == neon {
		armStore(to, v)
	} else {
		VMOVUPS(v, to)
	}
}

func zero() Reg {
	out := vector()
	if isa == neon {
		armZero(out)
	} else {
		VXORPS(out, out, out)
	}
	return out
}

func broadcast(from Mem) Reg {
	out := vector()
	if isa == neon {
		armBroadcast(out, from)
	} else {
		VBROADCASTSS(from, out)
	}
	return out
}

// near emits kernel.Nearest, whatever f is, as integers.
func near(f Op) Reg {
	t := add(f, constant(12582912))
	bitAnd(bits(0x7fffff), t)
	inPlace(func(b, a, o Op) { VPSUBD(b, a, o) }, subInt, t, bits(0x400000))
	return t
}

// bitAnd is and for integers, in place.
func bitAnd(mask Op, t Reg) {
	inPlace(func(b, a, o Op) {
		if isa == avx512 {
			VPANDD(b, a, o)
		} else {
			VPAND(b, a, o)
		}
	}, andBits, t, mask)
}

// between holds integers within bounds.
func between(t Reg, low, high Op) Reg {
	atLeast(t, low)
	atMost(t, high)
	return t
}

// constants holds the data section by name, so that functions share it.
var constants = map[string]Mem{}

// words is a vector of the data section.
func words(name string, values ...uint32) Mem {
	if isa == neon {
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

// bits is a vector of one value, by its bits.
func bits(b uint32) Mem {
	return words(fmt.Sprintf("all_%08x", b), b, b, b, b, b, b, b, b, b, b, b, b, b, b, b, b)
}

func constant(f float32) Mem { return bits(math.Float32bits(f)) }

const (
	signBit   = 0x80000000
	magnitude = 0x7fffffff
)
