package search

import (
	"github.com/mmcloughlin/avo/reg"

	. "github.com/f190792d/mq/internal/asm/vec"
)

// The layout of kernel.Halves. Its memory has a row of sums for each end, what all sums
// start from, and the scores of splits, all of one vector of lanes.
const (
	halvesEnds   = 17
	halvesSplits = halvesEnds * (halvesEnds + 1) / 2

	halvesRanks  = 2 * tile
	halvesX      = halvesRanks + 16*row
	halvesW      = halvesX + 2*halvesEnds*row
	halvesBegin  = halvesW + 2*halvesEnds*row
	halvesEnd    = halvesBegin + row
	halvesBias   = halvesEnd + row
	halvesFactor = halvesBias + 2*row
	halvesCodes  = halvesFactor + row
	halvesSumX   = halvesCodes + 2*row
	halvesSumL   = halvesSumX + row
	halvesTermX  = halvesSumL + row
	halvesTermL  = halvesTermX + 16*row
	halvesNear   = halvesTermL + 16*row
	halvesMemory = halvesNear + 4*156

	memoryRow    = 5 * 64 // Σw·x, then what Σw counts for each choice of shifts
	memoryBase   = halvesEnds * memoryRow
	memoryState  = memoryBase + 8*64
	memoryScores = memoryState + 4*64
)

// What the memory keeps of groups.
const (
	stateSize  = memoryState + 64*iota // Σw·|x|
	stateMost                          // the greatest magnitude
	stateLeast                         // the least weight
	stateSum                           // Σw
)

// halves emits the search for splits, and what belongs to it.
func halves() {
	splitHalves("splitHalves" + ISA)
	levelHalves("levelHalves" + ISA)
	projectHalves("projectHalves" + ISA)
}

// A halvesWalk steps through the lanes of kernel.Halves, a vector at a time.
type halvesWalk struct{ base, left reg.GPVirtual }

func newHalvesWalk(name, doc string) halvesWalk {
	Begin(name, "func(x *float32, lanes int)", doc)
	return halvesWalk{Argument("x"), Argument("lanes")}
}

func (h halvesWalk) at(field, i int) Mem { return Mem{Base: h.base, Disp: field + i*row} }

// each emits the body for every vector.
func (h halvesWalk) each(body func()) {
	Mark("vector")
	body()
	Advance(h.base, Width())
	CountDownBy(h.left, Width()/4, "vector")
	End()
}

// splitHalves emits the search. Of a score lx²/ll the reciprocal is approximate. What is
// near the best by scores is also by the reference's sums, if no sum cancels: Σw·q² is
// between 1/64 and 5/4 of Σw, and no score as good as half of (Σw·|x|)²/Σw has Σw·q·x below
// a twelfth of Σw·|x|. So either's errors are below 6e-5 of a score, beside the reciprocal's.
// Of other groups all splits are near.
func splitHalves(name string) {
	h := newHalvesWalk(name, name+" finds the splits of groups that may be the best; see Halves.Search.")
	memory, near, shift := General(), General(), General()
	Point(memory, h.base, halvesMemory)
	Point(near, h.base, halvesNear)
	if ISA == NEON { // which has four bits of a word at a time
		none := Zero()
		for at := 0; at < 4*halvesSplits; at += Width() {
			StoreV(Mem{Base: near, Disp: at}, none)
		}
		SetTo(shift, 0)
	}
	h.each(func() {
		h.ranks(memory)
		h.scatter()
		h.sums(memory)
		h.near(memory, near, shift, scoreSplits(memory))
		if ISA == NEON {
			Advance(shift, Lanes())
		} else {
			Advance(near, Lanes()/8)
		}
	})
}

