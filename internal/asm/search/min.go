package search

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/reg"

	. "github.com/f190792d/mq/internal/asm/vec"
)

// The memory of the search for scale and minimum, beside the fields of its
// result.
const (
	slotLow = iota // minimum of the best trial
	slotHigh
	slotSumW
	slotSumX
	slotBest    // its error
	slotFlat    // mask: all values are equal
	slotBound   // least range that keeps levels in the range of Nearest
	slotOutside // mask: some trial's range was below the bound
	slotL       // sums of a trial: of w·l,
	slotLL      // w·l²
	slotXL      // and w·l·x
	slotSolved  // mask: the trial's problem has a solution, which is
	slotNewScale
	slotNewLow
	slotInverse // of the trial
	slotError   // likewise
)

// Ranges within these bounds have finite inverses and finite differences.
const (
	leastRange    = 0x1p-100
	greatestRange = 0x1p100
	largest       = 0x1.fffffep127
	narrowest     = 0x1p-12
)

// searchMin emits the search for scale and minimum in so many parts of two
// vectors. The steps of a trial wait for each other; where there are two parts
// one works while the other waits.
//
// Levels are floats, and are rounded after they were clamped. This equals
// Nearest up to ±2^22. The plain range r keeps levels within 0…NMax; later
// trials round from another minimum, with a range of at least 2^-12·r or else
// the lane is reported as out of range, so levels stay above -2^12·top.
func searchMin(name string, parts int, absolute bool) {
	Begin(name, "func(x *float32, n int, trials *float32, count int, nmax float32) uint32",
		fmt.Sprintf("%s searches %d lanes of n values, a multiple of 4; see Scratch.SearchMin.", name, parts*side()*Width()/4))
	w := newWalk(side())
	var all []minSearch
	for _, part := range w.parts(parts) {
		all = append(all, minSearch{part, absolute})
	}
	for _, s := range all {
		s.sums()
		s.plain()
	}
	trial, left := Argument("trials"), Argument("count")
	JumpIfZero(left, "done")
	for _, s := range all {
		s.nextInverse(trial)
	}
	Mark("trial")
	for _, s := range all {
		s.round()
	}
	// The last trial computes an inverse once more, which nobody reads.
	AdvanceUnlessOne(trial, 4, left)
	for i, s := range all {
		s.solve()
		if i > 0 {
			all[i-1].keepBest()
			all[i-1].nextInverse(trial)
		}
		s.fitError("error")
	}
	all[parts-1].keepBest()
	all[parts-1].nextInverse(trial)
	CountDown(left, "trial")
	Mark("done")

	report := GP64()
	SetTo(report, 0)
	for _, s := range all {
		for v := range s.vectors {
			Merge(report, s.finish(v), s.lane(v)/4)
		}
	}
	Give(report)
	End()
}

type minSearch struct {
	walk
	absolute bool
}

// vectorsOf loads a slot.
func (s minSearch) vectorsOf(slot int) []Reg {
	return s.registers(func(v int) Reg { return LoadV(s.state(slot, v)) })
}

// sums emits the bounds of the groups, Σw and Σw·x.
func (s minSearch) sums() {
	first := func(field int) func(v int) Reg {
		return func(v int) Reg { return LoadV(s.field(field, v)) }
	}
	low, high := s.registers(first(fieldX)), s.registers(first(fieldX))
	sumW := s.registers(first(fieldW))
	sumX := s.registers(func(v int) Reg { return Mul(sumW[v], low[v]) })
	s.each("sums", 1, 1, func(v int, x, weight, _ Mem) {
		value, wv := LoadV(x), LoadV(weight)
		Lower(low[v], value)
		Raise(high[v], value)
		Accumulate(sumW[v], wv)
		Accumulate(sumX[v], Mul(wv, value))
	})
	none := Zero()
	for v := range low {
		low[v] = Least(none, low[v])
		StoreV(s.state(slotLow, v), low[v])
		StoreV(s.state(slotHigh, v), high[v])
		StoreV(s.state(slotSumW, v), sumW[v])
		StoreV(s.state(slotSumX, v), sumX[v])
	}
}

// nmax is the highest level in all lanes.
func (s minSearch) nmax() Reg {
	return Everywhere("nmax")
}

// plain emits the rounding that spans the range, and looks for lanes that are
// flat or out of range.
func (s minSearch) plain() {
	nmax := s.nmax()
	for v := range s.vectors {
		low, high := LoadV(s.state(slotLow, v)), LoadV(s.state(slotHigh, v))
		StoreMask(s.state(slotFlat, v), Compare(LessEqual, high, low))
		size := Sub(high, low)
		StoreMask(s.state(slotOutside, v),
			Either(Compare(NotGreatEq, size, Constant(leastRange)), Compare(NotLessEqual, size, Constant(greatestRange))))
		StoreV(s.state(slotBound, v), Mul(size, Constant(narrowest)))
		inverse := Div(nmax, size)
		StoreV(s.field(fieldInverse, v), inverse)
		StoreV(s.field(fieldFrom, v), low)
		scale := Div(LoadV(Constant(1)), inverse)
		StoreV(s.field(fieldScale, v), scale)
		StoreV(s.state(slotNewScale, v), scale)
		StoreV(s.state(slotNewLow, v), low)
		StoreV(s.state(slotInverse, v), inverse)
	}
	s.levels("plain", nil)
	s.fitError("plainError")
	for v, e := range s.vectorsOf(slotError) {
		StoreV(s.state(slotBest, v), e)
	}
}

