package block

import (
	"math/bits"
	"sync"

	"github.com/f190792d/mq/quantize/kernel"
)

// A gridFormat is a block type that stores groups of magnitudes as codes of a
// codebook, beside their signs. Level l stands for the odd number 2l+1; a
// sub-block of size weights has a scale of four bits, and a super-block of
// 256 has a float16 before anything else.
type gridFormat struct {
	bytes int // of a super-block
	coder func() *coder
	lattice
	size int
	// Scales are tried at 2·span+1 distances of step, in units of the
	// inverse scale, around the one that maps the greatest magnitude to the
	// top level.
	span int
	step float32
	// A sub-block without a magnitude of at least tiny is stored as zeros.
	tiny float32
	// positive gives the first scale, where it is not nil.
	positive *kernel.PositiveSearch
	// redo says which codes are chosen again for the scale that won.
	redo redo
	// even: signs of eight weights take seven bits; see kernel.Signed.
	even bool
	// variance multiplies the mean square of a super-block for the weights
	// of an importance matrix, and plain gives weights without one.
	variance float32
	plain    func(w, x []float32, variance float32)
	// gain corrects the float16 scale for what the search leaves out.
	gain float32
	// keep: codes stay in a super-block whose scales are all zero.
	keep bool

	putCodes func(block []byte, j int, s *gridSearch)
	putScale func(block []byte, j int, level uint8)
}

// use turns to a format.
func (s *gridSearch) use(f *gridFormat) {
	if s.gridFormat == f {
		return
	}
	s.gridFormat, s.book = f, f.coder()
	s.last = superLen/s.size - 1
	groups := s.size / s.dims
	for j := range s.last + 1 {
		b := &s.blocks[j]
		b.number, b.group, b.tries = j, j*groups, &s.spread[j]
		b.tried = s.rows[b.group:][:groups]
	}
	for t := range 2*f.span + 1 {
		s.numerators[t] = float32(2*f.levels-1) + float32(float32(t-f.span)*f.step)
	}
}

type redo uint8

const (
	redoOutside redo = iota // those of points outside of the book
	redoAll                 // all, if any point is outside or no try is good
	redoAlways              // all
)

var gridSearches = sync.Pool{New: func() any { return new(gridSearch) }}

// quantize stores one row.
func (f *gridFormat) quantize(dst []byte, src, weights []float32) {
	s := gridSearches.Get().(*gridSearch)
	defer gridSearches.Put(s)
	s.use(f)
	for at := 0; at < len(src); at += gridBatch {
		end := min(at+gridBatch, len(src))
		if weights == nil {
			s.prepare(src[at:end], nil)
		} else {
			s.prepare(src[at:end], weights[at:end])
		}
		for i := at; i < end; i += superLen {
			s.superBlock(dst[i/superLen*f.bytes:][:f.bytes], (i-at)/f.size)
		}
	}
}

// superBlock stores the super-block whose first sub-block has the given number.
func (s *gridSearch) superBlock(block []byte, first int) {
	clear(block)
	var scales [16]float32
	var top float32
	n := superLen / s.size
	s.stored = 0
	s.fit(first, n)
	for j := range n {
		s.turn(first + j)
		scale, ok := s.result()
		if !ok {
			continue
		}
		s.putCodes(block, j, s)
		s.stored++
		scales[j] = scale
		top = max(top, scale)
	}
	if top == 0 {
		if !s.keep {
			clear(block)
		}
		return
	}
	d := top / 31
	putHalf(block, d*s.gain)
	inverse := 1 / d
	for j, scale := range scales[:n] {
		level := nearest(0.5 * (float32(inverse*scale) - 1))
		s.putScale(block, j, uint8(min(max(level, 0), 15)))
	}
}

// evenSigns restores the eighth sign from seven.
func evenSigns(seven uint32) uint8 {
	s := uint8(seven & 127)
	return s | uint8(bits.OnesCount8(s)&1)<<7
}

// expand8 sets eight values from a code of eight levels and their signs.
func expand8(dst []float32, code uint16, values *[4]float32, signs uint8) {
	dst = dst[:8]
	for i := range dst {
		dst[i] = signed(values[code>>(2*i)&3], signs>>i)
	}
}

// expand44 sets eight values from two codes of four levels and their signs.
func expand44(dst []float32, low, high uint16, values *[8]float32, signs uint8) {
	dst = dst[:8]
	for i := range 4 {
		dst[i] = signed(values[low>>(3*i)&7], signs>>i)
		dst[i+4] = signed(values[high>>(3*i)&7], signs>>(i+4))
	}
}
