package search

import (
	"fmt"

	. "github.com/f190792d/mq/internal/asm/vec"
)

// searchNonLinear emits the search for the scale of non-linear levels. Only
// sums of levels are kept, so no level is stored.
func searchNonLinear(name string) {
	Begin(name, "func(x *float32, n int, tops *float32, count int)",
		fmt.Sprintf("%s searches %d lanes of n values, a multiple of 4; see Scratch.SearchNonLinear.", name, side()*Width()/4))
	w := newWalk(side())
	for v, top := range w.extreme() {
		StoreV(w.state(slotTop, v), top)
	}
	project := func(name string, inverse []Reg) (sumLX, sumLL []Reg) {
		sumLX, sumLL = w.zeros(), w.zeros()
		w.each(name, 0, 4, func(v int, x, weight, _ Mem) {
			q := NonLinearValue(NonLinearLevel(Mul(inverse[v], x)))
			wq := Mul(q, weight)
			Accumulate(sumLX[v], Mul(wq, x))
			Accumulate(sumLL[v], Mul(wq, q))
		})
		return sumLX, sumLL
	}

	// The first trial maps the extreme value to 127 by another formula.
	one := LoadV(Constant(1))
	inverse := w.registers(func(v int) Reg {
		return Div(one, Div(LoadV(w.state(slotTop, v)), Constant(127)))
	})
	sumLX, sumLL := project("first", inverse)
	none := Zero()
	for v := range w.vectors {
		scale := Only(Compare(Greater, sumLL[v], none), Div(sumLX[v], sumLL[v]))
		StoreV(w.field(fieldScale, v), scale)
		StoreV(w.state(slotBestScale, v), Mul(scale, sumLX[v]))
	}

	top, left := Argument("tops"), Argument("count")
	Mark("trial")
	to := Broadcast(Mem{Base: top})
	inverse = w.registers(func(v int) Reg { return Div(to, w.state(slotTop, v)) })
	sumLX, sumLL = project("project", inverse)
	none = Zero()
	won := w.masks(func(v int) Mask {
		more := Compare(Greater, Mul(sumLX[v], sumLX[v]), Mul(sumLL[v], w.state(slotBestScale, v)))
		return Both(more, Compare(Greater, sumLL[v], none))
	})
	JumpUnlessAny(won, "next")
	for v := range w.vectors {
		scale := Div(sumLX[v], sumLL[v])
		keep := func(at Mem, yes Reg) { StoreV(at, Choose(won[v], yes, LoadV(at))) }
		keep(w.field(fieldScale, v), scale)
		keep(w.state(slotBestScale, v), Mul(scale, sumLX[v]))
	}
	Mark("next")
	Advance(top, 4)
	CountDown(left, "trial")

	for v := range w.vectors {
		size := And(LoadV(Bits(Magnitude)), w.state(slotTop, v))
		empty := Compare(Less, size, Constant(negligible))
		StoreV(w.field(fieldScale, v), Except(empty, w.field(fieldScale, v)))
	}
	End()
}
