package block

import (
	"sync"

	"github.com/f190792d/mq/quantize/kernel"
)

// A shifted is the scratch space of the super-blocks whose sub-blocks lie side by side.
type shifted struct {
	kernel.Ternary // first: it begins at a cache line
	nearest        nearest1
	all            [kernel.Lanes * kernel.MaxLen]float32   // weights
	scale          [kernel.Lanes]float32                   // 0: no split
	down           [2][kernel.Lanes]uint8                  // 1: the shift of the part is down
	ranks          [kernel.MaxLen / 8][kernel.Lanes]uint16 // in the book
}

var shiftedSpace = sync.Pool{New: func() any { return &shifted{nearest: nearest1{book: coder1x2048()}} }}

// shiftedLayout is what the types of shifted levels have apart.
type shiftedLayout struct {
	shifts *kernel.Shifts
	sub    int // values of a sub-block
	parts  int // of it, that are shifted apart
	bytes  int // of a super-block
	// pack writes super-blocks, which are zero before.
	pack func(s *shifted, dst []byte)
}

// quantize quantizes one row.
func (f *shiftedLayout) quantize(dst []byte, src, weights []float32) {
	s := shiftedSpace.Get().(*shifted)
	defer shiftedSpace.Put(s)
	for i := 0; i+superLen <= len(src); i += len(s.all) {
		x := src[i:min(i+len(s.all), len(src)/superLen*superLen)]
		s.weigh(x, weights, i)
		for at := 0; at < len(x); at += f.sub * kernel.Lanes {
			end := min(at+f.sub*kernel.Lanes, len(x))
			f.fit(s, x[at:end], s.all[at:end])
			blocks := dst[(i+at)/superLen*f.bytes : (i+end)/superLen*f.bytes]
			clear(blocks)
			f.pack(s, blocks)
		}
	}
}

// weigh sets the weights of super-blocks that begin at i.
func (s *shifted) weigh(x, weights []float32, i int) {
	if weights == nil {
		squares(s.all[:], x)
		return
	}
	var sums [len(s.all) / superLen]float32
	n := len(x) / superLen
	sumSquaresEach(sums[:n], x, superLen)
	for b, sum := range sums[:n] {
		at := b * superLen
		kernel.Importance(s.all[at:][:superLen], x[at:][:superLen], weights[i+at:][:superLen], 2*sum/superLen)
	}
}

// fit finds codes, shifts and scales of all sub-blocks.
func (f *shiftedLayout) fit(s *shifted, x, w []float32) {
	s.Load(f.shifts, x, w)
	found := s.Search()
	clear(s.scale[:])
	var outside uint32 // groups whose codes are not all in the book
	for j := range len(x) / f.sub {
		s.Factor[j] = 1
		scale, down, turned := s.Scale[j], s.Choice[j], uint32(0)
		if found>>j&1 == 0 {
			scale, down = 0, 0
		} else if scale < 0 { // levels and shifts turn around
			scale, down, turned = -scale, ^down, 0xaaaa
		}
		s.scale[j] = scale
		for part := range f.parts {
			d := uint8(down >> (f.parts - 1 - part) & 1)
			s.down[part][j], s.Bias[part][j] = d, values1[d][0]
		}
		for octet := range f.sub / 8 {
			if found>>j&1 == 0 {
				s.ranks[octet][j], s.Codes[octet][j] = 0, uint32(s.nearest.book.codes[0])
				continue
			}
			code := uint16(s.Codes[octet][j])
			if turned != 0 {
				code = uint16(turned) - code
			}
			place := s.nearest.book.place[code]
			if place < 0 {
				outside |= 1 << j
				at := f.sub*j + 8*octet
				code = s.nearest.code(x[at:][:8], w[at:][:8], scale, s.down[octet*f.parts*8/f.sub][j], code, place)
				place = s.nearest.book.place[code]
			}
			s.ranks[octet][j], s.Codes[octet][j] = uint16(place), uint32(code)
		}
	}
	if outside == 0 {
		return
	}
	s.Project()
	for j := range len(x) / f.sub {
		if outside>>j&1 != 0 && s.SumX[j] > 0 && s.SumL[j] > 0 {
			s.scale[j] = s.SumX[j] / s.SumL[j]
		}
	}
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
	if kernel.HasNear() {
		list := n.book.neighbours(place)
		if len(list) >= longList && n.near.Search(x, w, n.book.planes(place), list) {
			return n.near.Nearest(list)
		}
	}
	var cost terms
	for l, v := range n.near.Values {
		for i := range x {
			d := v - x[i]
			cost[4*i+l] = w[i] * d * d
		}
	}
	list := n.book.fewest(place)
	if !cost.allow(code) {
		list = n.book.neighbours(place)
	}
	if code, sure := cost.likely8(list); sure {
		return code
	}
	return cheapest8(list, &cost)
}
