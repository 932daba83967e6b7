package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
)

// The memory of coordinate descent and of the search that ends with it.
const (
	slotSumLX = iota
	slotSumLL
	slotLowest  // of the levels, as integers
	slotHighest // likewise
	slotExtreme
	slotEmpty // mask: all values are negligible
	slotInverseOfBest
	slotLeastError
)

// A descent is coordinate descent in all 32 lanes: each step waits for a
// division, so the more lanes side by side the better.
type descent struct {
	walk
	positive bool // levels 0…nmax, of which negative ones wrap; else -nmax…nmax-1
}

func newDescent(positive bool) descent {
	d := descent{newWalk(128 / width()), positive}
	nmax := everywhere("nmax")
	highest := nmax
	if !positive {
		store(d.state(slotLowest, 0), toInteger(xor(nmax, bits(signBit))))
		highest = sub(nmax, constant(1))
	}
	store(d.state(slotHighest, 0), toInteger(highest))
	return d
}

// wrap emits the remainder of 256, as a float.
func wrap(t Reg) Reg {
	bitAnd(bits(0xff), t)
	return toFloat(t)
}

// level emits the level of f: what sums count, and what is kept.
func (d descent) level(f Op) (counted, kept Reg) {
	t := near(f)
	if !d.positive {
		l := toFloat(between(t, d.state(slotLowest, 0), d.state(slotHighest, 0)))
		return l, l
	}
	atMost(t, d.state(slotHighest, 0))
	return toFloat(t), wrap(t)
}

// start emits the first rounding.
func (d descent) start(inverse []Reg) {
	sumLX, sumLL := d.zeros(), d.zeros()
	d.each("start", 0, 1, func(v int, x, weight, level Mem) {
		counted, kept := d.level(mul(inverse[v], x))
		store(level, kept)
		accumulate(sumLX[v], mul(counted, mul(load(weight), x)))
		accumulate(sumLL[v], mul(mul(counted, weight), counted))
	})
	for v := range sumLX {
		store(d.state(slotSumLX, v), sumLX[v])
		store(d.state(slotSumLL, v), sumLL[v])
	}
}

// descend emits the sweeps.
func (d descent) descend() {
	sumLX := d.registers(func(v int) Reg { return load(d.state(slotSumLX, v)) })
	sumLL := d.registers(func(v int) Reg { return load(d.state(slotSumLL, v)) })
	left := GP64()
	set(left, 5)
	// Vectors without a move in one sweep have none in the next.
	moving, moved := GP64(), GP64()
	set(moved, 1<<32-1)
	label("sweep")
	move64(moving, moved)
	set(moved, 0)
	step := 0
	d.each("step", 0, 1, func(v int, x, weight, level Mem) {
		stay := fmt.Sprint("stay", step)
		step++
		first := d.lane(v) / 4
		jumpUnlessBits(moving, (1<<(width()/4)-1)<<first, stay)
		product := mul(load(weight), x)
		lx := sub(sumLX[v], mul(product, level))
		ll := sub(sumLL[v], mul(mul(load(weight), level), level))
		l, kept := d.level(div(mul(ll, x), lx))
		may := both(compare(greater, lx, constant(0)), compare(notEqual, l, level))
		if d.positive {
			may = both(may, compare(greater, ll, constant(0)))
		}
		// Few levels move, and where none does no step waits for the
		// one before.
		jumpUnlessAny([]Mask{may}, stay)
		accumulate(lx, mul(product, l))
		accumulate(ll, mul(mul(l, weight), l))
		more := compare(greater, mul(mul(lx, lx), sumLL[v]), mul(mul(sumLX[v], sumLX[v]), ll))
		move := both(may, more)
		if !d.positive {
			move = both(move, compare(greater, ll, constant(0)))
		}
		store(level, choose(move, kept, load(level)))
		replace(move, lx, sumLX[v])
		replace(move, ll, sumLL[v])
		merge(moved, lanes(move), first)
		label(stay)
	})
	jumpIfZero(moved, "done")
	countDown(left, "sweep")

	label("done")
	none := zero()
	for v := range sumLX {
		scale := only(compare(greater, sumLL[v], none), div(sumLX[v], sumLL[v]))
		store(d.field(fieldScale, v), except(loadMask(d.state(slotEmpty, v)), scale))
	}
	lowest := none
	if !d.positive {
		lowest = toFloat(load(d.state(slotLowest, 0)))
	}
	d.each("levels", 0, 1, func(v int, _, _, level Mem) {
		store(level, choose(loadMask(d.state(slotEmpty, v)), lowest, load(level)))
	})
}

func descend(name string) {
	begin(name, "func(x *float32, n int, nmax float32)",
		name+" descends in 32 lanes of n values, a multiple of 4; see Scratch.Descend.")
	d := newDescent(false)
	inverse := d.extreme()
	lowest := xor(everywhere("nmax"), bits(signBit))
	for v, top := range inverse {
		storeMask(d.state(slotEmpty, v), compare(less, and(top, bits(magnitude)), constant(negligible)))
		inverse[v] = div(lowest, top)
	}
	d.each("squares", 0, 1, func(_ int, x, weight, _ Mem) {
		value := load(x)
		store(weight, mul(value, value))
	})
	d.start(inverse)
	d.descend()
	end()
}

func searchPositive(name string) {
	begin(name, "func(x *float32, n int, tops *float32, count int, nmax float32)",
		name+" searches 32 lanes of n values; see Scratch.SearchPositive.")
	d := newDescent(true)
	top := d.zeros()
	d.each("greatest", 0, 1, func(v int, x, _, _ Mem) { raise(top[v], load(x)) })
	for v := range top {
		store(d.state(slotExtreme, v), top[v])
		storeMask(d.state(slotEmpty, v), compare(less, top[v], constant(negligible)))
	}
	trial, left := argument("tops"), argument("count")
	// fit emits the error of a rounding.
	fit := func(name string, round func(f Reg) Reg) []Reg {
		to := broadcast(Mem{Base: trial})
		inverse := d.registers(func(v int) Reg { return div(to, d.state(slotExtreme, v)) })
		scale := d.registers(func(v int) Reg { return div(load(constant(1)), inverse[v]) })
		sum := d.zeros()
		d.each(name, 0, 1, func(v int, x, weight, _ Mem) {
			diff := sub(load(x), mul(scale[v], round(mul(inverse[v], x))))
			accumulate(sum[v], mul(mul(diff, weight), diff))
		})
		return sum
	}
	inverse := func(v int) Reg { return div(broadcast(Mem{Base: trial}), d.state(slotExtreme, v)) }
	for v, sum := range fit("first", func(f Reg) Reg { return wrap(near(f)) }) {
		store(d.state(slotLeastError, v), sum)
		store(d.state(slotInverseOfBest, v), inverse(v))
	}
	jump("next")
	label("trial")
	sums := fit("error", func(f Reg) Reg {
		t := near(f)
		atMost(t, d.state(slotHighest, 0))
		return toFloat(t)
	})
	for v, sum := range sums {
		won := compare(less, sum, d.state(slotLeastError, v))
		keep := func(at Mem, yes Reg) { store(at, choose(won, yes, load(at))) }
		keep(d.state(slotLeastError, v), sum)
		keep(d.state(slotInverseOfBest, v), inverse(v))
	}
	label("next")
	advance(trial, 4)
	countDown(left, "trial")

	d.start(d.registers(func(v int) Reg { return load(d.state(slotInverseOfBest, v)) }))
	d.descend()
	end()
}
