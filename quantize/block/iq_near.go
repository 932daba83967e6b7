package block

import (
	"math/bits"

	"github.com/f190792d/mq/quantize/kernel"
)

// try is tryEach for a set of groups with a kernel, for numbers that are well
// scaled. It sets the tries of each group whose points are outside, and those
// that may not have the code of the try before for other reasons than its lines.
func (s *gridSearch) try(set uint8, n int, tries *kernel.Tries, codes *[8]kernel.Row, outside, apart *[8]uint32) {
	s.grid.Try(s.dims == 8, s.x, s.root, tries, n, set, codes[:], s.book.points, s.book.few)
	for ; set != 0; set &= set - 1 {
		g := bits.TrailingZeros8(set)
		sets := s.grid.Tries(g)
		outside[g], apart[g] = sets.Outside, sets.Starts|sets.Unsure|sets.Unsure<<1
		for unsure := sets.Unsure; unsure != 0; unsure &= unsure - 1 {
			t := bits.TrailingZeros32(unsure)
			code := s.point(g, tries.Inverse[t])
			outside[g] &^= 1 << t
			if place := s.book.place[code]; place < 0 {
				outside[g] |= 1 << t
				code = s.nearestOf(g, s.book.neighbours(place), tries.Scale[t])
			}
			codes[g][t] = uint32(code)
		}
	}
}

// allGroups is the set of the groups of a sub-block.
func (s *gridSearch) allGroups() uint8 { return uint8(1<<(s.size/s.dims) - 1) }

// settle takes, for a set of groups, the codes for a scale between two tries that
// have the same point and, surely, the same code: a line that is lowest at both
// is lowest between them. It returns the set of the others.
func (s *gridSearch) settle(set uint8, inverse, scale float32) (open uint8) {
	last := 2 * s.span
	t := min(max(int((inverse-s.tries.Inverse[0])*s.density), 0), last-1)
	for t > 0 && inverse < s.tries.Inverse[t] {
		t--
	}
	for t < last-1 && inverse > s.tries.Inverse[t+1] {
		t++
	}
	if !(s.tries.Inverse[t] <= inverse && inverse <= s.tries.Inverse[t+1] && s.tries.Scale[t] >= scale && scale >= s.tries.Scale[t+1]) {
		return set
	}
	for ; set != 0; set &= set - 1 {
		g := bits.TrailingZeros8(set)
		if code := s.tried[g][t]; s.apart[g]>>(t+1)&1 == 0 && code == s.tried[g][t+1] {
			s.codes[g] = uint16(code)
		} else {
			open |= 1 << g
		}
	}
	return open
}
