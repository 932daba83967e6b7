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
	for j, at := 0, 0; at < len(src); j, at = j+1, at+s.size {
		s.signed.Magnitude, s.signed.Root, s.signed.Minus = v.magnitude[at:], v.root[at:], v.minus[at/8:]
		v.top[j], v.reach[j] = s.signed.Prepare(src[at:][:s.size], v.weight[at:], s.even)
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

// turn turns to a sub-block, and to its values.
func (s *gridSearch) turn(j int) {
	s.turnTo(j)
	s.turnValues()
}

// turnTo turns to a sub-block, but not to its values.
func (s *gridSearch) turnTo(j int) {
	s.subBlock = &s.blocks[j&s.last&(len(s.blocks)-1)]
	s.at = j * s.size
	s.top, s.reach, s.first = s.values.top[j], s.values.reach[j], s.values.first[j]
}

// turnValues turns to the values of the sub-block in turn.
func (s *gridSearch) turnValues() {
	v, end := &s.values, s.at+s.size
	s.x, s.w, s.root = v.magnitude[s.at:end], v.weight[s.at:end], v.root[s.at:end]
	s.signs = v.minus[s.at/8 : end/8]
}
