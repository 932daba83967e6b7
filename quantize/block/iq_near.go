package block

import (
	"math/bits"

	"github.com/f190792d/mq/quantize/kernel"
)

// takeTries finishes, for the sub-block in turn, what kernels know of its tries: it chooses codes or
// asks for them where rounding errors may decide. It sets the tries of each group whose
// points are outside, and those that may not have the code of the try before for other
// reasons than its lines.
func (s *gridSearch) takeTries() {
	for g := range s.size / s.dims {
		sets := s.grid.Tries(s.group + g)
		unsure := sets.Edges | sets.Doubts
		s.outside[g], s.apart[g] = sets.Outside, sets.Starts|unsure|unsure<<1
		if unsure != 0 {
			s.turnValues()
		}
		for ; unsure != 0; unsure &= unsure - 1 {
			t := bits.TrailingZeros32(unsure)
			if sets.Edges>>t&1 == 0 && s.ask(g, s.book.points[s.grid.Point(s.group+g, t)], s.tries.Scale[t], t) {
				continue
			}
			code := s.point(g, s.tries.Inverse[t])
			s.outside[g] &^= 1 << t
			if place := s.book.place[code]; place < 0 {
				s.outside[g] |= 1 << t
				code = s.nearestOf(g, s.book.neighbours(place), s.tries.Scale[t])
			}
			s.tried[g][t] = uint32(code)
		}
	}
}

// again is the try of a question about the scale that won.
const again = kernel.MaxTries

// ask asks for the code of a group at one scale, in the list of a point outside of the
// book. It returns false where there are too many questions.
func (s *gridSearch) ask(g int, point int32, scale float32, try int) bool {
	number, ok := s.questions.Ask((s.group+g)*s.dims, int(^point), s.book.few, scale)
	if ok {
		s.askedBy[number] = asker{uint8(s.group + g), uint8(try)}
	}
	return ok
}

// An asker is the group and the try of a question.
type asker struct{ group, try uint8 }

// answer gives tries the codes that were asked for.
func (s *gridSearch) answer(x, w []float32) {
	for i, code := range s.questions.Answer(s.dims == 8, x, w, s.book.few) {
		by := s.askedBy[i]
		s.rows[by.group][by.try] = code
	}
}

// askAgain asks for the code of a group at a scale, or takes it where its point is in the book. It
// returns false where a value is so near an edge that rounding errors decide what its
// level is.
func (s *gridSearch) askAgain(g int, inverse, scale float32) bool {
	number, digit := 0, 1
	for _, v := range s.x[g*s.dims:][:s.dims] {
		steps := 0.5 * (float32(inverse*v) - 1)
		level := nearest(steps)
		if off := abs(steps-float32(level)) - 0.5; off > -1./1024 && off < 1./1024 {
			return false
		}
		number += int(min(max(level, 0), int32(s.levels)-1)) * digit
		digit *= s.levels
	}
	point := s.book.points[number]
	if point >= 0 {
		s.tried[g][again] = uint32(point)
		return true
	}
	return s.ask(g, point, scale, again)
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
