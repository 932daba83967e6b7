package kernel

import "unsafe"

// A MinSearch describes how the scale and the minimum of a group are found.
type MinSearch struct {
	NMax     int32     // levels are 0…NMax
	Trials   []float32 // trial t stretches the range of the group to Trials[t] levels
	Absolute bool      // weigh |error| instead of error²
}

// NewMinSearch lists the trials nmax+first, nmax+first+step, … (count of them).
func NewMinSearch(nmax int32, first, step float32, count int, absolute bool) MinSearch {
	trials := make([]float32, count)
	for t := range trials {
		trials[t] = first + float32(step*float32(t)) + float32(nmax)
	}
	return MinSearch{nmax, trials, absolute}
}

// SearchMin approximates the first n values of every group by
// x ≈ Scale·level - Offset with Offset ≥ 0, under the weights s.W. It starts
// from the plain range and, for each trial rounding, solves the weighted
// least-squares problem for scale and minimum; the trial of least weighted
// error wins, the first on a tie. The minimum of a trial that wins is where
// the next trials start to round. The levels are those of
// Inverse·(x-From), rounded and held within 0…NMax.
func (s *Scratch) SearchMin(m *MinSearch, n int) {
	searches := active.searchMin
	if m.Absolute {
		searches = active.searchMinAbsolute
	}
	outOfRange := uint32(1<<Lanes - 1)
	if kernel := searches[(s.groups-1)/half]; kernel.search != nil {
		outOfRange = 0
		for lane := 0; lane < s.groups; lane += kernel.lanes {
			outOfRange |= kernel.search(&s.X[lane], n, unsafe.SliceData(m.Trials), len(m.Trials), float32(m.NMax)) << lane
		}
	}
	if outOfRange != 0 {
		s.searchMin(m, n, outOfRange)
	}
}

// searchMin is the specification of SearchMin, for the groups of a bit mask.
func (s *Scratch) searchMin(m *MinSearch, n int, groups uint32) {
	var bufX, bufW, levels [MaxLen]float32
	for j := range s.groups {
		if groups>>j&1 != 0 {
			x, w := s.X.column(bufX[:n], j), s.W.column(bufW[:n], j)
			s.Scale[j], s.Offset[j], s.Inverse[j], s.From[j] = m.group(x, w, levels[:n])
		}
	}
}

// group searches one group. levels is room for the trials.
func (m *MinSearch) group(x, w, levels []float32) (scale, offset, inverse, from float32) {
	w, levels = w[:len(x)], levels[:len(x)]
	lo, hi := x[0], x[0]
	sumW := w[0]
	sumX := float32(w[0] * x[0])
	for i := 1; i < len(x); i++ {
		v := x[i]
		if v < lo {
			lo = v
		}
		if v > hi {
			hi = v
		}
		sumW += w[i]
		sumX += float32(w[i] * v)
	}
	if lo > 0 {
		lo = 0
	}
	if hi <= lo {
		return 0, -lo, 0, 0
	}

	inverse, from = float32(m.NMax)/(hi-lo), lo
	scale = 1 / inverse
	for i, v := range x {
		levels[i] = level(inverse*(v-lo), 0, m.NMax)
	}
	best := m.fitError(x, w, levels, scale, lo)

	for _, top := range m.Trials {
		inv := top / (hi - lo)
		var sumL, sumLL, sumXL float32
		for i, v := range x {
			l := level(inv*(v-lo), 0, m.NMax)
			levels[i] = l
			wl := float32(w[i] * l)
			sumL += wl
			sumLL += float32(wl * l)
			sumXL += float32(wl * v)
		}
		det := float32(sumW*sumLL) - float32(sumL*sumL)
		if !(det > 0) {
			continue
		}
		newScale := (float32(sumW*sumXL) - float32(sumX*sumL)) / det
		newLo := (float32(sumLL*sumX) - float32(sumL*sumXL)) / det
		if newLo > 0 {
			newLo, newScale = 0, sumXL/sumLL
		}
		if e := m.fitError(x, w, levels, newScale, newLo); e < best {
			inverse, from = inv, lo
			best, scale, lo = e, newScale, newLo
		}
	}
	return scale, -lo, inverse, from
}

// fitError is the weighted error of scale·level + lo.
func (m *MinSearch) fitError(x, w, levels []float32, scale, lo float32) (sum float32) {
	w, levels = w[:len(x)], levels[:len(x)]
	if m.Absolute {
		for i, v := range x {
			diff := float32(scale*levels[i]) + lo - v
			sum += float32(w[i] * Abs(diff))
		}
		return sum
	}
	for i, v := range x {
		diff := float32(scale*levels[i]) + lo - v
		sum += float32(w[i] * float32(diff*diff))
	}
	return sum
}
