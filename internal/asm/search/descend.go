package search

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/reg"

	. "github.com/f190792d/mq/internal/asm/vec"
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
	d := descent{newWalk(128 / Width()), positive}
	nmax := Everywhere("nmax")
	highest := nmax
	if !positive {
		StoreV(d.state(slotLowest, 0), ToInteger(Xor(nmax, Bits(SignBit))))
		highest = Sub(nmax, Constant(1))
	}
	StoreV(d.state(slotHighest, 0), ToInteger(highest))
	return d
}

// wrap emits the remainder of 256, as a float.
func wrap(t Reg) Reg {
	BitAnd(Bits(0xff), t)
	return ToFloat(t)
}

// level emits the level of f: what sums count, and what is kept.
func (d descent) level(f Op) (counted, kept Reg) {
	t := Near(f)
	if !d.positive {
		l := ToFloat(Between(t, d.state(slotLowest, 0), d.state(slotHighest, 0)))
		return l, l
	}
	AtMost(t, d.state(slotHighest, 0))
	return ToFloat(t), wrap(t)
}

// start emits the first rounding.
func (d descent) start(inverse []Reg) {
	sumLX, sumLL := d.zeros(), d.zeros()
	d.each("start", 0, 1, func(v int, x, weight, level Mem) {
		counted, kept := d.level(Mul(inverse[v], x))
		StoreV(level, kept)
		Accumulate(sumLX[v], Mul(counted, Mul(LoadV(weight), x)))
		Accumulate(sumLL[v], Mul(Mul(counted, weight), counted))
	})
	for v := range sumLX {
		StoreV(d.state(slotSumLX, v), sumLX[v])
		StoreV(d.state(slotSumLL, v), sumLL[v])
	}
}

// descend emits the sweeps.
func (d descent) descend() {
	sumLX := d.registers(func(v int) Reg { return LoadV(d.state(slotSumLX, v)) })
	sumLL := d.registers(func(v int) Reg { return LoadV(d.state(slotSumLL, v)) })
	left := GP64()
	SetTo(left, 5)
	// A vector that has not moved at any position since it was there before never will.
	n, moving := Argument("n"), GP64()
	unseen := make([]reg.GPVirtual, d.vectors) // positions since the last move
	for v := range unseen {
		unseen[v] = GP64()
		Move64(unseen[v], n)
	}
	Mark("sweep")
	step := 0
	d.each("step", 0, 1, func(v int, x, weight, level Mem) {
		stay := fmt.Sprint("stay", step)
		step++
		JumpIfZero(unseen[v], stay)
		Advance(unseen[v], -1)
		product := Mul(LoadV(weight), x)
		lx := Sub(sumLX[v], Mul(product, level))
		ll := Sub(sumLL[v], Mul(Mul(LoadV(weight), level), level))
		l, kept := d.level(Div(Mul(ll, x), lx))
		may := Both(Compare(Greater, lx, Constant(0)), Compare(NotEqual, l, level))
		if d.positive {
			may = Both(may, Compare(Greater, ll, Constant(0)))
		}
		// Few levels move, and where none does no step waits for the
		// one before.
		JumpUnlessAny([]Mask{may}, stay)
		Accumulate(lx, Mul(product, l))
		Accumulate(ll, Mul(Mul(l, weight), l))
		more := Compare(Greater, Mul(Mul(lx, lx), sumLL[v]), Mul(Mul(sumLX[v], sumLX[v]), ll))
		move := Both(may, more)
		if !d.positive {
			move = Both(move, Compare(Greater, ll, Constant(0)))
		}
		StoreV(level, Choose(move, kept, LoadV(level)))
		Replace(move, lx, sumLX[v])
		Replace(move, ll, sumLL[v])
		JumpUnlessAny([]Mask{move}, stay)
		Move64(unseen[v], n)
		Mark(stay)
	})
	SetTo(moving, 0)
	for _, r := range unseen {
		Merge(moving, r, 0)
	}
	JumpIfZero(moving, "done")
	CountDown(left, "sweep")

	Mark("done")
	none := Zero()
	for v := range sumLX {
		scale := Only(Compare(Greater, sumLL[v], none), Div(sumLX[v], sumLL[v]))
		StoreV(d.field(fieldScale, v), Except(LoadMask(d.state(slotEmpty, v)), scale))
	}
	lowest := none
	if !d.positive {
		lowest = ToFloat(LoadV(d.state(slotLowest, 0)))
	}
	d.each("levels", 0, 1, func(v int, _, _, level Mem) {
		StoreV(level, Choose(LoadMask(d.state(slotEmpty, v)), lowest, LoadV(level)))
	})
}

