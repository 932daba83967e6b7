package kernel

import (
	"math"
	"math/bits"
)

// Importance sets w = weights·√(variance + x²), for a multiple of eight values:
// what an importance matrix says of a column, times how much this value stands
// out.
func Importance(w, x, weights []float32, variance float32) {
	if active.importance == nil || len(x) == 0 {
		importance(w, x, weights, variance)
		return
	}
	_, _ = w[len(x)-1], weights[len(x)-1]
	active.importance(&w[0], &x[0], &weights[0], len(x)/8, variance)
}

func importance(w, x, weights []float32, variance float32) {
	w, weights = w[:len(x)], weights[:len(x)]
	for i, v := range x {
		w[i] = float32(weights[i] * sqrt(variance+float32(v*v)))
	}
}

// Signed are values taken apart for a codebook of magnitudes.
type Signed struct {
	Magnitude, Root []float32 // of the values, and of their weights
	Minus           []uint8   // signs of eight values, a set bit for minus

	tops [2]float32
}

type prepareKernel func(magnitude, root, x, w *float32, octets int, minus *uint8, tops *float32)

// Prepare takes a multiple of eight values apart, and returns the greatest
// magnitude with its sign, and without. With even, it gives the least important
// of eight values the wrong sign, that is, a negative magnitude, where that
// makes the number of minuses even: then the eighth sign follows from the
// others.
func (s *Signed) Prepare(x, w []float32, even bool) (top, reach float32) {
	which := 0
	if even {
		which = 1
	}
	prepare := active.prepare[which]
	if prepare == nil || len(x) == 0 {
		return s.prepare(x, w, even)
	}
	_, _, _, _ = s.Magnitude[len(x)-1], s.Root[len(x)-1], s.Minus[len(x)/8-1], w[len(x)-1]
	prepare(&s.Magnitude[0], &s.Root[0], &x[0], &w[0], len(x)/8, &s.Minus[0], &s.tops[0])
	return s.tops[0], s.tops[1]
}

func (s *Signed) prepare(x, w []float32, even bool) (top, reach float32) {
	top = -math.MaxFloat32
	for k := range len(x) / 8 {
		var minus uint8
		values := s.Magnitude[8*k:][:8]
		for i, v := range x[8*k:][:8] {
			if v < 0 {
				minus |= 1 << i
			}
			values[i] = Abs(v)
			reach = max(reach, values[i])
			s.Root[8*k+i] = sqrt(w[8*k+i])
		}
		if even && bits.OnesCount8(minus)&1 != 0 {
			least := leastLoss(values, w[8*k:][:8])
			values[least] = -values[least]
			minus ^= 1 << least
		}
		for _, v := range values {
			top = max(top, v)
		}
		s.Minus[k] = minus
	}
	return top, reach
}

// leastLoss is the number of the first value with the least w·x².
func leastLoss(x, w []float32) (least int) {
	smallest := w[0] * x[0] * x[0]
	for i := 1; i < len(x); i++ {
		if loss := w[i] * x[i] * x[i]; loss < smallest {
			least, smallest = i, loss
		}
	}
	return least
}
