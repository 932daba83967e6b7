package kernel

import (
	"math"
	"math/bits"
)

// Shifted are the values of three levels, shifted up or down.
var Shifted = [2][3]float32{{-down, 0.125, up}, {-up, -0.125, down}}

const (
	up, down = 1.125, 0.875  // magnitudes of the outer values
	mid      = 0.125 * 0.125 // and the square of those between

	halvesLen  = 16            // values of a group
	halvesEnds = halvesLen + 1 // of runs of values in order
	halvesMemo = 5*halvesEnds + 12 + halvesEnds*(halvesEnds+1)/2

	leastMagnitude = 1e-7      // without one a group has no split
	rankUnit       = 4 * Lanes // ranks are in bytes
)

// splitEnds are all pairs i ≤ k of ends, in order.
var splitEnds = func() (pairs [halvesEnds * (halvesEnds + 1) / 2][2]uint8) {
	n := 0
	for i := range uint8(halvesEnds) {
		for k := i; k < halvesEnds; k++ {
			pairs[n] = [2]uint8{i, k}
			n++
		}
	}
	return pairs
}()

// Halves are up to Lanes groups of 16 values side by side that take three levels, each
// half shifted up or down. In ascending order of x the best levels are runs of 0, of 1
// and of 2: from 0 to i, to k and to the end. The search over i ≤ k is exhaustive.
//
// Rounding decides between splits of nearly the same score, in the order of i, k and
// shifts. So scores are computed in any way that is fast, and only splits near the best
// take part in a search in that order.
//
// The assembly knows the order of the fields.
type Halves struct {
	X, W  Tile // values and weights, of which 16 positions are used
	ranks [halvesLen][Lanes]uint32
	x, w  [2][halvesEnds]Each // Σw·x and Σw below each end, of each half

	begin, end [Lanes]uint32
	// Bias is what level 0 of each half stands for, and Factor what all values are multiplied by.
	Bias   [2]Each
	Factor Each
	// Codes are the levels of each half, in two bits each.
	Codes [2][Lanes]uint32
	// SumX and SumL are Σw·q·x and Σw·q² of these, and TermX and TermL what is summed.
	SumX, SumL   Each
	TermX, TermL [halvesLen]Each

	near [156]uint32 // for each split a bit for each group that it may be the best of
	_    [halvesMemo][half]float32

	// Scale is the least-squares scale of a split, which may be negative, and Choice its shifts: 2 for
	// that of the first half, 1 for that of the second.
	Scale  Each
	Choice [Lanes]uint8

	best   Each
	groups int
	tail   Tile
}

// Load takes groups of 16 values and their weights.
func (h *Halves) Load(x, w []float32) {
	h.groups = min(Lanes, len(x)/halvesLen)
	h.X.load(x, halvesLen, h.groups, &h.tail)
	h.W.load(w, halvesLen, h.groups, &h.tail)
}

// vectors calls a kernel for the lanes in use.
func (h *Halves) vectors(f func(x *float32, lanes int)) { f(&h.X[0], (h.groups+half-1)/half*half) }

// Search finds the split of each group, and reports those that have one and are not
// negligible. Codes are those of the splits.
func (h *Halves) Search() (found uint32) {
	if active.splitHalves != nil {
		h.vectors(active.splitHalves)
	} else {
		h.split()
	}
	for j := range h.best {
		h.best[j] = -math.MaxFloat32
	}
	for n, ends := range &splitEnds {
		for set := h.near[n] & (1<<h.groups - 1); set != 0; set &= set - 1 {
			j := bits.TrailingZeros32(set)
			if h.offer(j, int(ends[0]), int(ends[1])) {
				found |= 1 << j
			}
		}
	}
	if active.levelHalves != nil {
		h.vectors(active.levelHalves)
	} else {
		h.levels()
	}
	return found
}

// offer takes a split with any shifts that is better than the one that the group has.
// Sums are those of the reference.
func (h *Halves) offer(j, i, k int) (taken bool) {
	j %= Lanes
	var lx, ll [4]float32 // by half, then by shift
	for half := range h.x {
		x, w := &h.x[half], &h.w[half]
		below, allX, allW, wi, wk := x[i][j]+x[k][j], x[halvesLen][j], w[halvesLen][j], w[i][j], w[k][j]
		lx[2*half] = float32(allX*up) - below
		lx[2*half+1] = float32(allX*down) - below
		// What a level more counts is exact.
		ll[2*half] = float32(allW*up*up) + float32(wi*(down*down-mid)) + float32(wk*(mid-up*up))
		ll[2*half+1] = float32(allW*down*down) + float32(wi*(up*up-mid)) + float32(wk*(mid-down*down))
	}
	best := h.best[j]
	for c := range uint8(4) {
		x, l := lx[c>>1]+lx[2+c&1], ll[c>>1]+ll[2+c&1]
		if float32(x*x) > float32(best*l) && l > 0 {
			h.Scale[j] = x / l
			best = h.Scale[j] * x
			h.begin[j], h.end[j], h.Choice[j] = uint32(i), uint32(k), c
			taken = true
		}
	}
	h.best[j] = best
	return taken
}