// ranks emits the ranks of values and their products with weights.
func (h halvesWalk) ranks(memory reg.GPVirtual) {
	size, most, least := Zero(), Zero(), LoadV(h.at(fieldW, 0))
	for i := range 16 {
		v, rank := LoadV(h.at(fieldX, i)), Zero()
		w := LoadV(h.at(fieldW, i))
		product := Mul(w, v)
		StoreV(h.at(halvesTermX, i), product)
		Accumulate(size, And(product, Bits(Magnitude)))
		Raise(most, And(v, Bits(Magnitude)))
		Lower(least, w)
		for j := range 16 {
			switch {
			case j < i:
				Count(Compare(GreaterEqual, v, h.at(fieldX, j)), rank)
			case j > i:
				Count(Compare(Greater, v, h.at(fieldX, j)), rank)
			}
		}
		StoreV(h.at(halvesRanks, i), ShiftLeft(rank, 7)) // in bytes
	}
	StoreV(Mem{Base: memory, Disp: stateSize}, size)
	StoreV(Mem{Base: memory, Disp: stateMost}, most)
	StoreV(Mem{Base: memory, Disp: stateLeast}, least)
}

// scatter puts weights and products in order, a lane at a time, each half for itself.
func (h halvesWalk) scatter() {
	none := Zero()
	for i := range 4 * halvesEnds {
		StoreV(h.at(halvesX, i), none)
	}
	lane, left := General(), General()
	Move64(lane, h.base)
	SetTo(left, Width()/4)
	Mark("lane")
	for i := range 16 {
		at := Word(Mem{Base: lane, Disp: halvesRanks + i*row})
		half := i / 8 * halvesEnds
		to := func(field int) Mem { return Mem{Base: lane, Index: at, Scale: 1, Disp: field + (half+1)*row} }
		MoveWord(to(halvesX), Mem{Base: lane, Disp: halvesTermX + i*row})
		MoveWord(to(halvesW), Mem{Base: lane, Disp: fieldW + i*row})
	}
	Advance(lane, 4)
	CountDown(left, "lane")
}

// The choices of shifts: both up, the second down, the first down, both down.
// What weights below an end count is 3/4 of those of a half shifted up and 5/4 of one
// shifted down, and below the end of the run of 1 the other way round, negatively.

// weighed is a·x + b·y for each choice, with a for a half that is shifted up.
func weighed(up, down float32, first, second Reg) [4]Reg {
	both := Add(first, second)
	a, b := Mul(first, Constant(up)), Mul(first, Constant(down))
	AddProduct(a, second, Constant(down))
	AddProduct(b, second, Constant(up))
	return [4]Reg{Mul(both, Constant(up)), a, b, Mul(both, Constant(down))}
}

// sums emits sums below ends.
func (h halvesWalk) sums(memory reg.GPVirtual) {
	at, to, left := General(), General(), General()
	Move64(at, h.base)
	Move64(to, memory)
	SetTo(left, halvesEnds)
	var sum [4]Reg // of the products of both halves, and of the weights
	for i := range sum {
		sum[i] = Zero()
	}
	Mark("sum")
	for i := range sum {
		place := Mem{Base: at, Disp: halvesX + i*halvesEnds*row}
		Accumulate(sum[i], place)
		StoreV(place, sum[i])
	}
	StoreV(Mem{Base: to}, Add(sum[0], sum[1]))
	for c, v := range weighed(0.75, 1.25, sum[2], sum[3]) {
		StoreV(Mem{Base: to, Disp: 64 * (1 + c)}, v)
	}
	Advance(at, row)
	Advance(to, memoryRow)
	CountDown(left, "sum")
	for c, v := range weighed(1.125, 0.875, sum[0], sum[1]) {
		StoreV(Mem{Base: memory, Disp: memoryBase + 64*c}, v)
	}
	for c, v := range weighed(1.125*1.125, 0.875*0.875, sum[2], sum[3]) {
		StoreV(Mem{Base: memory, Disp: memoryBase + 64*(4+c)}, v)
	}
	StoreV(Mem{Base: memory, Disp: stateSum}, Add(sum[2], sum[3]))
}

