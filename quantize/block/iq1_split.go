package block

import (
	"math"
	"sync"

	"github.com/f190792d/mq/quantize/kernel"
)

// A split is the scratch space of a sub-block that takes three levels.
type split struct {
	book   *coder
	x, w   []float32         // of the sub-block
	all    [superLen]float32 // weights of the super-block
	order  kernel.Order      // of the values of the sub-block
	codes  [4]uint16         // of groups of eight
	ranks  [4]uint16         // in the book
	down   [4]uint8          // 1: the shift of the group is down
	scale  float32           // least squares for codes
	search splitSearch
	near   kernel.Near
}

var splits = sync.Pool{New: func() any { return new(split) }}

// weigh prepares the weights of a super-block.
func (s *split) weigh(x, weights []float32) {
	if weights == nil {
		squares(s.all[:], x)
		return
	}
	kernel.Importance(s.all[:], x, weights, 2*sumSquares(x)/superLen)
}

// load selects sub-block j of n values and reports whether any has a magnitude
// of at least tiny.
func (s *split) load(x []float32, j, n int, tiny float32) bool {
	s.x, s.w = x[j*n:][:n], s.all[j*n:][:n]
	var greatest uint32 // magnitudes compare like their bits
	for _, v := range s.x {
		greatest = max(greatest, math.Float32bits(abs(v)))
	}
	s.scale = math.Float32frombits(greatest)
	return !(s.scale < tiny)
}

// assign turns a split into codes. A negative scale turns levels and shifts
// around. It reports whether there is a split.
func (s *split) assign(found score) bool {
	if found.choice < 0 {
		return false
	}
	low, high := uint16(0), uint16(2)
	s.scale = found.scale
	if s.scale < 0 {
		s.scale = -s.scale
		low, high = high, low
		for g := range s.down {
			s.down[g] ^= 1
		}
	}
	clear(s.codes[:])
	for i, k := range s.order.Numbers[:len(s.x)] {
		level := uint16(1)
		switch {
		case i < found.begin:
			level = low
		case i >= found.end:
			level = high
		}
		s.codes[k/8] |= level << (k % 8 * 2)
	}
	return true
}

// fit ranks the codes, replaces those outside of the book, and returns the
// scale.
func (s *split) fit() float32 {
	outside := false
	for g := range len(s.x) / 8 {
		place := s.book.place[s.codes[g]]
		if place < 0 {
			outside = true
			s.codes[g] = s.nearest(g, place)
			place = s.book.place[s.codes[g]]
		}
		s.ranks[g] = uint16(place)
	}
	if !outside {
		return s.scale
	}
	if lx, ll := s.project(1, 0, 0); lx > 0 && ll > 0 {
		return lx / ll
	}
	return s.scale
}

// longList is the length from which a kernel is faster.
const longList = 12

// nearest chooses, of the neighbours at place, the one with the least
// weighted squared error from group g.
func (s *split) nearest(g int, place int32) uint16 {
	x, w := s.x[8*g:][:8], s.w[8*g:][:8]
	for l, v := range values1[s.down[g]] {
		s.near.Values[l] = s.scale * v
	}
	if code, ok := s.near.Few(x, w, s.codes[g], s.book.fewest(place)); ok {
		return code
	}
	list := s.book.neighbours(place)
	if len(list) >= longList && kernel.HasNear() && s.near.Search(x, w, s.book.planes(place), list) {
		return s.near.Nearest(list)
	}
	var cost terms
	for l, v := range s.near.Values {
		for i := range x {
			d := v - x[i]
			cost[4*i+l] = w[i] * d * d
		}
	}
	if code, sure := cost.likely8(list); sure {
		return code
	}
	return cheapest8(list, &cost)
}

// project adds Σw·q·x and Σw·q² of the ranks to the two sums; q is the value
// of a level times factor.
func (s *split) project(factor, lx, ll float32) (float32, float32) {
	for g := range len(s.x) / 8 {
		code, values := s.book.codes[s.ranks[g]], &values1[s.down[g]]
		x, w := s.x[8*g:][:8], s.w[8*g:][:8]
		for i := range x {
			q := values[code>>(2*i)&3] * factor
			lx += float32(w[i] * q * x[i])
			ll += float32(w[i] * q * q)
		}
	}
	return lx, ll
}
