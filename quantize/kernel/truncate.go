package kernel

import "math"

// Truncate converts toward zero. What does not fit, NaN included, becomes
// the lowest int32 on every machine, as on x86-64.
func Truncate(f float32) int32 {
	if f >= -0x1p31 && f < 0x1p31 {
		return int32(f)
	}
	return math.MinInt32
}

// RoundAway rounds to the nearest integer, ties away from zero; what does
// not fit becomes the lowest int32.
func RoundAway(f float32) int32 {
	// The float below ½ carries what is at least ½, and nothing less, to the next integer.
	const belowHalf = 0x3effffff
	return Truncate(float32(f) + math.Float32frombits(math.Float32bits(f)&(1<<31)|belowHalf))
}

// HalfUp rounds (x+offset)·scale to levels by adding ½ - Low and truncating.
// Each run of 32 values has its scale and offset. What exceeds a signed byte
// wraps before it is held within the highest level, which is at most 127 above the lowest.
func (r Rounding) HalfUp(levels []uint8, x, scale, offset []float32) {
	done := r.run(active.halfUp, levels, x, runLen, scale, offset)
	r.halfUp(levels[done:], x[done:], scale[done/runLen:], offset[done/runLen:])
}

func (r Rounding) halfUp(levels []uint8, x, scale, offset []float32) {
	bias, top := 0.5-float32(r.Low), int8(r.High-r.Low)
	for i, v := range x {
		l := int8(Truncate(float32((v+offset[i/runLen])*scale[i/runLen]) + bias))
		levels[i] = uint8(min(l, top))
	}
}

// Away rounds x·scale to signed bytes, ties away from zero. Each run of 32
// values has its scale. What exceeds a byte wraps.
func Away(dst []byte, x, scale []float32) {
	done := Rounding{}.run(active.away, dst, x, runLen, scale, scale)
	away(dst[done:], x[done:], scale[done/runLen:])
}

func away(dst []byte, x, scale []float32) {
	for i, v := range x {
		dst[i] = byte(RoundAway(v * scale[i/runLen]))
	}
}
