package block

// try offers the split from i to k, with every choice of shifts.
func (f *splitSearch) try(i, k int) {
	if f.halves {
		f.tryHalves(i, k)
	} else {
		f.tryShared(i, k)
	}
}

// tryShared adds the sums of the three runs.
func (f *splitSearch) tryShared(i, k int) {
	n := 32
	a, b, all := f.below(1, i), f.below(1, k), f.below(1, n)
	for d, v := range &values1 {
		lx := float32(a.x*v[0]) + float32((b.x-a.x)*v[1]) + float32((all.x-b.x)*v[2])
		ll := float32(a.w*v[0]*v[0]) + float32((b.w-a.w)*v[1]*v[1]) + float32((all.w-b.w)*v[2]*v[2])
		f.found.offer(lx, ll, i, k, d)
	}
}

// tryHalves takes the sums below the ends from those over all values.
func (f *splitSearch) tryHalves(i, k int) {
	n := 16
	var lx, ll [2][2]float32 // by half and shift
	for h := range lx {
		a, b, all := f.below(h, i), f.below(h, k), f.below(h, n)
		below := a.x + b.x
		for d, v := range &values1 {
			rise, fall := float32(v[0]*v[0])-float32(v[1]*v[1]), float32(v[1]*v[1])-float32(v[2]*v[2])
			lx[h][d] = float32(all.x*v[2]) - below
			ll[h][d] = float32(all.w*v[2]*v[2]) + float32(a.w*rise) + float32(b.w*fall)
		}
	}
	for c := range 4 {
		f.found.offer(lx[0][c>>1]+lx[1][c&1], ll[0][c>>1]+ll[1][c&1], i, k, c)
	}
}

// offer takes a split that is better than the one it has.
func (s *score) offer(lx, ll float32, begin, end, choice int) {
	if ll > 0 && float32(lx*lx) > float32(s.best*ll) {
		s.scale = lx / ll
		s.best = s.scale * lx
		s.begin, s.end, s.choice = begin, end, choice
	}
}

// sums are those over the values of a half below an end.
type sums struct{ x, w float32 }

func (f *splitSearch) below(half, end int) sums {
	return sums{f.ends.X[half][end], f.ends.W[half][end]}
}
