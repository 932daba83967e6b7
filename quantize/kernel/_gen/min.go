package main

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
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
	slotNMax
	slotSolved // mask: the trial's problem has a solution, which is
	slotNewScale
	slotNewLow
	slotInverse // of the trial
)

// Ranges within these bounds have finite inverses and finite differences.
const (
	leastRange    = 0x1p-100
	greatestRange = 0x1p100
	largest       = 0x1.fffffep127
	narrowest     = 0x1p-12
)

// searchMin emits the search for scale and minimum in 16 lanes.
//
// Levels are floats, and are rounded by VROUNDPS after they were clamped. This
// equals Nearest up to ±2^22. The plain range r keeps levels within 0…NMax;
// later trials round from another minimum, with a range of at least 2^-12·r or
// else the lane is reported as strange, so levels stay above -2^12·top.
func searchMin(name string, absolute bool) {
	TEXT(name, NOSPLIT, "func(x *float32, n int, trials *float32, count int, nmax float32) uint32")
	Doc(name + " searches 16 lanes of n values, an even number; see Scratch.SearchMin.")
	Pragma("noescape")
	w := newWalk(2)
	s := minSearch{walk: w, absolute: absolute}
	nmax, _ := Param("nmax").Resolve()
	for v := range w.vectors {
		store(w.state(slotNMax, v), broadcast(nmax.Addr))
	}
	s.sums()
	inverse, low := s.plainRange()

	scale := w.registers(func(v int) Reg { return div(load(constant(1)), inverse[v]) })
	s.levels("plain", inverse, low, nil)
	best := s.fitError("plainError", scale, low)
	for v := range w.vectors {
		store(w.field(fieldScale, v), scale[v])
		store(w.field(fieldInverse, v), inverse[v])
		store(w.field(fieldFrom, v), low[v])
		store(w.state(slotBest, v), best[v])
	}
	s.trials()
	s.finish()
	VZEROUPPER()
	RET()
}

