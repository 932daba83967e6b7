package kernel

import "math"

// runLen is the number of values of a run in Extremes, Bounds, HalfUp and Away.
const runLen = 32

// Extremes finds the value of largest magnitude of every run of 32 values, the
// first one on a tie.
func Extremes(dst, x []float32) {
	dst = dst[:len(x)/runLen]
	if active.extremes != nil && len(dst) > 0 {
		active.extremes(&dst[0], &x[0], len(dst))
		return
	}
	for j := range dst {
		dst[j] = Extreme(x[j*runLen:][:runLen])
	}
}

// Bounds finds the least and the greatest value of every run of 32, the first
// ones where zeros differ in sign.
func Bounds(low, high, x []float32) {
	low, high = low[:len(x)/runLen], high[:len(x)/runLen]
	if active.bounds != nil && len(low) > 0 {
		active.bounds(&low[0], &high[0], &x[0], len(low))
		return
	}
	for j := range low {
		low[j], high[j] = bounds(x[j*runLen:][:runLen])
	}
}

func bounds(x []float32) (low, high float32) {
	low, high = math.MaxFloat32, -math.MaxFloat32
	for _, v := range x {
		if v < low {
			low = v
		}
		if v > high {
			high = v
		}
	}
	return low, high
}
