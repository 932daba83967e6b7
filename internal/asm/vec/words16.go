package vec

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Sixteen words of 16 bits: a register of AVX2, or two of NEON. Between
// NarrowWords and InOrder their order is open.

// Sixteen are such words.
type Sixteen []Reg

// SixteenOf makes them of vectors.
func SixteenOf(f func() Reg) (s Sixteen) {
	for at := 0; at < 32; at += Width() {
		s = append(s, f())
	}
	return s
}

// NarrowWords packs sixteen integers to words without sign, with saturation.
func NarrowWords(l []Reg) (out Sixteen) {
	if ISA != NEON {
		return Sixteen{binary(func(b, a, o Op) { VPACKUSDW(b, a, o) }, 0, l[0], l[1])}
	}
	for i := 0; i < len(l); i += 2 {
		v := Vector()
		arm2(sqxtun, v, l[i])
		arm2Into(sqxtun|upperHalf, v, l[i+1])
		out = append(out, v)
	}
	return out
}

// InOrder puts packed words in the order of what they were packed from.
func InOrder(s Sixteen) {
	if ISA != NEON {
		VPERMQ(operand.Imm(0xd8), s[0], s[0])
	}
}

// WordsAtLeast is v = max(v, low), for words without sign.
func WordsAtLeast(v Reg, low Op) { inPlace(func(b, a, o Op) { VPMAXUW(b, a, o) }, umaxHalf, v, low) }

// WordsAtMost is v = min(v, high), for words without sign.
func WordsAtMost(v Reg, high Op) { inPlace(func(b, a, o Op) { VPMINUW(b, a, o) }, uminHalf, v, high) }

// MulWords is v *= b, for words.
func MulWords(v Reg, b Op) { inPlace(func(b, a, o Op) { VPMULLW(b, a, o) }, mulHalf, v, b) }

// IncreaseWords is v += b, for words.
func IncreaseWords(v Reg, b Op) { inPlace(func(b, a, o Op) { VPADDW(b, a, o) }, addHalf, v, b) }

// EqualWords is EqualInt for words.
func EqualWords(a, b Op) Reg {
	return binary(func(b, a, o Op) { VPCMPEQW(b, a, o) }, cmeqHalf, a, b)
}

// Ones has all bits.
func Ones() Reg {
	out := Vector()
	if ISA == NEON {
		armWord([]reg.Register{out}, nil, func(number func(reg.Register) int) uint32 { return moviOnes | uint32(number(out)) })
		return out
	}
	VPCMPEQW(out, out, out)
	return out
}

// SetOfWords is a bit for each of 32 words that are all bits or none.
func SetOfWords(low, high Sixteen) reg.GPVirtual {
	if ISA == NEON {
		return armSum(0, armByteBits([2]Reg{binary(nil, uzp1, low[0], low[1]), binary(nil, uzp1, high[0], high[1])}))
	}
	both, set := YMM(), GP64()
	VPACKSSWB(high[0], low[0], both)
	VPERMQ(operand.Imm(0xd8), both, both)
	VPMOVMSKB(both, set.As32())
	return set
}

// WordsBefore moves 32 words up by one.
func WordsBefore(s [2]Sixteen) (before [2]Sixteen) {
	if ISA == NEON {
		last := Zero()
		for i, words := range s {
			for _, v := range words {
				before[i] = append(before[i], binary(nil, ext|14<<11, last, v))
				last = v
			}
		}
		return before
	}
	// Words move past the halves of registers.
	below := [2]Reg{YMM(), YMM()}
	VPERM2I128(operand.Imm(0x08), s[0][0], s[0][0], below[0])
	VPERM2I128(operand.Imm(0x21), s[1][0], s[0][0], below[1])
	for i := range s {
		v := YMM()
		VPALIGNR(operand.Imm(14), below[i], s[i][0], v)
		before[i] = Sixteen{v}
	}
	return before
}
