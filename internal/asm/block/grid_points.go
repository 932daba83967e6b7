package block

import (
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

// points emits the points of all tries, and the sets of those at an edge and of those
// whose point is not that of the one before.
func (l grid) points(x, tries, sets, to reg.GPVirtual) {
	n, all := Argument("n"), General()
	SetTo(all, 1)
	ShiftUpBy(all, n)
	Advance(all, -1)

	var point, edge [2]Sixteen
	for i := range point {
		point[i], edge[i] = SixteenOf(Zero), SixteenOf(Zero)
	}
	l.sixteen(x, tries, 0, point[0], edge[0])
	JumpUnlessMore(n, 2*lanes, "pointed")
	l.sixteen(x, tries, 1, point[1], edge[1])
	Mark("pointed")
	for i, p := range point {
		Octet(p).Put(Mem{Base: to, Disp: 32 * i})
	}
	edges := SetOfWords(edge[0], edge[1])
	AndBits(edges, all)
	StoreWord(Mem{Base: sets, Disp: setEdges}, edges)

	before := WordsBefore(point)
	for i, p := range point {
		for k, v := range p {
			before[i][k] = EqualWords(v, before[i][k])
		}
	}
	changed, first := SetOfWords(before[0], before[1]), General()
	Invert(changed)
	SetTo(first, 1)
	Merge(changed, first, 0)
	AndBits(changed, all)
	StoreWord(Mem{Base: sets, Disp: setStarts}, changed)
}

// sixteen emits the points of sixteen tries, and words of ones where a value is
// at an edge.
func (l grid) sixteen(x, tries reg.GPVirtual, which int, point, edge Sixteen) {
	unit := LoadV(Constant(pointUnit / 2))
	var inverse []Reg
	for at := 64 * which; at < 64*(which+1); at += Width() {
		inverse = append(inverse, Mul(unit, Mem{Base: tries, Disp: at}))
	}
	low, high := LoadV(twice(pointUnit/2)), LoadV(twice(uint32(l.levels)*pointUnit-pointUnit/2))
	part := LoadV(twice(pointUnit - 1))
	nearest := SixteenOf(Ones)
	digit := uint32(1)
	for p := range l.positions {
		v := Broadcast(Mem{Base: x, Disp: 4 * p})
		var units []Reg
		for _, scale := range inverse {
			units = append(units, ToInteger(Mul(scale, v)))
		}
		for i, level := range NarrowWords(units) {
			WordsAtLeast(level, low)
			WordsAtMost(level, high)
			WordsAtMost(nearest[i], Masked(level, part))
			level = ShiftRight16(level, 13)
			if p > 0 {
				MulWords(level, twice(digit))
			}
			IncreaseWords(point[i], level)
		}
		digit *= uint32(l.levels)
	}
	for i, v := range nearest {
		Move(edge[i], EqualWords(v, Zero()))
	}
	InOrder(point)
	InOrder(edge)
}
