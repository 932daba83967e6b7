package search

import (
	"github.com/mmcloughlin/avo/reg"

	. "github.com/f190792d/mq/internal/asm/vec"
)

// The layout of kernel.Ternary.
const (
	ternaryRanks  = 2 * tile
	ternaryX      = ternaryRanks + tile
	ternaryW      = ternaryX + 34*row
	ternaryBegin  = ternaryW + 34*row
	ternaryEnd    = ternaryBegin + row
	ternaryBias   = ternaryEnd + row
	ternaryFactor = ternaryBias + 2*row
	ternaryCodes  = ternaryFactor + row
	ternarySumX   = ternaryCodes + 4*row
	ternarySumL   = ternarySumX + row
	ternaryTermX  = ternarySumL + row
	ternaryTermL  = ternaryTermX + tile
	ternaryScale  = ternaryTermL + 16*row
	ternaryShifts = ternaryScale + row
	ternaryBest   = ternaryShifts + row
	ternaryNear   = ternaryBest + row
	ternaryMemory = ternaryNear + 4*304
)

// What the memory keeps of groups.
const (
	stateSize  = 64 * iota // Σw·|x|
	stateMost              // the greatest magnitude
	stateLeast             // the least weight
	stateSum               // Σw
	stateBase              // what all sums start from
)

// A ternaryForm is one of kernel.Ternary: groups of so many values in parts that are
// shifted apart. The memory has after what it keeps of groups a row of sums for each end,
// and the scores of splits, all of one vector of lanes.
type ternaryForm struct {
	name   string
	values int
	parts  int
	step   int     // successive second ends that have a score together
	least  float32 // magnitude; groups without one have no split
}

var ternaryForms = []ternaryForm{
	{"OneShift", 32, 1, 2, 1e-12},
	{"TwoShifts", 16, 2, 1, 1e-7},
}

func (f ternaryForm) choices() int      { return 1 << f.parts }
func (f ternaryForm) ends() int         { return f.values + 1 } // of runs of values in order
func (f ternaryForm) memoryRow() int    { return 64 * (1 + f.choices()) }
func (f ternaryForm) memoryRows() int   { return stateBase + 2*f.choices()*64 }
func (f ternaryForm) memoryEnd() int    { return f.memoryRows() + f.ends()*f.memoryRow() }
func (f ternaryForm) memoryScores() int { return f.memoryEnd() + (f.step-1)*f.memoryRow() }

// scores is how many there are.
func (f ternaryForm) scores() (n int) {
	for k := 1; k <= f.ends(); k++ {
		n += (k + f.step - 1) / f.step
	}
	return n
}

// ternary emits the search for splits, and what belongs to it.
func ternary() {
	for _, f := range ternaryForms {
		f.split()
		f.choose()
		f.levels()
		f.project()
	}
}

// A ternaryWalk steps through the lanes of kernel.Ternary, a vector at a time.
type ternaryWalk struct {
	ternaryForm
	base, left reg.GPVirtual
}

func (f ternaryForm) walk(what, doc string) ternaryWalk {
	name := what + f.name + ISA
	Begin(name, "func(x *float32, lanes int)", name+" "+doc)
	return ternaryWalk{f, Argument("x"), Argument("lanes")}
}

func (h ternaryWalk) at(field, i int) Mem { return rowOf(h.base, field, i) }

func rowOf(base reg.GPVirtual, field, i int) Mem { return Mem{Base: base, Disp: field + i*row} }

// each emits the body for every vector.
func (h ternaryWalk) each(body func()) {
	Mark("vector")
	body()
	Advance(h.base, Width())
	CountDownBy(h.left, Width()/4, "vector")
	End()
}

// split emits the search. Of a score lx²/ll the reciprocal is approximate. What is
// near the best by scores is also by the reference's sums, if no sum cancels: Σw·q² is
// between 1/64 and 5/4 of Σw, and no score as good as half of (Σw·|x|)²/Σw has Σw·q·x below
// a twelfth of Σw·|x|. Both start from the same sums below ends, so either's errors are
// below 6e-5 of a score, beside the reciprocal's. Of other groups all splits are near.
func (f ternaryForm) split() {
	h := f.walk("split", "finds the splits of groups that may be the best; see Ternary.Search.")
	memory, near, shift := General(), General(), General()
	Point(memory, h.base, ternaryMemory)
	Point(near, h.base, ternaryNear)
	if ISA == NEON { // which has four bits of a word at a time
		none := Zero()
		for at := 0; at < 4*f.scores(); at += Width() {
			StoreV(Mem{Base: near, Disp: at}, none)
		}
		SetTo(shift, 0)
	}
	h.each(func() {
		h.products(memory)
		h.ranks()
		h.scatter()
		h.sums(memory)
		h.near(memory, near, shift, h.score(memory))
		if ISA == NEON {
			Advance(shift, Lanes())
		} else {
			Advance(near, Lanes()/8)
		}
	})
}

