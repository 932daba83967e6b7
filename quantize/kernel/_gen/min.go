package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/reg"
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
	slotStrange // mask: some trial's range was below the bound
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
// the lane is reported as strange, so levels stay above -2^12·top.
func searchMin(name string, parts int, absolute bool) {
	begin(name, "func(x *float32, n int, trials *float32, count int, nmax float32) uint32",
		fmt.Sprintf("%s searches %d lanes of n values, a multiple of 4; see Scratch.SearchMin.", name, parts*side()*width()/4))
	w := newWalk(side())
	var all []minSearch
	for _, part := range w.parts(parts) {
		all = append(all, minSearch{part, absolute})
	}
	for _, s := range all {
		s.sums()
		s.plain()
	}
	trial, left := argument("trials"), argument("count")
	jumpIfZero(left, "done")
	for _, s := range all {
		s.nextInverse(trial)
	}
	label("trial")
	for _, s := range all {
		s.round()
	}
	// The last trial computes an inverse once more, which nobody reads.
	advanceUnlessOne(trial, 4, left)
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
	countDown(left, "trial")
	label("done")

	report := GP64()
	set(report, 0)
	for _, s := range all {
		for v := range s.vectors {
			merge(report, s.finish(v), s.lane(v)/4)
		}
	}
	result(report)
	end()
}

type minSearch struct {
	walk
	absolute bool
}

// vectorsOf loads a slot.
func (s minSearch) vectorsOf(slot int) []Reg {
	return s.registers(func(v int) Reg { return load(s.state(slot, v)) })
}

// sums emits the bounds of the groups, Σw and Σw·x.
func (s minSearch) sums() {
	first := func(field int) func(v int) Reg {
		return func(v int) Reg { return load(s.field(field, v)) }
	}
	low, high := s.registers(first(fieldX)), s.registers(first(fieldX))
	sumW := s.registers(first(fieldW))
	sumX := s.registers(func(v int) Reg { return mul(sumW[v], low[v]) })
	s.each("sums", 1, 1, func(v int, x, weight, _ Mem) {
		value, wv := load(x), load(weight)
		lower(low[v], value)
		raise(high[v], value)
		accumulate(sumW[v], wv)
		accumulate(sumX[v], mul(wv, value))
	})
	none := zero()
	for v := range low {
		low[v] = least(none, low[v])
		store(s.state(slotLow, v), low[v])
		store(s.state(slotHigh, v), high[v])
		store(s.state(slotSumW, v), sumW[v])
		store(s.state(slotSumX, v), sumX[v])
	}
}

// nmax is the highest level in all lanes.
func (s minSearch) nmax() Reg {
	return everywhere("nmax")
}

// plain emits the rounding that spans the range, and looks for lanes that are
// flat or strange.
func (s minSearch) plain() {
	nmax := s.nmax()
	for v := range s.vectors {
		low, high := load(s.state(slotLow, v)), load(s.state(slotHigh, v))
		storeMask(s.state(slotFlat, v), compare(lessEqual, high, low))
		size := sub(high, low)
		storeMask(s.state(slotStrange, v),
			either(compare(notGreatEq, size, constant(leastRange)), compare(notLessEqual, size, constant(greatestRange))))
		store(s.state(slotBound, v), mul(size, constant(narrowest)))
		inverse := div(nmax, size)
		store(s.field(fieldInverse, v), inverse)
		store(s.field(fieldFrom, v), low)
		scale := div(load(constant(1)), inverse)
		store(s.field(fieldScale, v), scale)
		store(s.state(slotNewScale, v), scale)
		store(s.state(slotNewLow, v), low)
		store(s.state(slotInverse, v), inverse)
	}
	s.levels("plain", nil)
	s.fitError("plainError")
	for v, e := range s.vectorsOf(slotError) {
		store(s.state(slotBest, v), e)
	}
}

// nextInverse emits the inverse scale of a trial.
func (s minSearch) nextInverse(trial reg.Register) {
	top := broadcast(Mem{Base: trial})
	for v := range s.vectors {
		size := sub(load(s.state(slotHigh, v)), s.state(slotLow, v))
		strange := either(compare(notGreatEq, size, s.state(slotBound, v)), compare(notLessEqual, size, constant(largest)))
		storeMask(s.state(slotStrange, v), either(strange, loadMask(s.state(slotStrange, v))))
		store(s.state(slotInverse, v), div(top, size))
	}
}

