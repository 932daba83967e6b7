package block

import (
	"math/bits"
	"slices"

	"github.com/f190792d/mq/quantize/kernel"
)

// The descent of Q3_K, over sub-blocks of 16 values. Four of five settle where they start: the
// others are gathered, so that they fill the lanes.

// descendEach finds the scale of every sub-block.
func (s *strip) descendEach(x []float32) {
	moving := s.groups[:0]
	for first := 0; first*16 < len(x); first += kernel.Lanes {
		s.Load(x[first*16:min(len(x), (first+kernel.Lanes)*16)], 16)
		for set := s.Settle(levels3.High+1, 16); set != 0; set &= set - 1 {
			moving = append(moving, uint8(first+bits.TrailingZeros32(set)))
		}
		*(*kernel.Each)(s.fitScale[first:]) = s.Scale
	}
	for groups := range slices.Chunk(moving, kernel.Lanes) {
		s.descendSome(x, groups)
		for i, j := range groups {
			s.fitScale[j] = s.Scale[i]
		}
	}
}

func (s *strip) descendSome(x []float32, groups []uint8) {
	s.LoadSome(x, groups)
	s.Descend(levels3.High+1, 16)
}

// keepDescended is keepRounded after a descent, whose levels are found anew.
func (s *strip) keepDescended(r kernel.Rounding, x []float32, groups []uint8) {
	for groups := range slices.Chunk(groups, kernel.Lanes) {
		s.descendSome(x, groups)
		for i, j := range groups {
			for k := range 16 {
				s.levels[16*int(j)+k] = uint8(int32(s.L[k*kernel.Lanes+i]) - r.Low)
			}
		}
	}
}

// zeros lists those of the first n sub-blocks of 16 whose scale a reader sees as 0.
func (s *strip) zeros(n int) []uint8 {
	groups := s.groups[:0]
	for j, scale := range s.readScale[:n] {
		if scale == 0 {
			groups = append(groups, uint8(j))
		}
	}
	return groups
}
