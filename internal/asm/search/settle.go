package search

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"

	. "github.com/f190792d/mq/internal/asm/vec"
)

// Sums of w·l·x within these bounds neither overflow nor lose bits that count.
const (
	leastSum    = 1e-30
	greatestSum = 1e30
	// Half a level, less all that rounding may do to what is compared with it.
	stays = 0.5 - 0x1p-12
)

// settle emits the start of coordinate descent, and the test whether a first
// step would move any level. With q = w·l·x of a value, it stays as long as
// |x·Σll/Σlx - level| + ½·q/Σlx < ½, where what lies beyond the levels counts
// as the last of them. If the extreme value is positive all q are at most 0,
// and so are all Σlx - q, which only a positive number lets move.
func settle(name string) {
	Begin(name, "func(x *float32, n int, nmax float32) uint32",
		fmt.Sprintf("%s settles %d lanes of n values, a multiple of 4; see Scratch.Settle.", name, side()*Width()/4))
	w := newWalk(side())
	top := w.extreme()
	highest := Everywhere("nmax")
	lowest := Xor(highest, Bits(SignBit))
	highest = Sub(highest, Constant(1))
	empty := w.masks(func(v int) Mask {
		return Compare(Less, And(top[v], Bits(Magnitude)), Constant(negligible))
	})
	for v, m := range empty {
		StoreMask(w.state(slotEmpty, v), m)
	}
	inverse := w.registers(func(v int) Reg { return Div(lowest, top[v]) })
	sumLX, sumLL := w.zeros(), w.zeros()
	// Products take the place of weights.
	w.each("start", 0, 4, func(v int, x, weight, level Mem) {
		value := LoadV(x)
		l := HoldBelow(RoundEven(Mul(inverse[v], value)), highest)
		StoreV(level, l)
		square := Mul(value, value)
		product := Mul(Mul(square, value), l)
		StoreV(weight, product)
		Accumulate(sumLX[v], product)
		Accumulate(sumLL[v], Mul(Mul(square, l), l))
	})
	for v := range sumLX {
		StoreV(w.state(slotSumLX, v), sumLX[v])
		scale := Only(Compare(Greater, sumLL[v], Zero()), Div(sumLX[v], sumLL[v]))
		StoreV(w.field(fieldScale, v), Except(LoadMask(w.state(slotEmpty, v)), scale))
	}
	half := w.registers(func(v int) Reg { return Div(LoadV(Constant(0.5)), sumLX[v]) })
	slope := w.registers(func(v int) Reg { return Mul(Add(sumLL[v], sumLL[v]), half[v]) })
	most := w.zeros()
	w.each("test", 0, 4, func(v int, x, product, level Mem) {
		off := And(Sub(Within(Mul(slope[v], x), lowest, highest), level), Bits(Magnitude))
		AddProduct(off, half[v], product)
		RaiseTo(most[v], off)
	})
	report := GP64()
	SetTo(report, 0)
	for v := range most {
		sum := LoadV(w.state(slotSumLX, v))
		moves := Either(Compare(NotLessEqual, most[v], Constant(stays)),
			Either(Compare(NotGreatEq, sum, Constant(leastSum)), Compare(NotLessEqual, sum, Constant(greatestSum))))
		negative := Both(Compare(Less, sum, Constant(0)), Compare(Greater, sum, Constant(-greatestSum)))
		moves = Without(LoadMask(w.state(slotEmpty, v)), Without(negative, moves))
		Merge(report, LaneBits(moves), w.lane(v)/4)
	}
	Give(report)
	End()
}
