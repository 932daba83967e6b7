package block

import "github.com/f190792d/mq/quantize/kernel"

// The search tries many scales that differ by little, and most of what it
// would compute for one holds for the next. The shortcuts here and in
// iq_line.go choose the same codes as trying each scale by itself.

// sweep sets the points of group g at n scales. A level grows with the
// inverse scale, so that it is enough to find where it steps up.
func (s *gridSearch) sweep(g, n int) {
	var steps [maxTries]uint16 // what the point grows by
	last := n - 1
	var point uint16
	for i, v := range s.x[g*s.dims:][:s.dims] {
		low, high := s.level(s.inverse[0]*v), s.level(s.inverse[last]*v)
		shift := i * s.bits
		point += uint16(low) << shift
		if low == high {
			continue
		}
		inverse := 1 / v
		for l := low + 1; l <= high; l++ {
			t := min(max(int((float32(2*l)*inverse-s.inverse[0])*s.density)+1, 1), last)
			for t > 1 && s.level(s.inverse[t-1]*v) >= l {
				t--
			}
			for s.level(s.inverse[t]*v) < l {
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
	clear(s.outside[:])
	sweeps, kernels := s.wellScaled(n), kernel.HasLines()
	for g := range s.size / s.dims {
		if !sweeps {
			s.tryEach(g, n)
			continue
		}
		s.sweep(g, n)
		points := s.tried[g][:n]
		var slack float32
		if kernels {
			slack, _ = s.slack(g, n)
			s.compared.Set(s.dims == 8, s.x[g*s.dims:], s.root[g*s.dims:])
		} else {
			s.newLines(g, n)
		}
		for start := 0; start < n; {
			end := start + 1
			for end < n && points[end] == points[start] {
				end++
			}
			if place := s.book.place[points[start]]; place < 0 {
				for t := start; t < end; t++ {
					s.outside[t] |= 1 << g
				}
				if kernels {
					s.chooseAll(g, place, start, end-1, slack)
				} else {
					s.lines.choose(s.book.neighbours(place), start, end-1)
				}
			}
			start = end
		}
	}
}

// tryEach chooses the codes of group g without shortcuts.
func (s *gridSearch) tryEach(g, n int) {
	points := s.tried[g][:n]
	for t := range points {
		points[t] = s.point(g, s.inverse[t])
		if place := s.book.place[points[t]]; place < 0 {
			s.outside[t] |= 1 << g
			points[t] = s.nearestOf(g, s.book.neighbours(place), s.scale[t])
		}
	}
}

// wellScaled says whether the numbers of a sub-block are such that the bounds
// on rounding errors hold: none overflows or loses bits to underflow.
func (s *gridSearch) wellScaled(n int) bool {
	var reach float32
	for _, v := range s.x[:s.size] {
		reach = max(reach, abs(v))
	}
	return reach < 1e6 && s.scale[0] < 1e6 && s.inverse[n-1]*reach < 4e6
}
