package kernel

import "math"

// runLen is the number of values of a run in Bounds, HalfUp and Away.
const runLen = 32

// Extremes finds the value of largest magnitude of every run of n values, 16 or 32, the
// first one on a tie.
func Extremes(dst, x []float32, n int) {
	dst = dst[:len(x)/n]
	if extremes := active.extremes[n/32]; extremes != nil && len(dst) > 0 {
		extremes(&dst[0], &x[0], len(dst))
		return
	}
	for j := range dst {
		dst[j] = Extreme(x[j*n:][:n])
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