// products emits the products of values and weights, and numbers values.
func (h ternaryWalk) products(memory reg.GPVirtual) {
	at, left := General(), General()
	Move64(at, h.base)
	SetTo(left, h.values)
	size, most, number, least := Zero(), Zero(), Zero(), LoadV(h.at(fieldW, 0))
	Mark("product")
	v, w := LoadV(rowOf(at, fieldX, 0)), LoadV(rowOf(at, fieldW, 0))
	product := Mul(w, v)
	StoreV(rowOf(at, ternaryTermX, 0), product)
	StoreV(rowOf(at, ternaryRanks, 0), number)
	IncreaseInts(number, Bits(1))
	Accumulate(size, And(product, Bits(Magnitude)))
	Raise(most, And(v, Bits(Magnitude)))
	Lower(least, w)
	Advance(at, row)
	CountDown(left, "product")
	StoreV(Mem{Base: memory, Disp: stateSize}, size)
	StoreV(Mem{Base: memory, Disp: stateMost}, most)
	StoreV(Mem{Base: memory, Disp: stateLeast}, least)
}

// ranks emits the ranks of values, in bytes: the number of each, and one more for each less
// that comes later, one less for each greater that came before. Eight are compared with
// all that follow at a time.
func (h ternaryWalk) ranks() {
	at, end, left := General(), General(), General()
	Move64(at, h.base)
	Point(end, h.base, h.values*row)
	SetTo(left, h.values/8)
	Mark("eight")
	var rank [8]Reg
	var x [8]Op
	for i := range rank {
		rank[i], x[i] = LoadV(rowOf(at, ternaryRanks, i)), rowOf(at, fieldX, i)
		if ISA != AVX2 { // which has too few registers
			x[i] = LoadV(rowOf(at, fieldX, i))
		}
	}
	greater := func(v Reg, rankOf Reg, before int) {
		for i := range before {
			m := Compare(Less, v, x[i])
			Count(m, rank[i])
			Discount(m, rankOf)
		}
	}
	for j := 1; j < 8; j++ {
		greater(LoadV(rowOf(at, fieldX, j)), rank[j], j)
	}
	other := General()
	Point(other, at, 8*row)
	Jump("rest")
	Mark("other")
	later := LoadV(rowOf(other, ternaryRanks, 0))
	greater(LoadV(rowOf(other, fieldX, 0)), later, 8)
	StoreV(rowOf(other, ternaryRanks, 0), later)
	Advance(other, row)
	Mark("rest")
	JumpIfBelow(other, end, "other")
	for i, r := range rank {
		StoreV(rowOf(at, ternaryRanks, i), ShiftLeft(r, 7))
	}
	Advance(at, 8*row)
	CountDown(left, "eight")
}

// scatter puts weights and products in order, a lane at a time, each part for itself.
func (h ternaryWalk) scatter() {
	none := Zero()
	for i := range h.parts * h.ends() {
		StoreV(h.at(ternaryX, i), none)
		StoreV(h.at(ternaryW, i), none)
	}
	lane, left := General(), General()
	Move64(lane, h.base)
	SetTo(left, Width()/4)
	Mark("lane")
	for i := range h.values {
		at := Word(rowOf(lane, ternaryRanks, i))
		first := i*h.parts/h.values*h.ends() + 1
		to := func(field int) Mem { return Mem{Base: lane, Index: at, Scale: 1, Disp: field + first*row} }
		MoveWord(to(ternaryX), rowOf(lane, ternaryTermX, i))
		MoveWord(to(ternaryW), rowOf(lane, fieldW, i))
	}
	Advance(lane, 4)
	CountDown(left, "lane")
}

// levels emits the codes of splits.
func (f ternaryForm) levels() {
	h := f.walk("level", "sets the codes of splits; see Ternary.Search.")
	h.each(func() {
		begin, end := ShiftLeft(LoadV(h.at(ternaryBegin, 0)), 7), ShiftLeft(LoadV(h.at(ternaryEnd, 0)), 7)
		for octet := range h.values / 8 {
			// Levels less 2: one less for each end that a rank is below.
			code := Zero()
			for i := 7; i >= 0; i-- {
				rank := LoadV(h.at(ternaryRanks, 8*octet+i))
				code = AddInt(AddInt(ShiftLeft(code, 2), SignOf(SubInt(rank, begin))), SignOf(SubInt(rank, end)))
			}
			StoreV(h.at(ternaryCodes, octet), AddInt(code, Bits(0xaaaa)))
		}
	})
}

// project emits the sums of codes, in the order of the positions, and, of several parts,
// their terms.
func (f ternaryForm) project() {
	h := f.walk("project", "sums the products of codes; see Ternary.Project.")
	h.each(func() {
		factor, sumX, sumL := LoadV(h.at(ternaryFactor, 0)), Zero(), Zero()
		var code, bias Reg
		for i := range h.values {
			if i%8 == 0 {
				code = LoadV(h.at(ternaryCodes, i/8))
			}
			if i*h.parts%h.values == 0 {
				bias = LoadV(h.at(ternaryBias, i*h.parts/h.values))
			}
			level := code
			if i%8 > 0 {
				level = ShiftRight(code, i%8*2)
			}
			level = And(level, Bits(3))
			q := Mul(Add(ToFloat(level), bias), factor)
			wq := Mul(q, h.at(fieldW, i))
			x, l := Mul(wq, h.at(fieldX, i)), Mul(wq, q)
			if h.parts > 1 {
				StoreV(h.at(ternaryTermX, i), x)
				StoreV(h.at(ternaryTermL, i), l)
			}
			Accumulate(sumX, x)
			Accumulate(sumL, l)
		}
		StoreV(h.at(ternarySumX, 0), sumX)
		StoreV(h.at(ternarySumL, 0), sumL)
	})
}
