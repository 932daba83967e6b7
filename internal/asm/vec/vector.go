// Package vec is the vector language in which kernels are written: operations
// on vectors of float32 and of 32-bit integers in the order of the formula, for
// AVX2, AVX-512 and NEON. Where a kernel is for one instruction set alone, it
// stands beside the instructions themselves.
package vec

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// ISA is the instruction set that is emitted.
var ISA = AVX2

const (
	AVX2   = "AVX2"   // 8 lanes
	AVX512 = "AVX512" // 16 lanes
	NEON   = "NEON"   // 4 lanes
)

// Width is the number of bytes of a vector.
func Width() int { return map[string]int{AVX2: 32, AVX512: 64, NEON: 16}[ISA] }

// Op is an operand of floats: a register, or memory as the last of an
// operation's operands. Operands are in the order of the formula.
type (
	Op  = operand.Op
	Reg = reg.VecVirtual
	Mem = operand.Mem
)

// Vector is a register of the instruction set.
func Vector() Reg {
	if ISA == AVX512 {
		return ZMM()
	}
	return YMM() // for NEON it is but a name
}

// binary emits one of two instructions for out = a op b.
func binary(x86 func(b, a, out Op), arm uint32, a, b Op) Reg {
	out := Vector()
	if ISA == NEON {
		arm3(arm, out, a, b)
	} else {
		x86(b, a, out)
	}
	return out
}

// inPlace is binary where the result replaces v.
func inPlace(x86 func(b, a, out Op), arm uint32, v Reg, b Op) {
	if ISA == NEON {
		arm3(arm, v, v, b)
	} else {
		x86(b, v, v)
	}
}

func unary(x86 func(a, out Op), arm uint32, a Op) Reg {
	out := Vector()
	if ISA == NEON {
		arm2(arm, out, a)
	} else {
		x86(a, out)
	}
	return out
}

func addTo(b, a, out Op) { VADDPS(b, a, out) }

// Add is a + b.
func Add(a, b Op) Reg { return binary(addTo, fadd, a, b) }

// Sub is a - b.
func Sub(a, b Op) Reg { return binary(func(b, a, o Op) { VSUBPS(b, a, o) }, fsub, a, b) }

// Mul is a·b.
func Mul(a, b Op) Reg { return binary(func(b, a, o Op) { VMULPS(b, a, o) }, fmul, a, b) }

// Div is a/b.
func Div(a, b Op) Reg { return binary(func(b, a, o Op) { VDIVPS(b, a, o) }, fdiv, a, b) }

// And is a & b, by the bits.
func And(a, b Op) Reg { return binary(func(b, a, o Op) { VANDPS(b, a, o) }, andBits, a, b) }

// Xor is a ^ b, by the bits.
func Xor(a, b Op) Reg { return binary(func(b, a, o Op) { VXORPS(b, a, o) }, xorBits, a, b) }

// Sqrt is √a.
func Sqrt(a Op) Reg { return unary(func(a, o Op) { VSQRTPS(a, o) }, fsqrt, a) }

// ToFloat converts integers.
func ToFloat(t Op) Reg { return unary(func(a, o Op) { VCVTDQ2PS(a, o) }, scvtf, t) }

// ToInteger rounds to integers, ties to even.
func ToInteger(f Op) Reg { return unary(func(a, o Op) { VCVTPS2DQ(a, o) }, fcvtns, f) }

func atLeast(t Reg, low Op) { inPlace(func(b, a, o Op) { VPMAXSD(b, a, o) }, smax, t, low) }

// AtMost lowers integers to a bound, in place.
func AtMost(t Reg, high Op) { inPlace(func(b, a, o Op) { VPMINSD(b, a, o) }, smin, t, high) }

// Accumulate adds to a sum in place.
func Accumulate(sum Reg, term Op) { inPlace(addTo, fadd, sum, term) }

// Least is a < b ? a : b. NEON's own minimum would prefer a negative zero.
func Least(a, b Op) Reg {
	if ISA == NEON {
		return Choose(Compare(Less, a, b), a, b)
	}
	return binary(func(b, a, o Op) { VMINPS(b, a, o) }, 0, a, b)
}

