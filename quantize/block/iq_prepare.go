package block

import "github.com/f190792d/mq/quantize/kernel"

// gridBatch is the number of values that are prepared at a time: sub-blocks of
// 32 fill the lanes of a search.
const gridBatch = 4 * superLen

// gridValues has what the search needs of each value and of each sub-block.
type gridValues struct {
	magnitude, weight, root [gridBatch]float32
	minus                   [gridBatch / 8]uint8
	top, reach              [gridBatch / 16]float32 // greatest magnitude, with its sign and without
	first                   [gridBatch / 16]float32 // scale, where a search gives it
}

// prepare takes super-blocks apart and weighs their values.
func (s *gridSearch) prepare(src, weights []float32) {
	var sums [gridBatch / superLen]float32
	sumSquaresEach(sums[:len(src)/superLen], src, superLen)
	for i := 0; i < len(src); i += superLen {
		x, w := src[i:][:superLen], s.values.weight[i:][:superLen]
		variance := float32(s.variance*sums[i/superLen]) / superLen
		if weights != nil {
			kernel.Importance(w, x, weights[i:], variance)
		} else {
			s.plain(w, x, variance)
		}
	}
	s.split(src)
}

// split takes values, which are weighed, apart.
func (s *gridSearch) split(src []float32) {
	v := &s.values
	for j := range len(src) / s.size {
		s.turn(j)
		s.signed.Magnitude, s.signed.Root, s.signed.Minus = s.x, s.root, s.signs
		v.top[j], v.reach[j] = s.signed.Prepare(src[j*s.size:][:s.size], s.w, s.even)
	}
	if s.positive == nil {
		return
	}
	for j := 0; j < len(src)/s.size; j += kernel.Lanes {
		end := min(len(src), (j+kernel.Lanes)*s.size)
		s.lanes.Load(v.magnitude[j*s.size:end], s.size)
		s.lanes.LoadWeights(v.weight[j*s.size:end], s.size)
		s.lanes.SearchPositive(s.positive, s.size)
		copy(v.first[j:], s.lanes.Scale[:])
	}
}

// turn turns to a sub-block.
func (s *gridSearch) turn(j int) {
	v, at := &s.values, j*s.size
	s.x, s.w, s.root = v.magnitude[at:][:s.size], v.weight[at:][:s.size], v.root[at:][:s.size]
	s.signs = v.minus[at/8:][:s.size/8]
	s.top, s.reach, s.first = v.top[j], v.reach[j], v.first[j]
}