type minSearch struct {
	walk
	absolute bool
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
		VMINPS(low[v], value, low[v])
		VMAXPS(high[v], value, high[v])
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

// plainRange emits the inverse scale of the range, and looks for lanes that
// are flat or strange.
func (s minSearch) plainRange() (inverse, low []Reg) {
	for v := range s.vectors {
		lo, high := load(s.state(slotLow, v)), load(s.state(slotHigh, v))
		flat := compare(lessEqual, high, lo)
		store(s.state(slotFlat, v), flat)
		size := sub(high, lo)
		out := or(compare(notGreatEq, size, constant(leastRange)), compare(notLessEqual, size, constant(greatestRange)))
		store(s.state(slotStrange, v), out)
		store(s.state(slotBound, v), mul(size, constant(narrowest)))
		inverse, low = append(inverse, div(load(s.state(slotNMax, v)), size)), append(low, lo)
	}
	return inverse, low
}

// levels emits the rounding of all values and, if sums are wanted, Σw·l,
// Σw·l² and Σw·l·x.
func (s minSearch) levels(label string, inverse, low []Reg, sums [][3]Reg) {
	none, nmax := zero(), load(s.state(slotNMax, 0))
	s.each(label, 0, 2, func(v int, x, weight, level Mem) {
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

// fitError emits the weighted error of scale·level + low.
func (s minSearch) fitError(label string, scale, low []Reg) []Reg {
	sum := s.zeros()
	var mask Reg
	if s.absolute {
		mask = load(bits(magnitude))
	}
	s.each(label, 0, 4, func(v int, x, weight, level Mem) {
		diff := sub(add(mul(scale[v], level), low[v]), x)
		if s.absolute {
			accumulate(sum[v], mul(and(diff, mask), weight))
		} else {
			accumulate(sum[v], mul(mul(diff, diff), weight))
		}
	})
	return sum
}

// trials emits the loop over trial roundings.
func (s minSearch) trials() {
	trial, left := Load(Param("trials"), GP64()), Load(Param("count"), GP64())
	TESTQ(left, left)
	JZ(operand.LabelRef("done"))
	Label("trial")
	top := broadcast(Mem{Base: trial})
	var inverse, low []Reg
	for v := range s.vectors {
		lo := load(s.state(slotLow, v))
		size := sub(load(s.state(slotHigh, v)), lo)
		out := or(compare(notGreatEq, size, s.state(slotBound, v)), compare(notLessEqual, size, constant(largest)))
		store(s.state(slotStrange, v), or(out, s.state(slotStrange, v)))
		inverse, low = append(inverse, div(top, size)), append(low, lo)
		store(s.state(slotInverse, v), inverse[v])
	}
	sums := make([][3]Reg, s.vectors)
	for v := range sums {
		sums[v] = [3]Reg{zero(), zero(), zero()}
	}
	s.levels("levels", inverse, low, sums)

	scale, newLow := s.solve(sums)
	e := s.fitError("error", scale, newLow)
	for v := range s.vectors {
		won := and(compare(less, e[v], s.state(slotBest, v)), s.state(slotSolved, v))
		keep := func(at, from Mem) { store(at, choose(won, from, load(at))) }
		keep(s.field(fieldFrom, v), s.state(slotLow, v))
		keep(s.field(fieldInverse, v), s.state(slotInverse, v))
		keep(s.field(fieldScale, v), s.state(slotNewScale, v))
		keep(s.state(slotLow, v), s.state(slotNewLow, v))
		store(s.state(slotBest, v), choose(won, e[v], load(s.state(slotBest, v))))
	}
	ADDQ(operand.Imm(4), trial)
	DECQ(left)
	JNZ(operand.LabelRef("trial"))
	Label("done")
}

// solve emits the least-squares problem for scale and minimum; where the
// minimum would be positive it is 0, and the scale follows.
func (s minSearch) solve(sums [][3]Reg) (scale, low []Reg) {
	none := zero()
	positive := make([]Reg, s.vectors)
	for v, sum := range sums {
		l, ll, xl := sum[0], sum[1], sum[2]
		sumW, sumX := load(s.state(slotSumW, v)), load(s.state(slotSumX, v))
		det := sub(mul(sumW, ll), mul(l, l))
		store(s.state(slotSolved, v), compare(greater, det, none))
		scale = append(scale, div(sub(mul(sumW, xl), mul(sumX, l)), det))
		low = append(low, div(sub(mul(ll, sumX), mul(l, xl)), det))
		positive[v] = compare(greater, low[v], none)
	}
	jumpUnlessAny(positive, "negative")
	for v, sum := range sums {
		free := div(sum[2], sum[1])
		VBLENDVPS(positive[v], free, scale[v], scale[v])
		VANDNPS(low[v], positive[v], low[v])
	}
	Label("negative")
	for v := range sums {
		store(s.state(slotNewScale, v), scale[v])
		store(s.state(slotNewLow, v), low[v])
	}
	return scale, low
}

// finish emits the result of flat lanes and the report of strange ones.
func (s minSearch) finish() {
	sign := load(bits(signBit))
	var reports []Op
	for v := range s.vectors {
		flat := load(s.state(slotFlat, v))
		store(s.field(fieldOffset, v), xor(sign, s.state(slotLow, v)))
		for _, field := range []int{fieldScale, fieldInverse, fieldFrom} {
			store(s.field(field, v), andNot(flat, s.field(field, v)))
		}
		report := GP32()
		VMOVMSKPS(andNot(flat, s.state(slotStrange, v)), report)
		if v > 0 {
			SHLL(operand.Imm(uint64(8*v)), report)
			ORL(reports[0], report)
			reports[0] = report
		} else {
			reports = append(reports, report)
		}
	}
	out, _ := ReturnIndex(0).Resolve()
	MOVL(reports[0], out.Addr)
}
