package vec

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Tables of 16 bytes, and sums of bytes without sign: 32 of them are an octet.

// BytesFrom is, for each byte of a vector, that of the table whose place it is: a table is
// in both halves of registers of AVX2, or they have one each.
func BytesFrom(table, place Reg) Reg {
	return binary(func(b, a, o Op) { VPSHUFB(b, a, o) }, tbl, table, place)
}

// HalvesInBoth are the half of an octet in both halves of a register, and the other one.
func HalvesInBoth(o Octet) (low, high Reg) {
	if ISA == NEON {
		return o[0], o[1]
	}
	low, high = YMM(), YMM()
	VPERM2F128(operand.Imm(0x00), o[0], o[0], low)
	VPERM2F128(operand.Imm(0x11), o[0], o[0], high)
	return low, high
}

// LevelBytes packs the integers of four levels, none of which is more than 255. Byte 4l+p of
// a half is that of level l and lane p of the half.
func LevelBytes(level [4]Octet) (bytes Octet) {
	if ISA == NEON {
		for half := range 2 {
			bytes = append(bytes, armBytesOf([]Reg{level[0][half], level[1][half], level[2][half], level[3][half]}, uzp1))
		}
		return bytes
	}
	low, high := YMM(), YMM()
	VPACKSSDW(level[1][0], level[0][0], low)
	VPACKSSDW(level[3][0], level[2][0], high)
	VPACKUSWB(high, low, low)
	return Octet{low}
}

// NibblesOf are the low and the high halves of bytes.
func NibblesOf(v Reg, mask Op) (low, high Reg) {
	low = Masked(v, mask)
	if ISA == NEON {
		return low, unary(nil, rightBy(ushr, 8, 4), v)
	}
	return low, Masked(ShiftRight16(v, 4), mask)
}

// AddWithin is v += b for bytes, 255 at most.
func AddWithin(v, b Reg) {
	inPlace(func(b, a, o Op) { VPADDUSB(b, a, o) }, addWithin, v, b)
}

// LowerBytes is v = min(v, b) for bytes.
func LowerBytes(v, b Reg) { inPlace(func(b, a, o Op) { VPMINUB(b, a, o) }, uminBytes, v, b) }

// LeastByte is the least of an octet.
func LeastByte(o Octet) reg.GPVirtual {
	if ISA == NEON {
		return armSum(uminvBytes, LeastBytes(o[0], o[1]))
	}
	half, odd, least := XMM(), XMM(), GP64()
	VEXTRACTI128(operand.Imm(1), o[0], half)
	VPMINUB(half, o[0].AsX(), half)
	VPSRLW(operand.Imm(8), half, odd)
	VPMINUB(odd, half, half) // words, as the upper bytes of odd are 0
	VPHMINPOSUW(half, half)
	VMOVD(half, least.As32()) // the place is above
	MOVBQZX(least.As8(), least)
	return least
}

// InAllBytes is the lowest byte of an integer in all bytes.
func InAllBytes(n reg.GPVirtual) Reg {
	out := Vector()
	if ISA == NEON {
		armEmit(armLine{def: []reg.Register{out}, general: []reg.Register{n}, text: func(number func(reg.Register) int) string {
			return fmt.Sprintf("VDUP R%d, V%d.B16", armGeneral(n), number(out))
		}})
		return out
	}
	VMOVD(n.As32(), out.AsX())
	VPBROADCASTB(out.AsX(), out)
	return out
}

// BytesWithin is set where bytes are not more than others: all bits of a byte.
func BytesWithin(v, most Op) Reg {
	if ISA == NEON {
		return binary(nil, atLeastBytes, most, v)
	}
	return EqualBytes(LeastBytes(v, most), v)
}

// StoreByteSet stores a bit for each byte of an octet, which is all bits or none.
func StoreByteSet(to Mem, o Octet) {
	if ISA == NEON {
		armStorePart(to, armByteBits([2]Reg(o)), 4)
		return
	}
	set := GP32()
	VPMOVMSKB(o[0], set)
	MOVL(set, to)
}

// SumsOfLanes are the sums of eight lanes each in all lanes.
func SumsOfLanes(a, b Octet) (sumA, sumB Reg) {
	if ISA == NEON {
		both := SumPairs(SumPairs(a[0], a[1]), SumPairs(b[0], b[1]))
		both = SumPairs(both, both)
		return unary(nil, dup|4<<16, both), unary(nil, dup|12<<16, both)
	}
	both := SumPairs(a[0], b[0])
	both = SumHalves(Octet{SumPairs(both, both)})[0]
	sumA, sumB = YMM(), YMM()
	VMOVSLDUP(both, sumA)
	VMOVSHDUP(both, sumB)
	return sumA, sumB
}
