package search

import (
	"fmt"

	"github.com/mmcloughlin/avo/reg"

	. "github.com/f190792d/mq/internal/asm/vec"
)

// negligible is kernel.Negligible.
const negligible = 1e-15

// extreme emits the value of largest magnitude in each lane, the first on a tie.
func (w walk) extreme() []Reg {
	top, value := w.zeros(), w.zeros()
	mask := LoadV(Bits(Magnitude))
	w.each("extreme", 0, 4, func(v int, x, _, _ Mem) {
		signed := LoadV(x)
		size := And(mask, signed)
		more := Compare(Greater, size, top[v])
		Raise(top[v], size)
		Replace(more, signed, value[v])
	})
	return value
}

// The memory of the search for a scale.
const (
	slotTop  = iota // magnitude of the extreme value
	slotSign        // that of all inverses
	slotBestScale
	slotNextInverse // of the next trials
)

// A trial is one inverse scale in each lane, and its sums of w·x·l and w·l².
type trial struct{ inverse, sumLX, sumLL []Reg }

// searchScale emits the search for a scale in 16 or 32 lanes.
//
// It works on magnitudes: the extreme value becomes -nmax or nearly so, so
// that a level of its sign is held to nmax and one of the other sign to nmax-1,
// by one bound for each value. As integers the bits of floats that are not
// negative have the floats' order. No level leaves the range of Nearest: values
// are at most the extreme one, and that becomes at most nmax+1.
func searchScale(name string) {
	Begin(name, "func(x *float32, n int, tops *float32, count int, nmax float32)",
		fmt.Sprintf("%s searches %d lanes of n values, a multiple of 4, by an odd number of tops; see Scratch.SearchScale.", name, side()*Width()/4))
	w := newWalk(side())
	w.bounds()

	top, left := Argument("tops"), Argument("count")
	ShiftDown(left, 1) // the first is tried alone, the others in pairs
	w.invert(top, 1)
	first := w.project("first", 1)[0]
	none := Zero()
	for v := range w.vectors {
		scale := Only(Compare(NotEqual, first.sumLL[v], none), Div(first.sumLX[v], first.sumLL[v]))
		StoreV(w.field(fieldScale, v), scale)
		StoreV(w.field(fieldInverse, v), first.inverse[v])
		StoreV(w.state(slotBestScale, v), Mul(scale, first.sumLX[v]))
	}
	JumpIfZero(left, "done")
	Advance(top, 4)
	w.invert(top, 2)

	Mark("trials")
	// The divisions of the next trials do not wait for these; the last pair's are
	// made once more.
	AdvanceUnlessOne(top, 8, left)
	trials := w.project("project", 2, func() { w.invert(top, 2) })
	for _, t := range trials {
		w.keepBetter(t)
	}
	CountDown(left, "trials")

	Mark("done")
	for v := range w.vectors {
		empty := Compare(Less, LoadV(w.state(slotTop, v)), Constant(negligible))
		inverse := Xor(LoadV(w.state(slotSign, v)), w.field(fieldInverse, v))
		StoreV(w.field(fieldScale, v), Except(empty, w.field(fieldScale, v)))
		StoreV(w.field(fieldInverse, v), Except(empty, inverse))
	}
	End()
}

// bounds emits the extreme values, the greatest magnitude of every level, and
// w·x with the sign of w·x·l in place of the levels, which are not kept.
func (w walk) bounds() {
	extreme := w.extreme()
	mask, sign := LoadV(Bits(Magnitude)), LoadV(Bits(SignBit))
	for v, top := range extreme {
		StoreV(w.state(slotTop, v), And(mask, top))
		StoreV(w.state(slotSign, v), Xor(sign, And(sign, top)))
	}
	most := Everywhere("nmax")
	less := Sub(most, Constant(1))
	none := Zero()
	w.each("products", 0, 4, func(v int, x, weight, level Mem) {
		value := LoadV(x)
		StoreV(level, Xor(And(mask, Mul(value, weight)), w.state(slotSign, v)))
		opposite := Compare(Less, Mul(value, extreme[v]), none)
		StoreV(bound(level), Choose(opposite, less, most))
		StoreV(magnitude(level), And(mask, value))
	})
}

// bound is the place of a level's greatest magnitude, magnitude that of |x|, beside
// that of the level.
func bound(level Mem) Mem     { return level.Offset(fieldMemory - fieldL) }
func magnitude(level Mem) Mem { return level.Offset(fieldMemory + tile - fieldL) }

// invert emits the inverse scales that take the extreme values to the tops.
func (w walk) invert(tops reg.GPVirtual, n int) {
	for i := range n {
		to := And(LoadV(Bits(Magnitude)), Broadcast(Mem{Base: tops, Disp: 4 * i}))
		for v := range w.vectors {
			StoreV(w.state(slotNextInverse+i, v), Div(to, LoadV(w.state(slotTop, v))))
		}
	}
}

// project emits trials of the inverse scales; before their sums it calls next.
func (w walk) project(name string, n int, next ...func()) []trial {
	trials := make([]trial, n)
	for i := range trials {
		inverse := w.registers(func(v int) Reg { return LoadV(w.state(slotNextInverse+i, v)) })
		trials[i] = trial{inverse, w.zeros(), w.zeros()}
	}
	for _, f := range next {
		f()
	}
	w.each(name, 0, 4, func(v int, x, weight, product Mem) {
		size := LoadV(magnitude(product))
		for _, t := range trials {
			l := Mul(t.inverse[v], size)
			AtMost(l, bound(product))
			l = RoundEven(l)
			Accumulate(t.sumLX[v], Mul(l, product))
			Accumulate(t.sumLL[v], Mul(Mul(l, weight), l))
		}
	})
	return trials
}

// keepBetter emits what becomes of lanes where a trial wins. Some lane nearly
// always does, so there is no jump.
func (w walk) keepBetter(t trial) {
	for v := range w.vectors {
		more := Compare(Greater, Mul(t.sumLX[v], t.sumLX[v]), Mul(t.sumLL[v], w.state(slotBestScale, v)))
		won := Both(more, Compare(Greater, t.sumLL[v], Zero()))
		scale := Div(t.sumLX[v], t.sumLL[v])
		keep := func(at Mem, yes Reg) { StoreV(at, Choose(won, yes, LoadV(at))) }
		keep(w.field(fieldScale, v), scale)
		keep(w.field(fieldInverse, v), t.inverse[v])
		keep(w.state(slotBestScale, v), Mul(scale, t.sumLX[v]))
	}
}
