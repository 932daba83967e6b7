package vec

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// An Octet is eight lanes: a register of AVX2, or two of NEON.
type Octet []Reg

// OctetBytes is the size of an octet.
const OctetBytes = 32

// Parts are the places of the vectors of an octet.
func Parts(m Mem) (parts []Mem) {
	for at := 0; at < OctetBytes; at += Width() {
		parts = append(parts, m.Offset(at))
	}
	return parts
}

// OctetAt loads eight lanes.
func OctetAt(m Mem) (o Octet) {
	for _, p := range Parts(m) {
		o = append(o, LoadV(p))
	}
	return o
}

// OctetOf makes an octet of its vectors.
func OctetOf(f func() Reg) (o Octet) {
	for at := 0; at < OctetBytes; at += Width() {
		o = append(o, f())
	}
	return o
}

// Everyone is an octet of a vector of equal lanes.
func Everyone(v Reg) Octet { return OctetOf(func() Reg { return v }) }

// Pairwise is f of the vectors of two octets.
func Pairwise[A, B Op](f func(a, b Op) Reg, a []A, b []B) (o Octet) {
	for i := range a {
		o = append(o, f(a[i], b[i]))
	}
	return o
}

// By is f of the vectors of an octet and the same operand.
func (o Octet) By(f func(a, b Op) Reg, b Op) (out Octet) {
	for _, v := range o {
		out = append(out, f(v, b))
	}
	return out
}

// CompareOctets is Compare.
func CompareOctets[B Op](predicate uint64, a Octet, b []B) (m []Mask) {
	for i := range a {
		m = append(m, Compare(predicate, a[i], b[i]))
	}
	return m
}

// Put stores an octet.
func (o Octet) Put(m Mem) {
	for i, p := range Parts(m) {
		StoreV(p, o[i])
	}
}

// LowerTo is m = min(m, v), without regard to NaN and the signs of zeros.
func LowerTo(m Reg, v Op) { inPlace(func(b, a, o Op) { VMINPS(b, a, o) }, fmin, m, v) }

// Lesser is LowerTo in another register.
func Lesser(a, b Op) Reg { return binary(func(b, a, o Op) { VMINPS(b, a, o) }, fmin, a, b) }

// Higher is RaiseTo in another register.
func Higher(a, b Op) Reg { return binary(func(b, a, o Op) { VMAXPS(b, a, o) }, fmax, a, b) }

// Deeper is LowerTo in another register.
func Deeper(a, b Op) Reg { return binary(func(b, a, o Op) { VMINPS(b, a, o) }, fmin, a, b) }

// Fold combines, of n vectors of which a has the first half in turn and b the second,
// every n-th lane with its neighbour: folded until n is the number of lanes, each is in its own.
func Fold(n int, a, b Reg, of func(a, b Op) Reg) Reg {
	switch n {
	case 2:
		return of(firstOf(a, b), secondOf(a, b))
	case 4:
		return of(firstPairs(a, b), secondPairs(a, b))
	}
	low, high := YMM(), YMM()
	VPERM2F128(operand.Imm(0x20), b, a, low)
	VPERM2F128(operand.Imm(0x31), b, a, high)
	return of(low, high)
}

// SumPairs adds neighbours, of a and then of b, within each half of registers of AVX2.
func SumPairs(a, b Op) Reg {
	return binary(func(b, a, o Op) { VHADDPS(b, a, o) }, faddPairs, a, b)
}

// MostOfPairs is the greater of neighbours, in both.
func MostOfPairs(v Reg) Reg {
	if ISA == NEON {
		return binary(nil, fmaxPairs, v, v)
	}
	swapped := YMM()
	VPERMILPS(operand.Imm(0xb1), v, swapped)
	return Greatest(v, swapped)
}

// SumHalves adds the halves of an octet: the sums are in both, or they are one vector.
func SumHalves(o Octet) Octet {
	if ISA == NEON {
		return Octet{Add(o[0], o[1])}
	}
	swapped := YMM()
	VPERM2F128(operand.Imm(1), o[0], o[0], swapped)
	VADDPS(swapped, o[0], o[0])
	return o
}

// StoreFirstOf stores the first lanes of n halves of an octet.
func StoreFirstOf(to Mem, o Octet, n int) {
	if ISA == NEON {
		for i, v := range o[:n] {
			StoreFirst(to.Offset(4*i), v)
		}
		return
	}
	StoreFirst(to, o[0])
	if n == 2 {
		VEXTRACTF128(operand.Imm(1), o[0], o[0].AsX())
		StoreFirst(to.Offset(4), o[0])
	}
}

// Transposed turns four rows of eight to columns of four: in both halves of a register of
// AVX2, or in one of NEON.
func Transposed(r [4]Octet) (columns [8]Reg) {
	if ISA == NEON {
		for half := range 2 {
			for p, v := range transposed([4]Reg{r[0][half], r[1][half], r[2][half], r[3][half]}) {
				columns[4*half+p] = v
			}
		}
		return columns
	}
	for p, v := range transposed([4]Reg{r[0][0], r[1][0], r[2][0], r[3][0]}) {
		columns[p], columns[4+p] = HalvesInBoth(Octet{v})
	}
	return columns
}

// OctetWords is Words for eight lanes.
func OctetWords(name string, values ...uint32) (all []Mem) {
	if ISA != NEON {
		return []Mem{Words(name, values...)}
	}
	return []Mem{armWords(name+"_a", values[:4]), armWords(name+"_b", values[4:])}
}

// OctetNumbers are those of eight lanes.
func OctetNumbers() (o Octet) {
	for _, m := range OctetWords("iota8", 0, 1, 2, 3, 4, 5, 6, 7) {
		o = append(o, LoadV(m))
	}
	return o
}

// OctetBits is LaneBits for eight lanes, with zeros above.
func OctetBits(m []Mask) reg.GPVirtual {
	if ISA == NEON {
		words := binary(nil, uzp1|ofWords, m[0], m[1])
		return armSum(addvWords, binary(nil, andBits, words, Words("word_bits", 0x00020001, 0x00080004, 0x00200010, 0x00800040)))
	}
	return LaneSet(m[0])
}

// LeastWord is the least of eight integers, as 16 bits without sign.
func LeastWord(o Octet) reg.GPVirtual {
	if ISA == NEON {
		return armSum(uminv, binary(nil, umin, o[0], o[1]))
	}
	half, first := XMM(), GP64()
	VEXTRACTI128(operand.Imm(1), o[0], half)
	VPACKUSDW(half, o[0].AsX(), half)
	VPHMINPOSUW(half, half)
	VMOVD(half, first.As32())
	MOVWQZX(first.As16(), first)
	return first
}
