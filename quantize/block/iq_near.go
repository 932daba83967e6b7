package block

import (
	"math/bits"

	"github.com/f190792d/mq/quantize/kernel"
)

// try is tryEach for a set of groups with a kernel, for numbers that are well
// scaled. It sets the tries of each group whose points are outside.
func (s *gridSearch) try(set uint8, n int, tries *kernel.Tries, codes *[8]kernel.Row, outside *[8]uint32) {
	s.grid.Try(s.dims == 8, s.x, s.root, tries, n, set, codes[:], s.book.place, s.book.near)
	for ; set != 0; set &= set - 1 {
		g := bits.TrailingZeros8(set)
		out, unsure := s.grid.Tries(g)
		outside[g] = out
		for ; unsure != 0; unsure &= unsure - 1 {
			t := bits.TrailingZeros32(unsure)
			point := s.point(g, tries.Inverse[t])
			codes[g][t] = uint32(s.nearestOf(g, s.book.neighbours(s.book.place[point]), tries.Scale[t]))
		}
	}
}

// allGroups is the set of the groups of a sub-block.
func (s *gridSearch) allGroups() uint8 { return uint8(1<<(s.size/s.dims) - 1) }
