package block

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	. "github.com/f190792d/mq/internal/asm/vec"
)

// The level of a value is half of what it is at the inverse scale, rounded down
// and held to those there are. Rounded to 16 bits, in units of 2^-13, a value that
// is a whole number is at an edge: rounding errors may decide what is nearest to
// it. Values beyond all levels are in the middle of the last.
const pointUnit = 1 << 13

// twice is a 16-bit number in both halves of all lanes.
func twice(v uint32) Mem { return Bits(v<<16 | v) }

// A point is a number with a digit for each level, the first the lowest.

// points emits the points of all tries; those at an edge are unsure. Bits of the
// result tell the tries whose point is not that of the one before, and the end.
func (s *gridTry) points(x reg.GPVirtual) (starts reg.GPVirtual) {
	n, end, starts := Load(Param("n"), GP64()), GP64(), GP64()
	MOVQ(n, reg.RCX)
	MOVQ(operand.U32(1), end)
	SHLQ(reg.CL, end)
	LEAQ(Mem{Base: end, Disp: -1}, starts)

	var point, edge [2]Reg // of sixteen tries each
	for i := range point {
		point[i], edge[i] = Zero(), Zero()
	}
	s.sixteen(x, 0, point[0], edge[0])
	CMPQ(n, operand.Imm(2*lanes))
	JLE(operand.LabelRef("pointed"))
	s.sixteen(x, 1, point[1], edge[1])
	Label("pointed")
	for i, p := range point {
		StoreV(Mem{Base: s.g, Disp: gridPoints + 32*i}, p)
	}
	unsure := bitsOfWords(edge[0], edge[1])
	ANDQ(starts, unsure)
	MOVQ(unsure, Mem{Base: s.g, Disp: gridUnsure})

	// Words move up by one, past the halves of registers.
	below, before := [2]Reg{YMM(), YMM()}, [2]Reg{YMM(), YMM()}
	VPERM2I128(operand.Imm(0x08), point[0], point[0], below[0])
	VPERM2I128(operand.Imm(0x21), point[1], point[0], below[1])
	for i, p := range point {
		VPALIGNR(operand.Imm(14), below[i], p, before[i])
		VPCMPEQW(before[i], p, before[i])
	}
	changed := bitsOfWords(before[0], before[1])
	NOTQ(changed)
	ORQ(operand.Imm(1), changed)
	ANDQ(changed, starts)
	MOVQ(starts, Mem{Base: s.g, Disp: gridStarts})
	ORQ(end, starts)
	return starts
}

// bitsOfWords emits a bit for each of 32 words that are all ones or zeros.
func bitsOfWords(low, high Reg) reg.GPVirtual {
	both, set := YMM(), GP64()
	VPACKSSWB(high, low, both)
	VPERMQ(operand.Imm(0xd8), both, both)
	VPMOVMSKB(both, set.As32())
	return set
}

// sixteen emits the points of sixteen tries, and words of ones where a value is
// at an edge.
func (s *gridTry) sixteen(x reg.GPVirtual, which int, point, edge Reg) {
	tries := pointer("tries")
	var inverse [2]Reg
	for i := range inverse {
		inverse[i] = Mul(LoadV(Constant(pointUnit/2)), Mem{Base: tries, Disp: 32 * (2*which + i)})
	}
	low, high := LoadV(twice(pointUnit/2)), LoadV(twice(uint32(s.levels)*pointUnit-pointUnit/2))
	part := LoadV(twice(pointUnit - 1))
	nearest := YMM()
	VPCMPEQW(nearest, nearest, nearest)
	digit := uint32(1)
	for p := range s.positions {
		v := Broadcast(Mem{Base: x, Disp: 4 * p})
		level, above := ToInteger(Mul(inverse[0], v)), ToInteger(Mul(inverse[1], v))
		VPACKUSDW(above, level, level)
		VPMAXUW(low, level, level)
		VPMINUW(high, level, level)
		distance := YMM()
		VPAND(part, level, distance)
		VPMINUW(distance, nearest, nearest)
		VPSRLW(operand.Imm(13), level, level)
		if p > 0 {
			VPMULLW(twice(digit), level, level)
		}
		VPADDW(level, point, point)
		digit *= uint32(s.levels)
	}
	VPCMPEQW(Zero(), nearest, edge)
	for _, v := range []Reg{point, edge} {
		VPERMQ(operand.Imm(0xd8), v, v) // the order of packing
	}
}