// split sets what Search reads: sums below ends, and splits that may be the best, which
// a kernel knows better.
func (h *Halves) split() {
	clear(h.near[:])
	for j := range h.groups {
		var order [halvesLen]int
		var greatest, size float32
		for i := range order {
			x := h.X[i*Lanes+j]
			greatest = max(greatest, Abs(x))
			r := i
			for ; r > 0 && h.X[order[r-1]*Lanes+j] > x; r-- {
				order[r] = order[r-1]
			}
			order[r] = i
		}
		for r, i := range order {
			h.ranks[i][j] = uint32(r) * rankUnit
			x, w := h.X[i*Lanes+j], h.W[i*Lanes+j]
			size += Abs(w * x)
			for half := range h.x {
				h.x[half][r+1][j], h.w[half][r+1][j] = h.x[half][r][j], h.w[half][r][j]
			}
			h.x[i/8][r+1][j] += float32(w * x)
			h.w[i/8][r+1][j] += w
		}
		if greatest < leastMagnitude {
			continue
		}
		h.score(j, size)
	}
}

// score sets which splits of a group may be the best, and a few more.
func (h *Halves) score(j int, size float32) {
	var x [4]float32
	const room = 32 // for indices without checks
	var begin, end [room][4]float32
	var below [room]float32
	for c := range x {
		for half, v := range [2]*[3]float32{&Shifted[c>>1], &Shifted[c&1]} {
			x[c] += h.x[half][halvesLen][j] * v[2]
			for i := range halvesEnds {
				begin[i][c] += h.w[half][halvesLen][j]*v[2]*v[2] + h.w[half][i][j]*(v[0]*v[0]-v[1]*v[1])
				end[i][c] += h.w[half][i][j] * (v[1]*v[1] - v[2]*v[2])
			}
		}
	}
	for i := range halvesEnds {
		below[i] = h.x[0][i][j] + h.x[1][i][j]
	}
	var bar float32
	raise := func(i, k uint8) (raised bool) {
		sum, begins, ends := below[i%room]+below[k%room], &begin[i%room], &end[k%room]
		for c := range x {
			lx, ll := x[c]-sum, begins[c]+ends[c]
			if lx*lx > bar*ll {
				bar, raised = lx*lx/ll*(1-1./1024), true
			}
		}
		return raised
	}
	for i := uint8(0); i < halvesEnds; i += 2 {
		for k := i; k < halvesEnds; k += 2 {
			raise(i, k)
		}
	}
	for n, ends := range &splitEnds {
		if raise(ends[0], ends[1]) {
			h.near[n] |= 1 << j
		}
	}
	w, square := h.w[0][halvesLen][j]+h.w[1][halvesLen][j], size*size
	sure := bar*w >= square/2 && 1e-22 < square && square < 1e24 && 1e-13 < w && w < 1e14 && bar < 1e34
	for i := range halvesLen {
		sure = sure && h.W[i*Lanes+j] >= 0
	}
	if !sure {
		for n := range splitEnds {
			h.near[n] |= 1 << j
		}
	}
}

// levels sets the codes of splits.
func (h *Halves) levels() {
	for half := range h.Codes {
		clear(h.Codes[half][:])
		for j := range h.groups {
			for i := range 8 {
				level := uint32(0)
				for _, end := range [2]uint32{h.begin[j], h.end[j]} {
					if h.ranks[8*half+i][j] >= end*rankUnit {
						level++
					}
				}
				h.Codes[half][j] |= level << (2 * i)
			}
		}
	}
}

// Project sets the sums and terms of codes.
func (h *Halves) Project() {
	if active.projectHalves != nil {
		h.vectors(active.projectHalves)
		return
	}
	for j := range h.groups {
		h.SumX[j], h.SumL[j] = 0, 0
		for i := range halvesLen {
			level := h.Codes[i/8][j] >> (i % 8 * 2) & 3
			q := float32((float32(level) + h.Bias[i/8][j]) * h.Factor[j])
			wq := float32(h.W[i*Lanes+j] * q)
			h.TermX[i][j], h.TermL[i][j] = float32(wq*h.X[i*Lanes+j]), float32(wq*q)
			h.SumX[j] += h.TermX[i][j]
			h.SumL[j] += h.TermL[i][j]
		}
	}
}
