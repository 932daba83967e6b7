package block

import "github.com/f190792d/mq/quantize/kernel"

// The search tries many scales that differ by little, and most of what it
// would compute for one holds for the next. The shortcuts here and in
// iq_line.go choose the same codes as trying each scale by itself.

// sweep sets the points of group g at n scales. A level grows with the
// inverse scale, so that it is enough to find where it steps up.
func (s *gridSearch) sweep(g, n int) {
	var steps [kernel.MaxTries]uint32 // what the point grows by
	last := n - 1
	var point uint32
	for i, v := range s.x[g*s.dims:][:s.dims] {
		low, high := s.level(s.tries.Inverse[0]*v), s.level(s.tries.Inverse[last]*v)
		shift := i * s.bits
		point += uint32(low) << shift
		if low == high {
			continue
		}
		inverse := 1 / v
		for l := low + 1; l <= high; l++ {
			t := min(max(int((float32(2*l)*inverse-s.tries.Inverse[0])*s.density)+1, 1), last)
			for t > 1 && s.level(s.tries.Inverse[t-1]*v) >= l {
				t--
			}
			for s.level(s.tries.Inverse[t]*v) < l {
				t++
			}
			steps[t] += 1 << shift
		}
	}
	for t := range s.tried[g][:n] {
		point += steps[t]
		s.tried[g][t] = point
	}
}

// tryCodes chooses the codes of all groups at all n scales.
func (s *gridSearch) tryCodes(n int) {
	if s.kernels {
		s.takeTries()
		return
	}
	s.turnValues()
	shared := s.wellScaled(s.tries, n)
	for g := range s.size / s.dims {
		if shared {
			s.outside[g] = s.tryShared(g, n)
		} else {
			s.outside[g] = s.tryEach(g, n, s.tries, &s.tried[g])
		}
	}
}

// tryShared chooses the codes of group g with shortcuts, and returns the set of
// tries whose points are not in the book.
func (s *gridSearch) tryShared(g, n int) (outside uint32) {
	s.sweep(g, n)
	points := s.tried[g][:n]
	s.newLines(g, n)
	for start := 0; start < n; {
		end := start + 1
		for end < n && points[end] == points[start] {
			end++
		}
		if place := s.book.place[points[start]]; place < 0 {
			outside |= 1<<end - 1<<start
			s.lines.choose(s.book.neighbours(place), start, end-1)
		}
		start = end
	}
	return outside
}

// tryEach chooses the codes of group g without shortcuts.
func (s *gridSearch) tryEach(g, n int, tries *kernel.Tries, codes *kernel.Row) (outside uint32) {
	for t := range n {
		code := s.point(g, tries.Inverse[t])
		if place := s.book.place[code]; place < 0 {
			outside |= 1 << t
			code = s.nearestOf(g, s.book.neighbours(place), tries.Scale[t])
		}
		codes[t] = uint32(code)
	}
	return outside
}

// wellScaled reports whether the numbers of a sub-block are such that the
// bounds on rounding errors hold: none overflows or loses bits to underflow.
func (s *gridSearch) wellScaled(tries *kernel.Tries, n int) bool {
	return s.reach < 1e6 && tries.Scale[0] < 1e6 && tries.Inverse[n-1] < 1e30 && tries.Inverse[n-1]*s.reach < 4e5
}
