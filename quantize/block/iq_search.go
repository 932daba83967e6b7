package block

import (
	"math/bits"

	"github.com/f190792d/mq/quantize/kernel"
)

// A gridSearch is the scratch space of one sub-block, reused along a row.
// Groups are counted by g, tried scales by t.
type gridSearch struct {
	*gridFormat
	book   *coder
	stored int // sub-blocks of the super-block that are not zero, so far
	values gridValues
	signed kernel.Signed
	lanes  kernel.Scratch
	// Of the sub-block in turn: magnitudes, their weights w and √w, signs, the
	// greatest magnitude with its sign and without, a first scale.
	x, w, root             []float32
	signs                  []uint8
	top, reach, first      float32
	codes                  [8]uint16         // the result
	numerators             kernel.Numerators // what tries make of the limit
	tries                  kernel.Tries
	density                float32 // tries per unit of the inverse scale
	lines                  lines
	grid                   kernel.Grid
	once                   kernel.Tries  // the scale for which codes are chosen again
	chosen                 [8]kernel.Row // and the codes
	onceOutside, onceApart [8]uint32
	tried                  [8]kernel.Row
	outside                [8]uint32 // bit t: the point of the group at try t is not in the book
	apart                  [8]uint32 // bit t: the code at try t may not be that of try t-1; see try
	kernels                bool      // chose the codes of the tries
	lx, ll                 [8]terms  // of Σw·l·x and Σw·l²
	sumX                   [kernel.MaxTries]float32
	sumL                   [kernel.MaxTries]float32
}

// fit chooses codes and the scale for the sub-block in x and w, and reports
// whether there is anything to store. The scale is not negative.
func (s *gridSearch) fit() (scale float32, ok bool) {
	limit := s.top
	if limit < s.tiny || limit == 0 {
		return 0, false
	}
	top := float32(2*s.levels - 1)
	if s.positive != nil {
		scale = s.first
		limit = scale * float32(s.levels)
		if limit <= 0 {
			return 0, false
		}
	} else {
		scale = limit / top
	}
	n := 2*s.span + 1
	s.tries.Spread(&s.numerators, n, limit)
	s.density = limit / s.step
	s.tryCodes(n)
	winner, scale := s.bestTry(n, scale)
	again := s.take(winner)
	if again != 0 && scale > 0 {
		before := s.codes
		s.again(again, scale)
		// The same codes have the same sums, which gave the scale.
		if winner < 0 || s.codes != before {
			if lx, ll := s.project(); ll > 0 {
				scale = lx / ll
			}
		}
	}
	if scale < 0 {
		scale = -scale
		for k := range s.signs {
			s.signs[k] = ^s.signs[k]
		}
	}
	return scale, true
}

// point rounds group g to the lattice.
func (s *gridSearch) point(g int, inverse float32) (code uint16) {
	for i, v := range s.x[g*s.dims:][:s.dims] {
		code |= uint16(s.level(float32(inverse*v))) << (i * s.bits)
	}
	return code
}

// level rounds v to the nearest odd number 2l+1 and returns l.
func (s *gridSearch) level(v float32) int32 {
	return min(max(nearest(0.5*(float32(v)-1)), 0), int32(s.levels)-1)
}

// nearestOf chooses, of a list, the code with the least weighted squared error
// from group g.
func (s *gridSearch) nearestOf(g int, list []uint16, scale float32) uint16 {
	if s.dims == 8 {
		return nearest8(list, scale, (*[8]float32)(s.x[8*g:]), (*[8]float32)(s.root[8*g:]))
	}
	return nearest4(list, scale, (*[4]float32)(s.x[4*g:]), (*[4]float32)(s.root[4*g:]))
}

// bestTry returns the try whose codes explain most of x and the least-squares
// scale for them, or -1 and the given scale.
func (s *gridSearch) bestTry(n int, scale float32) (int, float32) {
	var best float32
	winner := -1
	lx, ll := s.sums(n)
	set := s.grid.Best(n)
	if set == 0 {
		set = 1<<n - 1
	}
	for ; set != 0; set &= set - 1 {
		t := bits.TrailingZeros32(set)
		if lx, ll := lx[t], ll[t]; ll > 0 && float32(lx*lx) > float32(best*ll) {
			winner, scale = t, lx/ll
			best = scale * lx
		}
	}
	return winner, scale
}

// take makes a try the result; -1 stands for codes of zeros. It returns the
// set of groups whose codes are to be chosen again.
func (s *gridSearch) take(t int) (again uint8) {
	clear(s.codes[:])
	if t >= 0 {
		for g := range s.size / s.dims {
			s.codes[g] = uint16(s.tried[g][t])
			again |= uint8(s.outside[g]>>t&1) << g
		}
	}
	switch {
	case s.redo == redoAlways, s.redo == redoAll && (again != 0 || t < 0):
		return s.allGroups()
	}
	return again
}

// again chooses the codes of a set of groups for a given scale.
func (s *gridSearch) again(set uint8, scale float32) {
	s.once.Inverse[0], s.once.Scale[0] = 1/scale, scale
	if s.kernels {
		set = s.settle(set, 1/scale, scale)
	}
	if kernel.HasGrid() && s.wellScaled(&s.once, 1) {
		s.try(set, 1, &s.once, &s.chosen, &s.onceOutside, &s.onceApart)
	} else {
		for rest := set; rest != 0; rest &= rest - 1 {
			g := bits.TrailingZeros8(rest)
			s.tryEach(g, 1, &s.once, &s.chosen[g])
		}
	}
	for ; set != 0; set &= set - 1 {
		g := bits.TrailingZeros8(set)
		s.codes[g] = uint16(s.chosen[g][0])
	}
}

// rank is what a block stores for group g.
func (s *gridSearch) rank(g int) uint32 { return uint32(s.book.place[s.codes[g]]) }
