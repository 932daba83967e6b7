package block

import (
	"math"
	"sync"

	"github.com/f190792d/mq/quantize/kernel"
)

// A split is the scratch space of a sub-block that takes three levels.
type split struct {
	search  splitSearch // first, so that no vector of its tables crosses a cache line
	nearest nearest1
	x, w    []float32         // of the sub-block
	all     [superLen]float32 // weights of the super-block
	order   kernel.Order      // of the values of the sub-block
	codes   [4]uint16         // of groups of eight
	ranks   [4]uint16         // in the book
	down    uint8             // 1: the shift is down
	scale   float32           // least squares for codes
}

var splits = sync.Pool{New: func() any { return &split{nearest: nearest1{book: coder1x2048()}} }}

// weigh1 sets the weights of a super-block.
func weigh1(w, x, weights []float32) {
	if weights == nil {
		squares(w, x)
		return
	}
	kernel.Importance(w, x, weights, 2*sumSquares(x)/superLen)
}

// load selects sub-block j and reports whether any value has a magnitude of at
// least 1e-12.
func (s *split) load(x []float32, j int) bool {
	s.x, s.w = x[j*32:][:32], s.all[j*32:][:32]
	var greatest uint32 // magnitudes compare like their bits
	for _, v := range s.x {
		greatest = max(greatest, math.Float32bits(abs(v)))
	}
	s.scale = math.Float32frombits(greatest)
	return !(s.scale < 1e-12)
}

// assign turns a split into codes. A negative scale turns levels and the shift
// around. It reports whether there is a split.
func (s *split) assign(found score) bool {
	if found.down < 0 {
		return false
	}
	twos := s.order.Numbers[found.end:]
	s.scale, s.down = found.scale, uint8(found.down)
	if s.scale < 0 {
		s.scale = -s.scale
		twos = s.order.Numbers[:found.begin]
		s.down ^= 1
	}
	clear(s.codes[:])
	for _, k := range s.order.Numbers[found.begin:found.end] {
		s.codes[k/8%4] |= 1 << (k % 8 * 2)
	}
	for _, k := range twos {
		s.codes[k/8%4] |= 2 << (k % 8 * 2)
	}
	return true
}

// fit ranks the codes, replaces those outside of the book, and returns the
// scale.
func (s *split) fit() float32 {
	outside, book := false, s.nearest.book
	for g := range s.codes {
		place := book.place[s.codes[g]]
		if place < 0 {
			outside = true
			s.codes[g] = s.nearest.code(s.x[8*g:][:8], s.w[8*g:][:8], s.scale, s.down, s.codes[g], place)
			place = book.place[s.codes[g]]
		}
		s.ranks[g] = uint16(place)
	}
	if !outside {
		return s.scale
	}
	if lx, ll := s.project(); lx > 0 && ll > 0 {
		return lx / ll
	}
	return s.scale
}

// project is Σw·q·x and Σw·q² of the codes.
func (s *split) project() (lx, ll float32) {
	values := &values1[s.down]
	for g, code := range s.codes {
		x, w := s.x[8*g:][:8], s.w[8*g:][:8]
		for i := range x {
			q := values[code>>(2*i)&3]
			lx += float32(w[i] * q * x[i])
			ll += float32(w[i] * q * q)
		}
	}
	return lx, ll
}

// nearest1 finds codes for what is outside of the book of IQ1.
type nearest1 struct {
	book *coder
	near kernel.Near
}

// longList is the length from which a kernel is faster.
const longList = 12

// code chooses, of the neighbours of a code, which are at place, the one with
// the least weighted squared error from eight values.
func (n *nearest1) code(x, w []float32, scale float32, down uint8, code uint16, place int32) uint16 {
	for l, v := range values1[down&1] {
		n.near.Values[l] = scale * v
	}
	if code, ok := n.near.Few(x, w, code, n.book.fewest(place)); ok {
		return code
	}
	list := n.book.neighbours(place)
	if len(list) >= longList && kernel.HasNear() && n.near.Search(x, w, n.book.planes(place), list) {
		return n.near.Nearest(list)
	}
	var cost terms
	for l, v := range n.near.Values {
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
