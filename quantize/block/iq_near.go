package block

import (
	"math/bits"

	"github.com/f190792d/mq/quantize/kernel"
)

// try is tryEach with a kernel, for numbers that are well scaled.
func (s *gridSearch) try(g, n int, tries *kernel.Tries, codes *kernel.Row) (outside uint32) {
	outside, unsure := s.grid.Try(s.dims == 8, s.x[g*s.dims:], s.root[g*s.dims:], tries, n, codes, s.book.place, s.book.near)
	for ; unsure != 0; unsure &= unsure - 1 {
		t := bits.TrailingZeros32(unsure)
		point := s.point(g, tries.Inverse[t])
		codes[t] = uint32(s.nearestOf(g, s.book.neighbours(s.book.place[point]), tries.Scale[t]))
	}
	return outside
}
