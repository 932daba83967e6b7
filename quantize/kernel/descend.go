package kernel

// sweeps is how often coordinate descent visits each value, at most.
const sweeps = 5

// Descend approximates the first n values of every group by x ≈ Scale·level,
// levels -nmax…nmax-1, by coordinate descent under weights x²: starting from
// the rounding of the extreme value's scale, each level in turn moves where
// that explains more of x. It leaves the levels in s.L, those of a negligible
// group at -nmax.
func (s *Scratch) Descend(nmax int32, n int) {
	if active.descend == nil {
		s.descend(nmax, n)
		return
	}
	active.descend(&s.X[0], n, float32(nmax))
}

// Settle is the start of Descend, without levels. It returns a bit for each group
// that may descend further, of random values one of five: Scale is that of Descend
// for all others.
func (s *Scratch) Settle(nmax int32, n int) (moving uint32) {
	if active.settle == nil {
		s.descend(nmax, n)
		return 0
	}
	for lane := 0; lane < s.groups; lane += active.lanes {
		moving |= active.settle(&s.X[lane], n, float32(nmax)) << lane
	}
	return moving & (1<<s.groups - 1)
}

func (s *Scratch) descend(nmax int32, n int) {
	var bufX, bufL [MaxLen]float32
	for j := range s.groups {
		levels := bufL[:n]
		s.Scale[j] = descend(s.X.column(bufX[:n], j), levels, nmax)
		for i, l := range levels {
			s.L[i*Lanes+j] = l
		}
	}
}

func descend(x, levels []float32, nmax int32) (scale float32) {
	levels = levels[:len(x)]
	top := Extreme(x)
	if Abs(top) < Negligible {
		for i := range levels {
			levels[i] = float32(-nmax)
		}
		return 0
	}
	inv := float32(-nmax) / top
	var sumLX, sumLL float32
	for i, v := range x {
		l, w := level(inv*v, -nmax, nmax-1), v*v
		levels[i] = l
		sumLX += float32(w * v * l)
		sumLL += float32(w * l * l)
	}
	for range sweeps {
		moved := false
		for i, v := range x {
			w, old := v*v, levels[i]
			lx := sumLX - float32(w*v*old)
			if !(lx > 0) {
				continue
			}
			ll := sumLL - float32(w*old*old)
			l := level(v*ll/lx, -nmax, nmax-1)
			if l == old {
				continue
			}
			lx += float32(w * v * l)
			ll += float32(w * l * l)
			if ll > 0 && lx*lx*sumLL > sumLX*sumLX*ll {
				levels[i], sumLX, sumLL, moved = l, lx, ll, true
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
