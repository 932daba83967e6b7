package kernel

// Negligible is the magnitude below which a group counts as all zero.
const Negligible = 1e-15

// A ScaleSearch describes how the scale of a group is found.
type ScaleSearch struct {
	nmax int32     // levels are -nmax…nmax-1
	tops []float32 // what each trial makes of the value of largest magnitude
}

// NewScaleSearch makes the extreme value -nmax, and tries 18 more between
// -nmax-0.9 and -nmax+0.9.
func NewScaleSearch(nmax int32) ScaleSearch {
	s := ScaleSearch{nmax, []float32{float32(-nmax)}}
	for t := float32(-9); t <= 9; t++ {
		if t != 0 {
			s.tops = append(s.tops, -(float32(nmax) + float32(0.1*t)))
		}
	}
	return s
}

// SearchScale approximates the first n values of every group by
// x ≈ Scale·level, levels -nmax…nmax-1, under the weights s.W. For each trial
// it rounds, solves the weighted least-squares problem, and keeps the trial
// that explains most of x. The levels are those of Inverse·x; both are 0 for
// a negligible group.
func (s *Scratch) SearchScale(c *ScaleSearch, n int) {
	if active.searchScale == nil {
		s.searchScale(c, n)
		return
	}
	for lane := 0; lane < s.groups; lane += active.lanes {
		active.searchScale(&s.X[lane], n, &c.tops[0], len(c.tops), float32(c.nmax))
	}
}

func (s *Scratch) searchScale(c *ScaleSearch, n int) {
	var bufX, bufW [MaxLen]float32
	for j := range s.groups {
		s.Scale[j], s.Inverse[j] = c.Group(s.X.column(bufX[:n], j), s.W.column(bufW[:n], j))
	}
}

// Group searches one group of any length.
func (c *ScaleSearch) Group(x, w []float32) (scale, inverse float32) {
	top := Extreme(x)
	if Abs(top) < Negligible {
		return 0, 0
	}
	inverse = c.tops[0] / top
	sumLX, sumLL := c.project(x, w, inverse)
	if sumLL != 0 {
		scale = sumLX / sumLL
	}
	best := scale * sumLX
	for _, l := range c.tops[1:] {
		inv := l / top
		sumLX, sumLL := c.project(x, w, inv)
		if sumLL > 0 && float32(sumLX*sumLX) > float32(best*sumLL) {
			inverse = inv
			scale = sumLX / sumLL
			best = scale * sumLX
		}
	}
	return scale, inverse
}

// project rounds x with the inverse scale inv to levels l and returns Σw·l·x
// and Σw·l².
func (c *ScaleSearch) project(x, w []float32, inv float32) (sumLX, sumLL float32) {
	w = w[:len(x)]
	for i, v := range x {
		l := level(inv*v, -c.nmax, c.nmax-1)
		sumLX += float32(w[i] * v * l)
		sumLL += float32(w[i] * l * l)
	}
	return sumLX, sumLL
}