// Greatest is a > b ? a : b.
func Greatest(a, b Op) Reg {
	if ISA == NEON {
		return Choose(Compare(Greater, a, b), a, b)
	}
	return binary(func(b, a, o Op) { VMAXPS(b, a, o) }, 0, a, b)
}

// Lower sets low to v where v < low.
func Lower(low, v Reg) {
	if ISA == NEON {
		Replace(Compare(Less, v, low), v, low)
	} else {
		VMINPS(low, v, low)
	}
}

// Raise sets high to v where v > high.
func Raise(high, v Reg) {
	if ISA == NEON {
		Replace(Compare(Greater, v, high), v, high)
	} else {
		VMAXPS(high, v, high)
	}
}

// RoundEven rounds to integers, ties to even.
func RoundEven(f Reg) Reg {
	switch ISA {
	case NEON:
		arm2(frintn, f, f)
	case AVX512:
		VRNDSCALEPS(operand.Imm(8), f, f)
	default:
		VROUNDPS(operand.Imm(8), f, f)
	}
	return f
}

// ClampRound holds f between two integers and rounds it. That equals rounding
// first, since rounding is monotone.
func ClampRound(f Reg, low, high Op) Reg {
	inPlace(func(b, a, o Op) { VMAXPS(b, a, o) }, fmax, f, low)
	return RoundEven(HoldBelow(f, high))
}

// HoldBelow lowers floats to a bound.
func HoldBelow(f Reg, high Op) Reg {
	inPlace(func(b, a, o Op) { VMINPS(b, a, o) }, fmin, f, high)
	return f
}

// ClampRoundPositive is ClampRound from 0 up. As integers the bits of floats
// that are not negative have the floats' order, and the units for integer
// minima are not those that add.
func ClampRoundPositive(f Reg, none, high Op) Reg {
	atLeast(f, none)
	AtMost(f, high)
	return RoundEven(f)
}

// LoadV loads a vector.
func LoadV(from Mem) Reg {
	out := Vector()
	if ISA == NEON {
		armLoad(out, from)
	} else {
		VMOVUPS(from, out)
	}
	return out
}

// StoreV stores a vector.
func StoreV(to Mem, v Reg) {
	if ISA == NEON {
		armStore(to, v)
	} else {
		VMOVUPS(v, to)
	}
}

// Zero is a vector of zeros.
func Zero() Reg {
	out := Vector()
	if ISA == NEON {
		armZero(out)
	} else {
		VXORPS(out, out, out)
	}
	return out
}

// Broadcast loads one value into all lanes.
func Broadcast(from Mem) Reg {
	out := Vector()
	if ISA == NEON {
		armBroadcast(out, from)
	} else {
		VBROADCASTSS(from, out)
	}
	return out
}

// Near emits kernel.Nearest, whatever f is, as integers.
func Near(f Op) Reg {
	t := Add(f, Constant(12582912))
	BitAnd(Bits(0x7fffff), t)
	inPlace(func(b, a, o Op) { VPSUBD(b, a, o) }, subInt, t, Bits(0x400000))
	return t
}

// BitAnd is and for integers, in place.
func BitAnd(mask Op, t Reg) {
	inPlace(func(b, a, o Op) {
		if ISA == AVX512 {
			VPANDD(b, a, o)
		} else {
			VPAND(b, a, o)
		}
	}, andBits, t, mask)
}

// Between holds integers within bounds.
func Between(t Reg, low, high Op) Reg {
	atLeast(t, low)
	AtMost(t, high)
	return t
}

// AddInt is a + b for integers.
func AddInt(a, b Op) Reg {
	return binary(func(b, a, o Op) { VPADDD(b, a, o) }, addInt, a, b)
}

// ShiftRight is v >> n for integers without sign.
func ShiftRight(v Reg, n int) Reg {
	return unary(func(a, o Op) { VPSRLD(operand.Imm(uint64(n)), a, o) }, rightBy(ushr, 32, n), v)
}

// ShiftLeft is v << n for integers.
func ShiftLeft(v Reg, n int) Reg {
	return unary(func(a, o Op) { VPSLLD(operand.Imm(uint64(n)), a, o) }, leftBy(shl, 32, n), v)
}
