package vec

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
)

// Bytes beside words of 16 bits, and both halves of registers of AVX2, of which
// each is a vector of NEON.

// PackSigns is PackBytes of the signs alone: all bits, or none.
func PackSigns(l []Reg) []Reg {
	none := Zero()
	if ISA == NEON {
		return []Reg{
			binary(nil, cmgtBytes, none, armBytesOf(l[:4], uzp2)),
			binary(nil, cmgtBytes, none, armBytesOf(l[4:], uzp2)),
		}
	}
	packed := PackBytes(l)
	VPCMPGTB(packed[0], none, packed[0])
	return packed
}

// EqualBytes is EqualInt for bytes.
func EqualBytes(a, b Op) Reg {
	return binary(func(b, a, o Op) { VPCMPEQB(b, a, o) }, cmeqBytes, a, b)
}

// ClearBits is v &^ bits.
func ClearBits(v, bits Reg) Reg {
	return binary(func(b, a, o Op) { VPANDN(a, b, o) }, clearBits, v, bits)
}

// CountMask adds one to the integers of count where the mask is set.
func CountMask(count Reg, m Mask) {
	inPlace(func(b, a, o Op) { VPSUBD(b, a, o) }, subInt, count, m)
}

// IncreaseBytes is v += b for bytes.
func IncreaseBytes(v Reg, b Op) {
	inPlace(func(b, a, o Op) { VPADDB(b, a, o) }, addBytes, v, b)
}

// LeastBytes is the lesser of bytes without sign.
func LeastBytes(a, b Op) Reg {
	return binary(func(b, a, o Op) { VPMINUB(b, a, o) }, uminBytes, a, b)
}

// StoreNibblesOf16 is StoreNibbles where values 8 apart share a byte.
func StoreNibblesOf16(to Mem, l []Reg) {
	if ISA == NEON {
		low, high := binary(nil, zip1|pairsOfTwo, l[0], l[1]), binary(nil, zip2|pairsOfTwo, l[0], l[1])
		arm2Into(leftBy(sli, 8, 4), low, high)
		StoreV(to, low)
		return
	}
	high := YMM()
	VPSRLDQ(operand.Imm(8), l[0], high)
	VPSLLW(operand.Imm(4), high, high)
	VPOR(high, l[0], l[0])
	VPERMQ(operand.Imm(0x08), l[0], l[0])
	VMOVDQU(l[0].AsX(), to)
}

// Halves are the first 16 of 32 bytes, and the others.
func Halves(t []Reg) (low, high Reg) {
	if ISA == NEON {
		return t[0], t[1]
	}
	high = YMM()
	VEXTRACTI128(operand.Imm(1), t[0], high.AsX())
	return t[0], high
}

// StoreHalfOf stores 16 bytes.
func StoreHalfOf(to Mem, v Reg) {
	if ISA == NEON {
		StoreV(to, v)
	} else {
		VMOVDQU(v.AsX(), to)
	}
}

// Copy is another register with the same value.
func Copy(v Reg) Reg { return unary(func(a, o Op) { VMOVDQA(a, o) }, move, v) }

// Fresh is a constant in a register that will be changed.
func Fresh(m Mem) Reg {
	if ISA == NEON { // which has the constant in another
		return Copy(LoadV(m))
	}
	return LoadV(m)
}

// Move is to = from.
func Move(to, from Reg) {
	if ISA == NEON {
		arm2(move, to, from)
	} else {
		VMOVDQA(from, to)
	}
}

// BytesDown moves 16 bytes down by n; what comes in at the top is open.
func BytesDown(v Reg, n int) Reg {
	return binary(func(_, a, o Op) { VPSRLDQ(operand.Imm(uint64(n)), a, o) }, ext|uint32(n)<<11, v, v)
}

// BytesToWords are the values of bytes without sign, which WordsToBytes brings back in
// their order.
func BytesToWords(v Reg) (low, high Reg) {
	none := Zero()
	low = binary(func(b, a, o Op) { VPUNPCKLBW(b, a, o) }, zip1Bytes, v, none)
	return low, binary(func(b, a, o Op) { VPUNPCKHBW(b, a, o) }, zip2Bytes, v, none)
}

// WordsToBytes packs words that are less than 256.
func WordsToBytes(low, high Reg) Reg {
	return binary(func(b, a, o Op) { VPACKUSWB(b, a, o) }, uzp1, low, high)
}

// HighProduct is v·factor/2^16, rounded down, for words below 2^15 and an even factor.
func HighProduct(v Reg, factor uint32) Reg {
	if ISA == NEON { // which doubles the product
		factor /= 2
	}
	return binary(func(b, a, o Op) { VPMULHUW(b, a, o) }, sqdmulh, v, Bits(factor<<16|factor))
}

// FourPairs is, of four bytes of two bits, the one with the bits of all.
func FourPairs(t Reg) Reg {
	if ISA == NEON {
		arm2Into(rightBy(usra, 16, 6), t, t)
		arm2Into(rightBy(usra, 32, 12), t, t)
		return t
	}
	VPMADDUBSW(Bits(0x04010401), t, t)
	VPMADDWD(Bits(0x00100001), t, t)
	return t
}

// StoreLowBytesOf16 stores the low bytes of 16 integers. What others they have is
// open for NEON, and 0 for AVX2.
func StoreLowBytesOf16(to Mem, l []Reg) {
	if ISA == NEON {
		StoreV(to, armBytesOf(l, uzp1))
		return
	}
	VPACKSSDW(l[1], l[0], l[0])
	VPACKUSWB(l[0], l[0], l[0])
	VPERMD(l[0], LoadV(Words("firsts", 0, 4, 1, 5, 0, 4, 1, 5)), l[0])
	VMOVDQU(l[0].AsX(), to)
}
