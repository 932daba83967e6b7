package search

import (
	"github.com/mmcloughlin/avo/reg"

	. "github.com/f190792d/mq/internal/asm/vec"
)

// ternaryNone is no choice of shifts.
const ternaryNone = 255

// A ternaryChoice has in its memory what groups have of a split, and the best so far in
// registers.
type ternaryChoice struct {
	ternaryWalk
	memory              reg.GPVirtual
	best, scale, choice Reg
}

// choose emits the best of a split and of those with the next second ends of its step, for
// each group, by the sums of the reference. Choices of successive ends follow each other.
func (f ternaryForm) choose() {
	h := ternaryChoice{ternaryWalk: f.walk("choose", "takes splits with the shifts that suit them best; see Ternary.Search."), memory: General()}
	Point(h.memory, h.base, ternaryMemory)
	h.each(func() {
		h.gather()
		h.best, h.scale, h.choice = Fresh(Bits(0xff7fffff)), Zero(), Fresh(Bits(ternaryNone))
		for s := range h.step {
			sums := h.sumsOfTwo
			if h.parts == 1 {
				sums = h.sumsOfOne
			}
			for c, sum := range sums(1 + s) {
				h.take(sum, s*h.choices()+c)
			}
		}
		StoreV(h.at(ternaryBest, 0), h.best)
		StoreV(h.at(ternaryScale, 0), h.scale)
		StoreV(h.at(ternaryShifts, 0), h.choice)
	})
}

// x and w are sums below the first end, and those after it, of a part.
func (h ternaryChoice) x(part, end int) Mem { return h.slot(2*part, end) }
func (h ternaryChoice) w(part, end int) Mem { return h.slot(2*part+1, end) }

func (h ternaryChoice) slot(i, end int) Mem {
	return Mem{Base: h.memory, Disp: 64 * (i*(1+h.step) + end)}
}

// all is a sum over all values of a part.
func (h ternaryChoice) all(field, part int) Mem { return h.at(field, (part+1)*h.ends()-1) }

// gather emits the copies of sums, a lane at a time.
func (h ternaryChoice) gather() {
	lane, to, left := General(), h, General()
	to.memory = General()
	Move64(lane, h.base)
	Move64(to.memory, h.memory)
	SetTo(left, Lanes())
	Mark("lane")
	for end := range 1 + h.step {
		field := ternaryBegin
		if end > 0 {
			field = ternaryEnd
		}
		at := Word(rowOf(lane, field, 0))
		Times(at, 7)
		for part := range h.parts {
			from := func(field int) Mem {
				return Mem{Base: lane, Index: at, Scale: 1, Disp: field + (part*h.ends()+max(end-1, 0))*row}
			}
			MoveWord(to.x(part, end), from(ternaryX))
			MoveWord(to.w(part, end), from(ternaryW))
		}
	}
	Advance(lane, 4)
	Advance(to.memory, 4)
	CountDown(left, "lane")
}

// sumsOfOne emits Σw·q·x and Σw·q² for each shift, of the three runs.
func (h ternaryChoice) sumsOfOne(end int) (sums [][2]Reg) {
	first := LoadV(h.x(0, 0))
	second, weight := LoadV(h.x(0, end)), LoadV(h.w(0, end))
	x := []Reg{first, Sub(second, first), Sub(LoadV(h.all(ternaryX, 0)), second)}
	light := LoadV(h.w(0, 0))
	w := []Reg{light, Sub(weight, light), Sub(LoadV(h.all(ternaryW, 0)), weight)}
	for _, levels := range [2][3]float32{{-0.875, 0.125, 1.125}, {-1.125, -0.125, 0.875}} {
		var lx, ll Reg
		for i, v := range levels {
			q := Constant(v)
			a, b := Mul(x[i], q), Mul(Mul(w[i], q), q)
			if i > 0 {
				a, b = Add(lx, a), Add(ll, b)
			}
			lx, ll = a, b
		}
		sums = append(sums, [2]Reg{lx, ll})
	}
	return sums
}

// sumsOfTwo emits the same for each choice of shifts, from those of both halves.
func (h ternaryChoice) sumsOfTwo(end int) (sums [][2]Reg) {
	var halves [4][2]Reg // by part, then by shift
	for part := range 2 {
		below := Add(LoadV(h.x(part, 0)), h.x(part, end))
		x, w := LoadV(h.all(ternaryX, part)), LoadV(h.all(ternaryW, part))
		for shift, q := range [2]float32{1.125, 0.875} {
			// What a level more counts is exact.
			first, second := Constant(0.75), Constant(-1.25)
			if shift == 1 {
				first, second = Constant(1.25), Constant(-0.75)
			}
			l := Mul(Mul(w, Constant(q)), Constant(q))
			l = Add(l, Mul(LoadV(h.w(part, 0)), first))
			l = Add(l, Mul(LoadV(h.w(part, end)), second))
			halves[2*part+shift] = [2]Reg{Sub(Mul(x, Constant(q)), below), l}
		}
	}
	for c := range 4 {
		a, b := halves[c>>1], halves[2+c&1]
		sums = append(sums, [2]Reg{Add(a[0], b[0]), Add(a[1], b[1])})
	}
	return sums
}

// take emits the choice of a split that is better than the best.
func (h ternaryChoice) take(sum [2]Reg, choice int) {
	x, l := sum[0], sum[1]
	better := Both(Compare(Greater, Mul(x, x), Mul(h.best, l)), Compare(Greater, l, Constant(0)))
	scale := Div(x, l)
	Replace(better, Mul(scale, x), h.best)
	Replace(better, scale, h.scale)
	Replace(better, LoadV(Bits(uint32(choice))), h.choice)
}