// nextInverse emits the inverse scale of a trial.
func (s minSearch) nextInverse(trial reg.Register) {
	top := Broadcast(Mem{Base: trial})
	for v := range s.vectors {
		size := Sub(LoadV(s.state(slotHigh, v)), s.state(slotLow, v))
		outside := Either(Compare(NotGreatEq, size, s.state(slotBound, v)), Compare(NotLessEqual, size, Constant(largest)))
		StoreMask(s.state(slotOutside, v), Either(outside, LoadMask(s.state(slotOutside, v))))
		StoreV(s.state(slotInverse, v), Div(top, size))
	}
}

// levels emits the rounding of all values and, if sums are wanted, Σw·l,
// Σw·l² and Σw·l·x.
func (s minSearch) levels(name string, sums [][3]Reg) {
	none, nmax := Zero(), s.nmax()
	inverse, low := s.vectorsOf(slotInverse), s.vectorsOf(slotLow)
	s.each(name, 0, 2, func(v int, x, weight, level Mem) {
		value := LoadV(x)
		l := ClampRoundPositive(Mul(Sub(value, low[v]), inverse[v]), none, nmax)
		StoreV(level, l)
		if sums == nil {
			return
		}
		wl := Mul(l, weight)
		Accumulate(sums[v][0], wl)
		Accumulate(sums[v][1], Mul(wl, l))
		Accumulate(sums[v][2], Mul(wl, value))
	})
}

// round emits the rounding of a trial with its sums.
func (s minSearch) round() {
	sums := make([][3]Reg, s.vectors)
	for v := range sums {
		sums[v] = [3]Reg{Zero(), Zero(), Zero()}
	}
	s.levels("levels", sums)
	for v, sum := range sums {
		StoreV(s.state(slotL, v), sum[0])
		StoreV(s.state(slotLL, v), sum[1])
		StoreV(s.state(slotXL, v), sum[2])
	}
}

// fitError emits the weighted error of scale·level + low.
func (s minSearch) fitError(name string) {
	sum, scale, low := s.zeros(), s.vectorsOf(slotNewScale), s.vectorsOf(slotNewLow)
	var mask Reg
	if s.absolute {
		mask = LoadV(Bits(Magnitude))
	}
	s.each(name, 0, 4, func(v int, x, weight, level Mem) {
		diff := Sub(Add(Mul(scale[v], level), low[v]), x)
		if s.absolute {
			Accumulate(sum[v], Mul(And(diff, mask), weight))
		} else {
			Accumulate(sum[v], Mul(Mul(diff, diff), weight))
		}
	})
	for v := range sum {
		StoreV(s.state(slotError, v), sum[v])
	}
}

// solve emits the least-squares problem for scale and minimum; where the
// minimum would be positive it is 0, and the scale follows.
func (s minSearch) solve() {
	none := Zero()
	var scale, low []Reg
	positive := s.masks(func(v int) Mask {
		l, ll, xl := LoadV(s.state(slotL, v)), LoadV(s.state(slotLL, v)), LoadV(s.state(slotXL, v))
		sumW, sumX := LoadV(s.state(slotSumW, v)), LoadV(s.state(slotSumX, v))
		det := Sub(Mul(sumW, ll), Mul(l, l))
		StoreMask(s.state(slotSolved, v), Compare(Greater, det, none))
		scale = append(scale, Div(Sub(Mul(sumW, xl), Mul(sumX, l)), det))
		low = append(low, Div(Sub(Mul(ll, sumX), Mul(l, xl)), det))
		return Compare(Greater, low[v], none)
	})
	JumpUnlessAny(positive, s.label("negative"))
	for v := range s.vectors {
		free := Div(LoadV(s.state(slotXL, v)), s.state(slotLL, v))
		Replace(positive[v], free, scale[v])
		Replace(positive[v], none, low[v])
	}
	Mark(s.label("negative"))
	for v := range s.vectors {
		StoreV(s.state(slotNewScale, v), scale[v])
		StoreV(s.state(slotNewLow, v), low[v])
	}
}

// keepBest emits what becomes of lanes where the trial wins.
func (s minSearch) keepBest() {
	for v := range s.vectors {
		e := LoadV(s.state(slotError, v))
		won := Both(Compare(Less, e, s.state(slotBest, v)), LoadMask(s.state(slotSolved, v)))
		keep := func(at, from Mem) { StoreV(at, Choose(won, from, LoadV(at))) }
		keep(s.field(fieldFrom, v), s.state(slotLow, v))
		keep(s.field(fieldInverse, v), s.state(slotInverse, v))
		keep(s.field(fieldScale, v), s.state(slotNewScale, v))
		keep(s.state(slotLow, v), s.state(slotNewLow, v))
		keep(s.state(slotBest, v), s.state(slotError, v))
	}
}

// finish emits the result of flat lanes and the report of those out of range.
func (s minSearch) finish(v int) reg.GPVirtual {
	flat := LoadMask(s.state(slotFlat, v))
	StoreV(s.field(fieldOffset, v), Xor(LoadV(Bits(SignBit)), s.state(slotLow, v)))
	for _, field := range []int{fieldScale, fieldInverse, fieldFrom} {
		StoreV(s.field(field, v), Except(flat, s.field(field, v)))
	}
	return LaneBits(Without(flat, LoadMask(s.state(slotOutside, v))))
}
