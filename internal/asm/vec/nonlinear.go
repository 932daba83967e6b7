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
		return step
	}
	step = SubInt(step, above.(Reg))
	if ISA == NEON { // whose table has no NaN
		AtMost(step, Bits(15))
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
	if ISA == NEON {
		return armLookup(name, table, index)
	}
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

// armLookup is lookup for whole numbers of eight bits, or halves of those of
// sixteen, whose bytes are looked up. NaN stands for the greatest.
func armLookup(name string, table [16]uint32, index Reg) Reg {
	var low, high [4]uint32
	scale := float32(1)
	for _, b := range table {
		if f := math.Float32frombits(b); f != float32(math.Trunc(float64(f))) {
			scale = 2
		}
	}
	for i, b := range table {
		n := int32(math.MaxInt16)
		if f := math.Float32frombits(b); f == f {
			n = int32(f * scale)
		}
		low[i/4] |= uint32(n&0xff) << (i % 4 * 8)
		high[i/4] |= uint32(n>>8&0xff) << (i % 4 * 8)
	}
	// Bytes of an index past the table give 0.
	entry := func(bytes string, of [4]uint32, shift int, others uint32) Reg {
		return binary(nil, tbl, LoadV(Words(name+bytes, of[:]...)), binary(nil, orBits, ShiftLeft(index, shift), Bits(others)))
	}
	if scale == 1 {
		return ToFloat(unary(nil, sshr|(64-24)<<16, entry("_low", low, 24, 0xffffff)))
	}
	both := binary(nil, orBits, entry("_high", high, 24, 0xffffff), entry("_low", low, 16, 0xff00ffff))
	return Mul(ToFloat(unary(nil, rightBy(sshr, 32, 16), both)), Constant(0.5))
}
