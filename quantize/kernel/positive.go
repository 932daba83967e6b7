package kernel

// A PositiveSearch describes how the scale of a group without negative values is
// found.
type PositiveSearch struct {
	nmax int32      // levels are 0…nmax
	tops [9]float32 // what each trial makes of the greatest value
}

// NewPositiveSearch makes the greatest value nmax, and tries eight more
// between nmax-0.4 and nmax+0.4.
func NewPositiveSearch(nmax int32) PositiveSearch {
	s := PositiveSearch{nmax: nmax}
	s.tops[0] = float32(nmax)
	for t := range 4 {
		s.tops[1+t] = float32(0.1*float32(t-4)) + float32(nmax)
		s.tops[5+t] = float32(0.1*float32(t+1)) + float32(nmax)
	}
	return s
}

// SearchPositive approximates the first n values of every group by
// x ≈ Scale·level, levels 0…nmax, under the weights s.W: the best of nine
// roundings by weighted squared error, then coordinate descent as in Descend.
// It leaves the levels in s.L. A negative x, which only rounding errors can
// produce, wraps to a high level, below 256.
func (s *Scratch) SearchPositive(c *PositiveSearch, n int) {
	if active.searchPositive == nil {
		s.searchPositive(c, n)
		return
	}
	active.searchPositive(&s.X[0], n, &c.tops[0], len(c.tops), float32(c.nmax))
}

func (s *Scratch) searchPositive(c *PositiveSearch, n int) {
	var bufX, bufW [MaxLen]float32
	var levels [MaxLen]uint8
	for j := range s.groups {
		s.Scale[j] = c.Group(s.X.column(bufX[:n], j), s.W.column(bufW[:n], j), levels[:n])
		for i, l := range levels[:n] {
			s.L[i*Lanes+j] = float32(l)
		}
	}
}

// Group searches one group of any length.
func (c *PositiveSearch) Group(x, w []float32, levels []uint8) (scale float32) {
	w, levels = w[:len(x)], levels[:len(x)]
	var top float32
	for _, v := range x {
		if !(top > v) {
			top = v
		}
	}
	if top < Negligible {
		clear(levels)
		return 0
	}
	inv := c.tops[0] / top
	scale = 1 / inv
	var best float32
	for i, v := range x {
		diff := v - float32(scale*float32(uint8(Nearest(inv*v))))
		best += float32(w[i] * diff * diff)
	}
	for _, l := range c.tops[1:] {
		trial := l / top
		scale := 1 / trial
		var sum float32
		for i, v := range x {
			diff := v - float32(scale*float32(min(Nearest(trial*v), c.nmax)))
			sum += float32(w[i] * diff * diff)
		}
		if sum < best {
			best, inv = sum, trial
		}
	}
	return c.descend(x, w, inv, levels)
}

// descend rounds with the inverse scale inv, and lets each level in turn move.
func (c *PositiveSearch) descend(x, w []float32, inv float32, levels []uint8) float32 {
	w, levels = w[:len(x)], levels[:len(x)]
	var sumLX, sumLL float32
	for i, v := range x {
		l := min(Nearest(inv*v), c.nmax)
		levels[i] = uint8(l)
		f := float32(l)
		sumLX += float32(w[i] * v * f)
		sumLL += float32(w[i] * f * f)
	}
	for range sweeps {
		moved := false
		for i, v := range x {
			w, old := w[i], float32(levels[i])
			lx := sumLX - float32(w*v*old)
			ll := sumLL - float32(w*old*old)
			if !(lx > 0 && ll > 0) {
				continue
			}
			l := min(Nearest(v*ll/lx), c.nmax)
			if l == int32(levels[i]) {
				continue
			}
			f := float32(l)
			lx += float32(w * v * f)
			ll += float32(w * f * f)
			if lx*lx*sumLL > sumLX*sumLX*ll {
				levels[i], sumLX, sumLL, moved = uint8(l), lx, ll, true
			}
		}
		if !moved {
			break
		}
	}
	if sumLL > 0 {
		return sumLX / sumLL
	}
	return 0
}
