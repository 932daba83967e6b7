package block

// A minSearch says how the scale and the minimum of one sub-block are found.
type minSearch struct {
	nmax     int32     // levels are 0…nmax
	trials   []float32 // trial t stretches the range of the sub-block to trials[t] levels
	absolute bool      // weigh |error| instead of error²
}

// newMinSearch lists the trials nmax+first, nmax+first+step, … (count of them).
func newMinSearch(nmax int32, first, step float32, count int, absolute bool) minSearch {
	trials := make([]float32, count)
	for t := range trials {
		trials[t] = first + float32(step*float32(t)) + float32(nmax)
	}
	return minSearch{nmax, trials, absolute}
}

// searchScaleMin finds x ≈ scale·level - offset with offset ≥ 0 for one
// sub-block of at most 32 values. It starts from the plain range and, for
// each trial rounding, solves the weighted least-squares problem for scale
// and minimum; the trial of least weighted error wins, the first on a tie.
// The minimum of a trial that wins is where the next trials start to round.
// levels receives the levels of the winner.
func searchScaleMin(x, w []float32, s *minSearch, levels []uint8) (scale, offset float32) {
	w, levels = w[:len(x)], levels[:len(x)]
	lo, hi := x[0], x[0]
	sumW := w[0]
	sumX := float32(sumW * x[0])
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
		clear(levels)
		return 0, -lo
	}

	inv := float32(s.nmax) / (hi - lo)
	scale = 1 / inv
	for i, v := range x {
		levels[i] = uint8(min(max(nearest(inv*(v-lo)), 0), s.nmax))
	}
	best := fitError(x, w, levels, scale, lo, s.absolute)

	var buf [32]uint8
	trial := buf[:len(x)]
	for _, top := range s.trials {
		inv := top / (hi - lo)
		var sumL, sumLL, sumXL float32
		for i, v := range x {
			l := min(max(nearest(inv*(v-lo)), 0), s.nmax)
			trial[i] = uint8(l)
			f := float32(l)
			wl := float32(w[i] * f)
			sumL += wl
			sumLL += float32(wl * f)
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
		if e := fitError(x, w, trial, newScale, newLo, s.absolute); e < best {
			best, scale, lo = e, newScale, newLo
			copy(levels, trial)
		}
	}
	return scale, -lo
}

// fitError is the weighted error of scale·level + lo.
func fitError(x, w []float32, levels []uint8, scale, lo float32, absolute bool) (sum float32) {
	w, levels = w[:len(x)], levels[:len(x)]
	if absolute {
		for i, v := range x {
			diff := float32(scale*float32(levels[i])) + lo - v
			sum += float32(w[i] * abs(diff))
		}
		return sum
	}
	for i, v := range x {
		diff := float32(scale*float32(levels[i])) + lo - v
		sum += float32(w[i] * float32(diff*diff))
	}
	return sum
}
