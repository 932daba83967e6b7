package main

import "fmt"

// negligible is kernel.Negligible.
const negligible = 1e-15

// extreme emits the value of largest magnitude in each lane, the first on a tie.
func (w walk) extreme() []Reg {
	top, value := w.zeros(), w.zeros()
	mask := load(bits(magnitude))
	w.each("extreme", 0, 4, func(v int, x, _, _ Mem) {
		signed := load(x)
		size := and(mask, signed)
		more := compare(greater, size, top[v])
		raise(top[v], size)
		replace(more, signed, value[v])
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
	begin(name, "func(x *float32, n int, tops *float32, count int, nmax float32)",
		fmt.Sprintf("%s searches %d lanes of n values, a multiple of 4; see Scratch.SearchScale.", name, side()*width()/4))
	w := newWalk(side())
	for v, top := range w.extreme() {
		store(w.state(slotTop, v), top)
	}
	most := everywhere("nmax")
	lowest := xor(most, bits(signBit))
	highest := sub(most, constant(1))
	// w·x takes the place of the levels, which are not kept.
	w.each("products", 0, 4, func(_ int, x, weight, level Mem) { store(level, mul(load(x), weight)) })

	top, left := argument("tops"), argument("count")
	project := func(name string) (inverse, sumLX, sumLL []Reg) {
		to := broadcast(Mem{Base: top})
		inverse = w.registers(func(v int) Reg { return div(to, load(w.state(slotTop, v))) })
		sumLX, sumLL = w.zeros(), w.zeros()
		w.each(name, 0, 4, func(v int, x, weight, product Mem) {
			l := clampRound(mul(inverse[v], x), lowest, highest)
			accumulate(sumLX[v], mul(l, product))
			accumulate(sumLL[v], mul(mul(l, weight), l))
		})
		return inverse, sumLX, sumLL
	}

	inverse, sumLX, sumLL := project("first")
	none := zero()
	for v := range w.vectors {
		scale := only(compare(notEqual, sumLL[v], none), div(sumLX[v], sumLL[v]))
		store(w.field(fieldScale, v), scale)
		store(w.field(fieldInverse, v), inverse[v])
		store(w.state(slotBestScale, v), mul(scale, sumLX[v]))
	}
	jump("next")

	label("trial")
	inverse, sumLX, sumLL = project("project")
	none = zero()
	won := w.masks(func(v int) Mask {
		more := compare(greater, mul(sumLX[v], sumLX[v]), mul(sumLL[v], w.state(slotBestScale, v)))
		return both(more, compare(greater, sumLL[v], none))
	})
	jumpUnlessAny(won, "next")
	for v := range w.vectors {
		scale := div(sumLX[v], sumLL[v])
		keep := func(at Mem, yes Reg) { store(at, choose(won[v], yes, load(at))) }
		keep(w.field(fieldScale, v), scale)
		keep(w.field(fieldInverse, v), inverse[v])
		keep(w.state(slotBestScale, v), mul(scale, sumLX[v]))
	}
	label("next")
	advance(top, 4)
	countDown(left, "trial")

	for v := range w.vectors {
		size := and(load(bits(magnitude)), w.state(slotTop, v))
		empty := compare(less, size, constant(negligible))
		store(w.field(fieldScale, v), except(empty, w.field(fieldScale, v)))
		store(w.field(fieldInverse, v), except(empty, w.field(fieldInverse, v)))
	}
	end()
}
