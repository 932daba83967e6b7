package search

import (
	"github.com/mmcloughlin/avo/reg"

	. "github.com/f190792d/mq/internal/asm/vec"
)

// The choices of shifts: up, down; or both up, the second down, the first down, both down.
// What weights below an end count is 3/4 of those of a part shifted up and 5/4 of one
// shifted down, and below the end of the run of 1 the other way round, negatively.

// weighed is for each choice the sum of parts, times up where a part is shifted up.
func weighed(up, down float32, parts []Reg) []Reg {
	if len(parts) == 1 {
		return []Reg{Mul(parts[0], Constant(up)), Mul(parts[0], Constant(down))}
	}
	both := Add(parts[0], parts[1])
	a, b := Mul(parts[0], Constant(up)), Mul(parts[0], Constant(down))
	AddProduct(a, parts[1], Constant(down))
	AddProduct(b, parts[1], Constant(up))
	return []Reg{Mul(both, Constant(up)), a, b, Mul(both, Constant(down))}
}

// total is the sum of parts.
func total(parts []Reg) Reg {
	if len(parts) == 1 {
		return parts[0]
	}
	return Add(parts[0], parts[1])
}

// accumulate adds what is at a place to a sum, and keeps that there.
func accumulate(sum Reg, place Mem) {
	Accumulate(sum, place)
	StoreV(place, sum)
}

// sums emits sums below ends. What follows the last end equals it.
func (h ternaryWalk) sums(memory reg.GPVirtual) {
	at, to, left := General(), General(), General()
	Move64(at, h.base)
	Point(to, memory, h.memoryRows())
	SetTo(left, h.ends())
	var x, w []Reg // of each part
	for range h.parts {
		x, w = append(x, Zero()), append(w, Zero())
	}
	put := func() {
		StoreV(Mem{Base: to}, total(x))
		for c, v := range weighed(0.75, 1.25, w) {
			StoreV(Mem{Base: to, Disp: 64 * (1 + c)}, v)
		}
	}
	Mark("sum")
	for part := range h.parts {
		accumulate(x[part], rowOf(at, ternaryX, part*h.ends()))
		accumulate(w[part], rowOf(at, ternaryW, part*h.ends()))
	}
	put()
	Advance(at, row)
	Advance(to, h.memoryRow())
	CountDown(left, "sum")
	if h.step > 1 {
		put()
		StoreV(rowOf(at, ternaryX, 0), x[0])
		StoreV(rowOf(at, ternaryW, 0), w[0])
	}
	for c, v := range append(weighed(1.125, 0.875, x), weighed(1.125*1.125, 0.875*0.875, w)...) {
		StoreV(Mem{Base: memory, Disp: stateBase + 64*c}, v)
	}
	StoreV(Mem{Base: memory, Disp: stateSum}, total(w))
}

// score emits the score of each split, or the best of some, and returns the best.
func (h ternaryWalk) score(memory reg.GPVirtual) (best Reg) {
	i, k, end, to := General(), General(), General(), General()
	Point(i, memory, h.memoryRows())
	Point(end, memory, h.memoryEnd())
	Point(to, memory, h.memoryScores())
	best = Zero()
	n := h.choices()
	Mark("begin")
	first := LoadV(Mem{Base: i})
	x, l := make([]Reg, n), make([]Reg, n)
	for c := range x {
		x[c] = Sub(LoadV(Mem{Base: memory, Disp: stateBase + 64*c}), first)
		l[c] = Add(LoadV(Mem{Base: memory, Disp: stateBase + 64*(n+c)}), Mem{Base: i, Disp: 64 * (1 + c)})
	}
	Move64(k, i)
	Mark("end")
	var score Reg
	for s := range h.step {
		below := LoadV(Mem{Base: k, Disp: s * h.memoryRow()})
		for c := range x {
			lx := Sub(x[c], below)
			v := Mul(Mul(lx, lx), Reciprocal(Sub(l[c], Mem{Base: k, Disp: s*h.memoryRow() + 64*(n-c)})))
			if s+c == 0 {
				score = v
			} else {
				RaiseTo(score, v)
			}
		}
	}
	StoreV(Mem{Base: to}, score)
	RaiseTo(best, score)
	Advance(k, h.step*h.memoryRow())
	Advance(to, 64)
	JumpIfBelow(k, end, "end")
	Advance(i, h.memoryRow())
	JumpIfBelow(i, end, "begin")
	return best
}

// near emits the sets of groups that a split may be the best of.
func (h ternaryWalk) near(memory, near, shift reg.GPVirtual, best Reg) {
	state := func(disp int) Reg { return LoadV(Mem{Base: memory, Disp: disp}) }
	sumW, square := state(stateSum), Mul(state(stateSize), Mem{Base: memory, Disp: stateSize})
	none := Compare(Less, state(stateMost), Constant(h.least))
	sure := Compare(GreaterEqual, Mul(best, sumW), Mul(square, Constant(0.5)))
	also := func(m Mask) { sure = Both(sure, m) }
	also(Compare(Greater, square, Constant(1e-22)))
	also(Compare(Less, square, Constant(1e24)))
	also(Compare(Greater, sumW, Constant(1e-13)))
	also(Compare(Less, sumW, Constant(1e14)))
	also(Compare(Less, best, Constant(1e34)))
	also(Compare(GreaterEqual, state(stateLeast), Constant(0)))
	closeness := float32(1. / 2048)
	if ISA == AVX2 {
		closeness = 1. / 1000
	}
	limit := Choose(sure, Mul(best, Constant(1-closeness)), LoadV(Bits(0x7fc00000)))
	limit = Choose(none, LoadV(Bits(0x7fc00000)), limit)
	unsure, all := LaneSet(Either(sure, none)), General()
	SetTo(all, 1<<Lanes()-1)
	XorInto(unsure, all)
	from, to, left := General(), General(), General()
	Point(from, memory, h.memoryScores())
	Move64(to, near)
	SetTo(left, h.scores()/17)
	Mark("near")
	for i := range 17 {
		set := LaneSet(Compare(LessEqual, limit, Mem{Base: from, Disp: 64 * i}))
		Merge(set, unsure, 0)
		PutSet(Mem{Base: to, Disp: 4 * i}, set, shift)
	}
	Advance(from, 17*64)
	Advance(to, 17*4)
	CountDown(left, "near")
}
