package block

// negligible is the magnitude below which a group counts as all zero.
const negligible = 1e-15

// searchScale finds x ≈ scale·(level-nmax), levels 0…2·nmax-1, for one
// sub-block: it rounds with the inverse scale of the extreme value and with
// 18 scales around it, solves the weighted least-squares problem for each,
// and keeps the trial that explains most of x. All levels of a negligible
// sub-block are 0.
func searchScale(x, w []float32, nmax int32, levels []uint8) (scale float32) {
	w, levels = w[:len(x)], levels[:len(x)]
	top := extreme(x)
	if abs(top) < negligible {
		clear(levels)
		return 0
	}
	inv := float32(-nmax) / top
	sumLX, sumLL := project(x, w, inv, nmax)
	putLevels(x, inv, nmax, levels)
	if sumLL != 0 {
		scale = sumLX / sumLL
	}
	best := scale * sumLX
	for t := float32(-9); t <= 9; t++ {
		if t == 0 {
			continue
		}
		inv := -(float32(nmax) + float32(0.1*t)) / top
		sumLX, sumLL := project(x, w, inv, nmax)
		if sumLL > 0 && float32(sumLX*sumLX) > float32(best*sumLL) {
			putLevels(x, inv, nmax, levels)
			scale = sumLX / sumLL
			best = scale * sumLX
		}
	}
	return scale
}

// project rounds x with the inverse scale inv to signed levels l and returns
// Σw·l·x and Σw·l².
func project(x, w []float32, inv float32, nmax int32) (sumLX, sumLL float32) {
	w = w[:len(x)]
	for i, v := range x {
		l := float32(min(max(nearest(inv*v), -nmax), nmax-1))
		sumLX += float32(w[i] * v * l)
		sumLL += float32(w[i] * l * l)
	}
	return sumLX, sumLL
}

// putLevels stores the levels that project sums over, made unsigned.
func putLevels(x []float32, inv float32, nmax int32, levels []uint8) {
	levels = levels[:len(x)]
	for i, v := range x {
		levels[i] = uint8(min(max(nearest(inv*v), -nmax), nmax-1) + nmax)
	}
}

// descendScale finds x ≈ scale·(level-nmax) for one sub-block by coordinate
// descent, with weights x²: starting from the rounding of the extreme value's
// scale, each level in turn moves where that explains more of x, for at most
// five sweeps. All levels of a negligible sub-block are 0.
func descendScale(x []float32, nmax int32, levels []uint8) float32 {
	levels = levels[:len(x)]
	top := extreme(x)
	if abs(top) < negligible {
		clear(levels)
		return 0
	}
	inv := float32(-nmax) / top
	var buf [16]int32
	signed := buf[:len(x)]
	var sumLX, sumLL float32
	for i, v := range x {
		l := min(max(nearest(inv*v), -nmax), nmax-1)
		signed[i] = l
		f, w := float32(l), v*v
		sumLX += float32(w * v * f)
		sumLL += float32(w * f * f)
	}
	for range 5 {
		moved := false
		for i, v := range x {
			w, old := v*v, float32(signed[i])
			lx := sumLX - float32(w*v*old)
			if !(lx > 0) {
				continue
			}
			ll := sumLL - float32(w*old*old)
			l := min(max(nearest(v*ll/lx), -nmax), nmax-1)
			if l == signed[i] {
				continue
			}
			f := float32(l)
			lx += float32(w * v * f)
			ll += float32(w * f * f)
			if ll > 0 && lx*lx*sumLL > sumLX*sumLX*ll {
				signed[i], sumLX, sumLL, moved = l, lx, ll, true
			}
		}
		if !moved {
			break
		}
	}
	for i, l := range signed {
		levels[i] = uint8(l + nmax)
	}
	if sumLL > 0 {
		return sumLX / sumLL
	}
	return 0
}

// searchPositive finds x ≈ scale·level, levels 0…nmax, for the scales or the
// minima of one super-block (at most 16): the best of nine roundings by
// weighted squared error, then coordinate descent as in descendScale. A
// negative x, which only rounding errors can produce, wraps to a high level.
func searchPositive(x, w []float32, nmax int32, levels []uint8) float32 {
	w, levels = w[:len(x)], levels[:len(x)]
	var top float32
	for _, v := range x {
		if !(top > v) {
			top = v
		}
	}
	if top < negligible {
		clear(levels)
		return 0
	}
	inv := float32(nmax) / top
	scale := 1 / inv
	var best float32
	for i, v := range x {
		diff := v - float32(scale*float32(uint8(nearest(inv*v))))
		best += float32(w[i] * diff * diff)
	}
	for t := float32(-4); t <= 4; t++ {
		if t == 0 {
			continue
		}
		trial := (float32(0.1*t) + float32(nmax)) / top
		scale := 1 / trial
		var sum float32
		for i, v := range x {
			diff := v - float32(scale*float32(min(nearest(trial*v), nmax)))
			sum += float32(w[i] * diff * diff)
		}
		if sum < best {
			best, inv = sum, trial
		}
	}
	var sumLX, sumLL float32
	for i, v := range x {
		l := min(nearest(inv*v), nmax)
		levels[i] = uint8(l)
		f := float32(l)
		sumLX += float32(w[i] * v * f)
		sumLL += float32(w[i] * f * f)
	}
	for range 5 {
		moved := false
		for i, v := range x {
			w, old := w[i], float32(levels[i])
			lx := sumLX - float32(w*v*old)
			ll := sumLL - float32(w*old*old)
			if !(lx > 0 && ll > 0) {
				continue
			}
			l := min(nearest(v*ll/lx), nmax)
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
