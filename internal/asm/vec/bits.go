package vec

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Sets as bits of an integer.

// Lanes is how many a vector has.
func Lanes() int { return Width() / 4 }

// General is a register for an integer.
func General() reg.GPVirtual { return GP64() }

// Numbers are those of lanes.
func Numbers() Reg { return LoadV(Words("iota8", 0, 1, 2, 3, 4, 5, 6, 7)) }

// LaneSet is LaneBits with zeros above.
func LaneSet(m Mask) reg.GPVirtual { return LaneBits(m).As64().(reg.GPVirtual) }

// LowestBit is the set of the first of a set.
func LowestBit(of reg.GPVirtual) reg.GPVirtual {
	out := GP64()
	if ISA == NEON {
		armText("NEG %s, %s", of, out)
		armText("AND %s, %s, %s", of, out, out)
		return out
	}
	MOVQ(of, out)
	NEGQ(out)
	ANDQ(of, out)
	return out
}

// FirstBitOr is the place of the first of a set; it jumps where there is none.
func FirstBitOr(to, of reg.GPVirtual, none string) {
	if ISA == NEON {
		armBranch(none, "CBZ %s, "+none, of)
		armText("RBIT %s, %s", of, to)
		armText("CLZ %s, %s", to, to)
		return
	}
	BSFQ(of, to)
	JZ(operand.LabelRef(none))
}

// AllBitsIfOdd is all bits where a set of at most eight is odd, and none elsewhere.
func AllBitsIfOdd(set reg.GPVirtual) reg.GPVirtual {
	odd := GP64()
	if ISA == NEON {
		armText("EOR %s>>4, %s, %s", set, set, odd)
		armText("EOR %s>>2, %s, %s", odd, odd, odd)
		armText("EOR %s>>1, %s, %s", odd, odd, odd)
		armText("AND $1, %s, %s", odd, odd)
		armText("NEG %s, %s", odd, odd)
		return odd
	}
	POPCNTQ(set, odd)
	ANDQ(operand.Imm(1), odd)
	NEGQ(odd)
	return odd
}

// AndBits is to &= bits.
func AndBits(to, bits reg.GPVirtual) {
	if ISA == NEON {
		armText("AND %s, %s, %s", bits, to, to)
	} else {
		ANDQ(bits, to)
	}
}

// XorInto is to ^= bits.
func XorInto(to, bits reg.GPVirtual) {
	if ISA == NEON {
		armText("EOR %s, %s, %s", bits, to, to)
	} else {
		XORQ(bits, to)
	}
}

// ShiftUpBy is r <<= n.
func ShiftUpBy(r, n reg.GPVirtual) {
	if ISA == NEON {
		armText("LSL %s, %s, %s", n, r, r)
		return
	}
	MOVQ(n, reg.RCX)
	SHLQ(reg.CL, r)
}

// JumpIfLess compares integers.
func JumpIfLess(a, b reg.GPVirtual, to string) {
	if ISA == NEON {
		armText("CMP %s, %s", b, a)
		armJump("BLT", to)
		return
	}
	CMPQ(a, b)
	JL(operand.LabelRef(to))
}

// GreaterInt is set where a > b for integers: all bits of a lane.
func GreaterInt(a, b Op) Reg { return binary(func(b, a, o Op) { VPCMPGTD(b, a, o) }, cmgt, a, b) }

// IncreaseInts is v += b for integers.
func IncreaseInts(v Reg, b Op) { inPlace(func(b, a, o Op) { VPADDD(b, a, o) }, addInt, v, b) }

// LeastAcross is the least of the floats of a vector, in all lanes.
func LeastAcross(v Reg) Reg { return acrossOne(v, fminv, func(b, a, o Op) { VMINPS(b, a, o) }) }

// MostAcross is the greatest of the floats of a vector, in all lanes.
func MostAcross(v Reg) Reg { return acrossOne(v, fmaxv, func(b, a, o Op) { VMAXPS(b, a, o) }) }

func acrossOne(v Reg, arm uint32, of func(b, a, out Op)) Reg {
	most := Vector()
	if ISA == NEON {
		arm2(arm, most, v)
		arm2(dup|4<<16, most, most)
		return most
	}
	other := YMM()
	VPERM2F128(operand.Imm(1), v, v, most)
	of(most, v, most)
	for _, order := range []uint64{0x4e, 0xb1} {
		VPERMILPS(operand.Imm(order), most, other)
		of(other, most, most)
	}
	return most
}

// FirstBit is the place of the first of a set that is not empty.
func FirstBit(to, of reg.GPVirtual) {
	if ISA == NEON {
		armText("RBIT %s, %s", of, to)
		armText("CLZ %s, %s", to, to)
	} else {
		BSFQ(of, to)
	}
}

// PlaceOf is to = from and the place of the first of a set, if there is one; some is for
// what comes between.
func PlaceOf(to, some, set, from reg.GPVirtual) {
	FirstBit(some, set)
	if ISA == NEON {
		armText("ADD %s, %s, %s", from, some, some)
		armText("CMP $0, %s", set)
		armText("CSEL NE, %s, %s, %s", some, to, to)
		return
	}
	LEAQ(Mem{Base: from, Index: some, Scale: 1}, some)
	CMOVQNE(some, to)
}

// CountBits is the size of a set.
func CountBits(set reg.GPVirtual) reg.GPVirtual {
	if ISA != NEON {
		out := GP64()
		POPCNTQ(set, out)
		return out
	}
	v := Vector()
	armFromGeneral(fmovFromW, v, set)
	arm2(cntBytes, v, v)
	return armSum(addvBytes, v)
}

// Invert is r = ^r.
func Invert(r reg.GPVirtual) {
	if ISA == NEON {
		armText("MVN %s, %s", r, r)
	} else {
		NOTQ(r)
	}
}

// XorOr is to ^= bits; it jumps where nothing remains.
func XorOr(to, bits reg.GPVirtual, none string) {
	XorInto(to, bits)
	if ISA == NEON {
		armBranch(none, "CBZ %s, "+none, to)
	} else {
		JZ(operand.LabelRef(none))
	}
}

// JumpIfEither jumps unless two integers are 0; the second one is lost.
func JumpIfEither(a, b reg.GPVirtual, to string) {
	Merge(b, a, 0)
	if ISA == NEON {
		armBranch(to, "CBNZ %s, "+to, b)
	} else {
		JNE(operand.LabelRef(to))
	}
}

// JumpUnlessNegative tests an integer.
func JumpUnlessNegative(r reg.GPVirtual, to string) {
	if ISA == NEON {
		armText("CMP $0, %s", r)
		armJump("BGE", to)
		return
	}
	TESTQ(r, r)
	JGE(operand.LabelRef(to))
}

// JumpIfMore compares with a number.
func JumpIfMore(r reg.GPVirtual, n int, to string) {
	if ISA == NEON {
		armText("CMP $%d, %s", n, r)
		armJump("BGT", to)
		return
	}
	CMPQ(r, operand.Imm(uint64(n)))
	JG(operand.LabelRef(to))
}

// JumpUnlessMore is JumpIfMore the other way.
func JumpUnlessMore(r reg.GPVirtual, n int, to string) {
	if ISA == NEON {
		armText("CMP $%d, %s", n, r)
		armJump("BLE", to)
		return
	}
	CMPQ(r, operand.Imm(uint64(n)))
	JLE(operand.LabelRef(to))
}
