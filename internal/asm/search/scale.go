package search

import (
	"fmt"

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
	slotTop = iota
	slotBestScale
)

// searchScale emits the search for a scale in 16 lanes. No level leaves the
// range of Nearest: values are at most the extreme one, and that becomes at
// most nmax+1.
func searchScale(name string) {
	Begin(name, "func(x *float32, n int, tops *float32, count int, nmax float32)",
		fmt.Sprintf("%s searches %d lanes of n values, a multiple of 4; see Scratch.SearchScale.", name, side()*Width()/4))
	w := newWalk(side())
	for v, top := range w.extreme() {
		StoreV(w.state(slotTop, v), top)
	}
	most := Everywhere("nmax")
	lowest := Xor(most, Bits(SignBit))
	highest := Sub(most, Constant(1))
	// w·x takes the place of the levels, which are not kept.
	w.each("products", 0, 4, func(_ int, x, weight, level Mem) { StoreV(level, Mul(LoadV(x), weight)) })

	top, left := Argument("tops"), Argument("count")
	project := func(name string) (inverse, sumLX, sumLL []Reg) {
		to := Broadcast(Mem{Base: top})
		inverse = w.registers(func(v int) Reg { return Div(to, LoadV(w.state(slotTop, v))) })
		sumLX, sumLL = w.zeros(), w.zeros()
		w.each(name, 0, 4, func(v int, x, weight, product Mem) {
			l := ClampRound(Mul(inverse[v], x), lowest, highest)
			Accumulate(sumLX[v], Mul(l, product))
			Accumulate(sumLL[v], Mul(Mul(l, weight), l))
		})
		return inverse, sumLX, sumLL
	}

	inverse, sumLX, sumLL := project("first")
	none := Zero()
	for v := range w.vectors {
		scale := Only(Compare(NotEqual, sumLL[v], none), Div(sumLX[v], sumLL[v]))
		StoreV(w.field(fieldScale, v), scale)
		StoreV(w.field(fieldInverse, v), inverse[v])
		StoreV(w.state(slotBestScale, v), Mul(scale, sumLX[v]))
	}
	Jump("next")

	Mark("trial")
	inverse, sumLX, sumLL = project("project")
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
		keep(w.field(fieldInverse, v), inverse[v])
		keep(w.state(slotBestScale, v), Mul(scale, sumLX[v]))
	}
	Mark("next")
	Advance(top, 4)
	CountDown(left, "trial")

	for v := range w.vectors {
		size := And(LoadV(Bits(Magnitude)), w.state(slotTop, v))
		empty := Compare(Less, size, Constant(negligible))
		StoreV(w.field(fieldScale, v), Except(empty, w.field(fieldScale, v)))
		StoreV(w.field(fieldInverse, v), Except(empty, w.field(fieldInverse, v)))
	}
	End()
}
