package vec

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
)

// The sixteen values of a non-linear level, as kernel.Level4 has them.
var nonLinear = [16]float32{-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113}

// NonLinearLevel emits kernel.Level4: the level whose value is nearest to v.
//
// Steps of 14 from -108.8 on lie so that the level of v is that of its step or
// the one above; the midpoint between their values decides which. No
// step begins within 0.1 of a midpoint that it must be above or below, so it
// may be computed with roundings.
func NonLinearLevel(v Reg) Reg {
	f := Add(Mul(v, Constant(1./14)), Constant(108.8/14-0.5))
	f = Greatest(Least(f, Constant(15)), Constant(0)) // 15 for NaN
	step := ToInteger(f)
	var midpoints [16]uint32
	for l := range midpoints {
		midpoints[l] = math.Float32bits(float32(math.NaN())) // nothing is above the top
		if l < 15 {
			midpoints[l] = math.Float32bits((nonLinear[l] + nonLinear[l+1]) / 2)
		}
	}
	above := Compare(GreaterEqual, v, lookup("midpoints", midpoints, step))
	if ISA == AVX512 {
		VPADDD(Bits(1), step, above, step)
	} else {
		VPSUBD(above, step, step)
	}
	return step
}

// NonLinearValue emits the value of a level.
func NonLinearValue(level Reg) Reg {
	var values [16]uint32
	for l, v := range nonLinear {
		values[l] = math.Float32bits(v)
	}
	return lookup("nonlinear", values, level)
}

// lookup emits the entries of a table of sixteen at indices.
func lookup(name string, table [16]uint32, index Reg) Reg {
	at := Words(name, table[:]...)
	out := Vector()
	if ISA == AVX512 {
		VPERMPS(at, index, out)
		return out
	}
	upper, high := Vector(), Vector()
	VPSLLD(operand.Imm(28), index, upper) // bit 3 becomes the sign
	VPERMPS(at, index, out)
	VPERMPS(at.Offset(32), index, high)
	VBLENDVPS(upper, high, out, out)
	return out
}
