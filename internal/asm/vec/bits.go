package vec

import (
	"slices"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Sets as bits of an integer, and the eight lanes of AVX2 in two vectors of NEON.

// Lanes is how many a vector has.
func Lanes() int { return Width() / 4 }

// General is a register for an integer.
func General() reg.GPVirtual { return GP64() }

// OctetWords is Words for eight lanes.
func OctetWords(name string, values ...uint32) (all []Mem) {
	if ISA != NEON {
		return []Mem{Words(name, values...)}
	}
	for at := range slices.Chunk(values, 4) {
		all = append(all, armWords(name+string(rune('a'+len(all))), at))
	}
	return all
}

// Numbers are those of lanes.
func Numbers() Reg { return LoadV(Words("iota8", 0, 1, 2, 3, 4, 5, 6, 7)) }

// OctetBits is LaneBits for eight lanes.
func OctetBits(m []Mask) reg.GPVirtual {
	if ISA == NEON {
		words := binary(nil, uzp1|ofWords, m[0], m[1])
		return armSum(addvWords, binary(nil, andBits, words, Words("word_bits", 0x00020001, 0x00080004, 0x00200010, 0x00800040)))
	}
	return LaneSet(m[0])
}

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

// StoreByte stores the lowest byte of an integer.
func StoreByte(to Mem, r reg.GPVirtual) {
	if ISA == NEON {
		armText("MOVB %s, %d(%s)", r, to.Disp, to.Base)
	} else {
		MOVB(r.As8(), to)
	}
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