// scoreSplits emits the score of each split, and returns the best.
func scoreSplits(memory reg.GPVirtual) (best Reg) {
	i, k, end, to := General(), General(), General(), General()
	Move64(i, memory)
	Point(end, memory, memoryBase)
	Point(to, memory, memoryScores)
	best = Zero()
	Mark("begin")
	first := LoadV(Mem{Base: i})
	var x, l [4]Reg
	for c := range x {
		x[c] = Sub(LoadV(Mem{Base: memory, Disp: memoryBase + 64*c}), first)
		l[c] = Add(LoadV(Mem{Base: memory, Disp: memoryBase + 64*(4+c)}), Mem{Base: i, Disp: 64 * (1 + c)})
	}
	Move64(k, i)
	Mark("end")
	below := LoadV(Mem{Base: k})
	var score Reg
	for c := range x {
		lx := Sub(x[c], below)
		s := Mul(Mul(lx, lx), Reciprocal(Sub(l[c], Mem{Base: k, Disp: 64 * (4 - c)})))
		if c > 0 {
			s = Greatest(s, score)
		}
		score = s
	}
	StoreV(Mem{Base: to}, score)
	Raise(best, score)
	Advance(k, memoryRow)
	Advance(to, 64)
	JumpIfBelow(k, end, "end")
	Advance(i, memoryRow)
	JumpIfBelow(i, end, "begin")
	return best
}

// near emits the sets of groups that a split may be the best of.
func (h halvesWalk) near(memory, near, shift reg.GPVirtual, best Reg) {
	state := func(disp int) Reg { return LoadV(Mem{Base: memory, Disp: disp}) }
	sumW, square := state(stateSum), Mul(state(stateSize), Mem{Base: memory, Disp: stateSize})
	none := Compare(Less, state(stateMost), Constant(1e-7))
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
	Point(from, memory, memoryScores)
	Move64(to, near)
	SetTo(left, halvesSplits/9)
	Mark("near")
	for i := range 9 {
		set := LaneSet(Compare(LessEqual, limit, Mem{Base: from, Disp: 64 * i}))
		Merge(set, unsure, 0)
		PutSet(Mem{Base: to, Disp: 4 * i}, set, shift)
	}
	Advance(from, 9*64)
	Advance(to, 9*4)
	CountDown(left, "near")
}

// levelHalves emits the codes of splits.
func levelHalves(name string) {
	h := newHalvesWalk(name, name+" sets the codes of splits; see Halves.Search.")
	h.each(func() {
		begin, end := ShiftLeft(LoadV(h.at(halvesBegin, 0)), 7), ShiftLeft(LoadV(h.at(halvesEnd, 0)), 7)
		for half := range 2 {
			// Levels less 2: one less for each end that a rank is below.
			code := Zero()
			for i := 7; i >= 0; i-- {
				rank := LoadV(h.at(halvesRanks, 8*half+i))
				code = AddInt(AddInt(ShiftLeft(code, 2), SignOf(SubInt(rank, begin))), SignOf(SubInt(rank, end)))
			}
			StoreV(h.at(halvesCodes, half), AddInt(code, Bits(0xaaaa)))
		}
	})
}

// projectHalves emits the sums of codes, in the order of the positions.
func projectHalves(name string) {
	h := newHalvesWalk(name, name+" sums the products of codes; see Halves.Project.")
	h.each(func() {
		factor, sumX, sumL := LoadV(h.at(halvesFactor, 0)), Zero(), Zero()
		for half := range 2 {
			code, bias := LoadV(h.at(halvesCodes, half)), LoadV(h.at(halvesBias, half))
			for i := 8 * half; i < 8*half+8; i++ {
				level := code
				if i%8 > 0 {
					level = ShiftRight(code, i%8*2)
				}
				level = And(level, Bits(3))
				q := Mul(Add(ToFloat(level), bias), factor)
				wq := Mul(q, h.at(fieldW, i))
				x, l := Mul(wq, h.at(fieldX, i)), Mul(wq, q)
				StoreV(h.at(halvesTermX, i), x)
				StoreV(h.at(halvesTermL, i), l)
				Accumulate(sumX, x)
				Accumulate(sumL, l)
			}
		}
		StoreV(h.at(halvesSumX, 0), sumX)
		StoreV(h.at(halvesSumL, 0), sumL)
	})
}