func descend(name string) {
	Begin(name, "func(x *float32, n int, nmax float32)",
		name+" descends in 32 lanes of n values, a multiple of 4; see Scratch.Descend.")
	d := newDescent(false)
	inverse := d.extreme()
	lowest := Xor(Everywhere("nmax"), Bits(SignBit))
	for v, top := range inverse {
		StoreMask(d.state(slotEmpty, v), Compare(Less, And(top, Bits(Magnitude)), Constant(negligible)))
		inverse[v] = Div(lowest, top)
	}
	d.each("squares", 0, 1, func(_ int, x, weight, _ Mem) {
		value := LoadV(x)
		StoreV(weight, Mul(value, value))
	})
	d.start(inverse)
	d.descend()
	End()
}

func searchPositive(name string) {
	Begin(name, "func(x *float32, n int, tops *float32, count int, nmax float32)",
		name+" searches 32 lanes of n values; see Scratch.SearchPositive.")
	d := newDescent(true)
	top := d.zeros()
	d.each("greatest", 0, 1, func(v int, x, _, _ Mem) { Raise(top[v], LoadV(x)) })
	for v := range top {
		StoreV(d.state(slotExtreme, v), top[v])
		StoreMask(d.state(slotEmpty, v), Compare(Less, top[v], Constant(negligible)))
	}
	trial, left := Argument("tops"), Argument("count")
	// fit emits the error of a rounding.
	fit := func(name string, round func(f Reg) Reg) []Reg {
		to := Broadcast(Mem{Base: trial})
		inverse := d.registers(func(v int) Reg { return Div(to, d.state(slotExtreme, v)) })
		scale := d.registers(func(v int) Reg { return Div(LoadV(Constant(1)), inverse[v]) })
		sum := d.zeros()
		d.each(name, 0, 1, func(v int, x, weight, _ Mem) {
			diff := Sub(LoadV(x), Mul(scale[v], round(Mul(inverse[v], x))))
			Accumulate(sum[v], Mul(Mul(diff, weight), diff))
		})
		return sum
	}
	inverse := func(v int) Reg { return Div(Broadcast(Mem{Base: trial}), d.state(slotExtreme, v)) }
	for v, sum := range fit("first", func(f Reg) Reg { return wrap(Near(f)) }) {
		StoreV(d.state(slotLeastError, v), sum)
		StoreV(d.state(slotInverseOfBest, v), inverse(v))
	}
	Jump("next")
	Mark("trial")
	sums := fit("error", func(f Reg) Reg {
		t := Near(f)
		AtMost(t, d.state(slotHighest, 0))
		return ToFloat(t)
	})
	for v, sum := range sums {
		won := Compare(Less, sum, d.state(slotLeastError, v))
		keep := func(at Mem, yes Reg) { StoreV(at, Choose(won, yes, LoadV(at))) }
		keep(d.state(slotLeastError, v), sum)
		keep(d.state(slotInverseOfBest, v), inverse(v))
	}
	Mark("next")
	Advance(trial, 4)
	CountDown(left, "trial")

	d.start(d.registers(func(v int) Reg { return LoadV(d.state(slotInverseOfBest, v)) }))
	d.descend()
	End()
}