// levels emits the rounding of all values and, if sums are wanted, Σw·l,
// Σw·l² and Σw·l·x.
func (s minSearch) levels(name string, sums [][3]Reg) {
	none, nmax := zero(), s.nmax()
	inverse, low := s.vectorsOf(slotInverse), s.vectorsOf(slotLow)
	s.each(name, 0, 2, func(v int, x, weight, level Mem) {
		value := load(x)
		l := clampRoundPositive(mul(sub(value, low[v]), inverse[v]), none, nmax)
		store(level, l)
		if sums == nil {
			return
		}
		wl := mul(l, weight)
		accumulate(sums[v][0], wl)
		accumulate(sums[v][1], mul(wl, l))
		accumulate(sums[v][2], mul(wl, value))
	})
}

// round emits the rounding of a trial with its sums.
func (s minSearch) round() {
	sums := make([][3]Reg, s.vectors)
	for v := range sums {
		sums[v] = [3]Reg{zero(), zero(), zero()}
	}
	s.levels("levels", sums)
	for v, sum := range sums {
		store(s.state(slotL, v), sum[0])
		store(s.state(slotLL, v), sum[1])
		store(s.state(slotXL, v), sum[2])
	}
}

// fitError emits the weighted error of scale·level + low.
func (s minSearch) fitError(name string) {
	sum, scale, low := s.zeros(), s.vectorsOf(slotNewScale), s.vectorsOf(slotNewLow)
	var mask Reg
	if s.absolute {
		mask = load(bits(magnitude))
	}
	s.each(name, 0, 4, func(v int, x, weight, level Mem) {
		diff := sub(add(mul(scale[v], level), low[v]), x)
		if s.absolute {
			accumulate(sum[v], mul(and(diff, mask), weight))
		} else {
			accumulate(sum[v], mul(mul(diff, diff), weight))
		}
	})
	for v := range sum {
		store(s.state(slotError, v), sum[v])
	}
}

// solve emits the least-squares problem for scale and minimum; where the
// minimum would be positive it is 0, and the scale follows.
func (s minSearch) solve() {
	none := zero()
	var scale, low []Reg
	positive := s.masks(func(v int) Mask {
		l, ll, xl := load(s.state(slotL, v)), load(s.state(slotLL, v)), load(s.state(slotXL, v))
		sumW, sumX := load(s.state(slotSumW, v)), load(s.state(slotSumX, v))
		det := sub(mul(sumW, ll), mul(l, l))
		storeMask(s.state(slotSolved, v), compare(greater, det, none))
		scale = append(scale, div(sub(mul(sumW, xl), mul(sumX, l)), det))
		low = append(low, div(sub(mul(ll, sumX), mul(l, xl)), det))
		return compare(greater, low[v], none)
	})
	jumpUnlessAny(positive, s.label("negative"))
	for v := range s.vectors {
		free := div(load(s.state(slotXL, v)), s.state(slotLL, v))
		replace(positive[v], free, scale[v])
		replace(positive[v], none, low[v])
	}
	label(s.label("negative"))
	for v := range s.vectors {
		store(s.state(slotNewScale, v), scale[v])
		store(s.state(slotNewLow, v), low[v])
	}
}

// keepBest emits what becomes of lanes where the trial wins.
func (s minSearch) keepBest() {
	for v := range s.vectors {
		e := load(s.state(slotError, v))
		won := both(compare(less, e, s.state(slotBest, v)), loadMask(s.state(slotSolved, v)))
		keep := func(at, from Mem) { store(at, choose(won, from, load(at))) }
		keep(s.field(fieldFrom, v), s.state(slotLow, v))
		keep(s.field(fieldInverse, v), s.state(slotInverse, v))
		keep(s.field(fieldScale, v), s.state(slotNewScale, v))
		keep(s.state(slotLow, v), s.state(slotNewLow, v))
		keep(s.state(slotBest, v), s.state(slotError, v))
	}
}

// finish emits the result of flat lanes and the report of strange ones.
func (s minSearch) finish(v int) reg.GPVirtual {
	flat := loadMask(s.state(slotFlat, v))
	store(s.field(fieldOffset, v), xor(load(bits(signBit)), s.state(slotLow, v)))
	for _, field := range []int{fieldScale, fieldInverse, fieldFrom} {
		store(s.field(field, v), except(flat, s.field(field, v)))
	}
	return lanes(without(flat, loadMask(s.state(slotStrange, v))))
}
