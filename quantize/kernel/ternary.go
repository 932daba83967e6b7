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

	ternaryEnds = 34  // of runs of values in order, at most: 33 of one part, or 17 of each of two
	ternaryNear = 304 // scores, at most, filled up so that what follows begins at a cache line
	ternaryMemo = 399 // vectors of 16 lanes that the assembly needs

	noChoice = 255

	rankUnit = 4 * Lanes // ranks are in bytes
)

// Shifts are what the groups of a Ternary are like.
type Shifts struct {
	values, parts int
	step          int     // successive second ends that have a score together
	least         float32 // magnitude; groups without one have no split
	splits        [][2]uint8
	kernels       func(v *variant) *ternaryKernels
}

type ternaryKernels struct{ split, choose, level, project func(x *float32, lanes int) }

// OneShift has groups of 32 values with one shift, TwoShifts groups of 16 of which
// each half has its own.
var (
	OneShift  = shiftsOf(Shifts{values: 32, parts: 1, step: 2, least: 1e-12, kernels: func(v *variant) *ternaryKernels { return &v.oneShift }})
	TwoShifts = shiftsOf(Shifts{values: 16, parts: 2, step: 1, least: 1e-7, kernels: func(v *variant) *ternaryKernels { return &v.twoShifts }})
)

// shiftsOf sets all pairs i ≤ k of ends, in order, or the first k of a step.
func shiftsOf(f Shifts) *Shifts {
	for i := 0; i <= f.values; i++ {
		for k := i; k <= f.values; k += f.step {
			f.splits = append(f.splits, [2]uint8{uint8(i), uint8(k)})
		}
	}
	return &f
}

// shift is that of a part in a choice of all: 1 is down.
func (f *Shifts) shift(choice, part int) int { return choice >> (f.parts - 1 - part) & 1 }

// A Ternary has up to Lanes groups of values side by side that take three levels, in parts
// that are shifted up or down. In ascending order of x the best levels are runs of 0, of 1
// and of 2: from 0 to i, to k and to the end. The search over i ≤ k is exhaustive.
//
// Rounding decides between splits of nearly the same score, in the order of i, k and
// shifts. So scores are computed in any way that is fast, and only splits near the best
// take part in a search in that order.
//
// The assembly knows the order of the fields. A Ternary begins at a cache line.
type Ternary struct {
	X, W  Tile // values and weights
	ranks [MaxLen][Lanes]uint32
	x, w  [ternaryEnds]Each // Σw·x and Σw below each end, of each part

	begin, end [Lanes]uint32
	// Bias is what level 0 of each part stands for, and Factor what all values are multiplied by.
	Bias   [2]Each
	Factor Each
	// Codes are the levels of eight values each, in two bits.
	Codes [MaxLen / 8][Lanes]uint32
	// SumX and SumL are Σw·q·x and Σw·q² of these, and TermX and TermL what is summed, of TwoShifts.
	SumX, SumL Each
	TermX      [MaxLen]Each
	TermL      [MaxLen / 2]Each

	// Scale is the least-squares scale of a split, which may be negative, and Choice its shifts, a bit for
	// each part, that of the last one the lowest: 1 is down.
	Scale  Each
	Choice [Lanes]uint32
	best   Each

	near [ternaryNear]uint32 // for each score a bit for each group that it may be the best of
	_    [ternaryMemo][half]float32

	shifts *Shifts
	again  [ternaryNear]uint16 // scores with bits of groups that have another before
	groups int
	tail   Tile
}

// Load takes groups of values and their weights.
func (t *Ternary) Load(f *Shifts, x, w []float32) {
	t.shifts, t.groups = f, min(Lanes, len(x)/f.values)
	t.X.load(x, f.values, t.groups, &t.tail)
	t.W.load(w, f.values, t.groups, &t.tail)
}

// vectors calls a kernel for the lanes in use.
func (t *Ternary) vectors(f func(x *float32, lanes int)) { f(&t.X[0], (t.groups+half-1)/half*half) }

// Search finds the split of each group, and reports those that have one and are not
// negligible. Codes are those of the splits.
func (t *Ternary) Search() (found uint32) {
	kernels := t.shifts.kernels(&active)
	if kernels.split != nil {
		t.vectors(kernels.split)
	} else {
		t.split()
	}
	found = t.choose()
	if kernels.level != nil {
		t.vectors(kernels.level)
	} else {
		t.levels()
	}
	return found
}

// choose takes, of the splits near the best, the best, and reports which groups have one.
// Sums are those of the reference. A kernel takes the first of all groups together.
func (t *Ternary) choose() (found uint32) {
	for j := range t.best {
		t.best[j], t.Choice[j] = -math.MaxFloat32, noChoice
	}
	again, used := t.again[:0], uint32(1<<t.groups-1)
	if choose := t.shifts.kernels(&active).choose; choose != nil {
		again = t.first(choose, used)
	} else {
		for n := range t.shifts.splits {
			again = append(again, uint16(n))
		}
	}
	for _, n := range again {
		ends := t.shifts.splits[n]
		for set := t.near[n] & used; set != 0; set &= set - 1 {
			j, k := bits.TrailingZeros32(set), int(ends[1])
			for last := min(k+t.shifts.step-1, t.shifts.values); k <= last; k++ {
				t.offer(j, int(ends[0]), k)
			}
		}
	}
	for j, choice := range t.Choice {
		if choice != noChoice {
			found |= 1 << j
		}
	}
	return found & used
}

// first takes for each group the first of the splits near the best, and returns what has
// others.
func (t *Ternary) first(choose func(x *float32, lanes int), used uint32) (again []uint16) {
	clear(t.begin[:])
	clear(t.end[:])
	var seen, rest int
	for n, ends := range t.shifts.splits {
		near := int(t.near[n] & used)
		for set := near &^ seen; set != 0; set &= set - 1 {
			j := bits.TrailingZeros32(uint32(set)) % Lanes
			t.begin[j], t.end[j] = uint32(ends[0]), uint32(ends[1])
		}
		t.near[n] = uint32(near & seen)
		t.again[rest] = uint16(n)
		if near&seen != 0 {
			rest++
		}
		seen |= near
	}
	t.vectors(choose)
	for j, choice := range t.Choice {
		if seen>>j&1 == 0 {
			t.best[j], t.Choice[j] = -math.MaxFloat32, noChoice
		} else if choice != noChoice {
			t.end[j] += choice >> t.shifts.parts
			t.Choice[j] = choice & (1<<t.shifts.parts - 1)
		}
	}
	return t.again[:rest]
}

// offer takes a split with any shifts that is better than the one that the group has.
func (t *Ternary) offer(j, i, k int) {
	var lx, ll [4]float32
	if t.shifts.parts == 1 {
		t.sumsOfOne(j%Lanes, i, k, &lx, &ll)
	} else {
		t.sumsOfTwo(j%Lanes, i, k, &lx, &ll)
	}
	best := t.best[j]
	for c := range 1 << t.shifts.parts {
		x, l := lx[c&3], ll[c&3]
		if float32(x*x) > float32(best*l) && l > 0 {
			t.Scale[j] = x / l
			best = t.Scale[j] * x
			t.begin[j], t.end[j], t.Choice[j] = uint32(i), uint32(k), uint32(c)
		}
	}
	t.best[j] = best
}

// sumsOfOne are those of the reference for each shift: of the three runs.
func (t *Ternary) sumsOfOne(j, i, k int, lx, ll *[4]float32) {
	x0, w0 := t.x[i][j], t.w[i][j]
	x1, w1 := t.x[k][j]-x0, t.w[k][j]-w0
	x2, w2 := t.x[OneShift.values][j]-t.x[k][j], t.w[OneShift.values][j]-t.w[k][j]
	for c, v := range &Shifted {
		lx[c] = float32(x0*v[0]) + float32(x1*v[1]) + float32(x2*v[2])
		ll[c] = float32(float32(w0*v[0])*v[0]) + float32(float32(w1*v[1])*v[1]) + float32(float32(w2*v[2])*v[2])
	}
}

// sumsOfTwo are those of the reference for each choice of shifts.
func (t *Ternary) sumsOfTwo(j, i, k int, lx, ll *[4]float32) {
	var x, l [4]float32 // by half, then by shift
	for half := range 2 {
		xs, ws := t.x[half*17:][:17], t.w[half*17:][:17]
		below, allX, allW, wi, wk := xs[i][j]+xs[k][j], xs[16][j], ws[16][j], ws[i][j], ws[k][j]
		x[2*half] = float32(allX*up) - below
		x[2*half+1] = float32(allX*down) - below
		// What a level more counts is exact.
		l[2*half] = float32(allW*up*up) + float32(wi*(down*down-mid)) + float32(wk*(mid-up*up))
		l[2*half+1] = float32(allW*down*down) + float32(wi*(up*up-mid)) + float32(wk*(mid-down*down))
	}
	for c := range lx {
		lx[c], ll[c] = x[c>>1]+x[2+c&1], l[c>>1]+l[2+c&1]
	}
}

// split sets what Search reads: sums below ends, and splits that may be the best, which
// a kernel knows better.
func (t *Ternary) split() {
	clear(t.near[:])
	n, ends := t.shifts.values, t.shifts.values+1
	for j := range t.groups {
		var order [MaxLen]int
		var sorted [MaxLen]float32
		var greatest, size float32
		for i := range n {
			x := t.X[i*Lanes+j]
			greatest = max(greatest, Abs(x))
			r := i
			for ; r > 0 && sorted[r-1] > x; r-- {
				order[r], sorted[r] = order[r-1], sorted[r-1]
			}
			order[r], sorted[r] = i, x
		}
		for part := range t.shifts.parts {
			t.x[part*ends][j], t.w[part*ends][j] = 0, 0
		}
		for r, i := range order[:n] {
			t.ranks[i][j] = uint32(r) * rankUnit
			x, w := t.X[i*Lanes+j], t.W[i*Lanes+j]
			size += Abs(w * x)
			for e := r; e < t.shifts.parts*ends; e += ends {
				t.x[e+1][j], t.w[e+1][j] = t.x[e][j], t.w[e][j]
			}
			e := i*t.shifts.parts/n*ends + r + 1
			t.x[e][j] += float32(w * x)
			t.w[e][j] += w
		}
		if greatest >= t.shifts.least {
			t.score(j, size)
		}
	}
}

// score sets which splits of a group may be the best, and a few more.
func (t *Ternary) score(j int, size float32) {
	n, step := t.shifts.values, t.shifts.step
	var s ternaryTerms
	s.set(t, j)
	bar := s.first[n/3].raise(0, &s.second[n-n/3])
	for i := 0; i <= n; i += 4 {
		for k := i; k <= n; k += 4 {
			bar = s.first[i].raise(bar, &s.second[k])
		}
	}
	near := t.near[:len(t.shifts.splits)]
	for i := range n + 1 {
		first := &s.first[i]
		x0, x1, x2, x3 := first.x[0], first.x[1], first.x[2], first.x[3]
		w0, w1, w2, w3 := first.w[0], first.w[1], first.w[2], first.w[3]
		row := (n-i)/step + 1
		for k := range near[:row] {
			b := &s.second[i+k*step]
			lx0, lx1, lx2, lx3 := x0-b.x[0], x1-b.x[1], x2-b.x[2], x3-b.x[3]
			if lx0*lx0 > bar*(w0+b.w[0]) || lx1*lx1 > bar*(w1+b.w[1]) || lx2*lx2 > bar*(w2+b.w[2]) || lx3*lx3 > bar*(w3+b.w[3]) {
				bar = first.raise(bar, b)
				near[k] |= 1 << j
			}
		}
		near = near[row:]
	}
	square := size * size
	sure := bar*s.allW >= square/2 && 1e-22 < square && square < 1e24 && 1e-13 < s.allW && s.allW < 1e14 && bar < 1e34
	for i := range n {
		sure = sure && t.W[i*Lanes+j] >= 0
	}
	if !sure {
		for n := range t.shifts.splits {
			t.near[n] |= 1 << j
		}
	}
}

// ternaryTerms are what the ends of splits count in Σw·q·x and in Σw·q², whose square and
// which make a score. There are four scores for two ends: of all choices of shifts, or,
// with one shift, of each and then of each with the next second end.
type ternaryTerms struct {
	first, second [ternaryEnds]ternaryEnd // less the second, and with it
	allW          float32
}

type ternaryEnd struct{ x, w [4]float32 }

// set takes those of a group.
func (s *ternaryTerms) set(t *Ternary, j int) {
	n := t.shifts.values
	var x, w [4]float32        // of all values
	var up, down [2][4]float32 // what weights below the ends count, by part
	for part := range t.shifts.parts {
		allX, allW := t.x[part*(n+1)+n][j], t.w[part*(n+1)+n][j]
		s.allW += allW
		for c := range x {
			v := &Shifted[t.shifts.shift(c, part)]
			x[c] += allX * v[2]
			w[c] += allW * v[2] * v[2]
			up[part&1][c], down[part&1][c] = v[0]*v[0]-v[1]*v[1], v[1]*v[1]-v[2]*v[2]
		}
	}
	for i := range n + 1 {
		belowX, belowW, other := t.x[i][j%Lanes], t.w[i][j%Lanes], float32(0)
		if t.shifts.parts > 1 {
			belowX += t.x[n+1+i][j%Lanes]
			other = t.w[n+1+i][j%Lanes]
		}
		first, second := &s.first[i], &s.second[i]
		for c := range x {
			first.x[c] = x[c] - belowX
			first.w[c] = w[c] + (belowW*up[0][c] + other*up[1][c])
			second.x[c] = belowX
			second.w[c] = belowW*down[0][c] + other*down[1][c]
		}
	}
	if t.shifts.parts == 1 {
		for i := range n {
			copy(s.second[i].x[2:], s.second[i+1].x[:2])
			copy(s.second[i].w[2:], s.second[i+1].w[:2])
		}
	}
}

// raise raises a bar to nearly what two ends reach.
func (first *ternaryEnd) raise(bar float32, second *ternaryEnd) float32 {
	for c := range first.x {
		lx, ll := first.x[c]-second.x[c], first.w[c]+second.w[c]
		if lx*lx > bar*ll {
			bar = lx * lx / ll * (1 - 1./1024)
		}
	}
	return bar
}

// levels sets the codes of splits.
func (t *Ternary) levels() {
	for octet := range t.shifts.values / 8 {
		clear(t.Codes[octet][:])
		for j := range t.groups {
			for i := range 8 {
				level := uint32(0)
				for _, end := range [2]uint32{t.begin[j], t.end[j]} {
					if t.ranks[8*octet+i][j] >= end*rankUnit {
						level++
					}
				}
				t.Codes[octet][j] |= level << (2 * i)
			}
		}
	}
}

// Project sets the sums and terms of codes.
func (t *Ternary) Project() {
	if project := t.shifts.kernels(&active).project; project != nil {
		t.vectors(project)
		return
	}
	for j := range t.groups {
		t.SumX[j], t.SumL[j] = 0, 0
		for i := range t.shifts.values {
			level := t.Codes[i/8][j] >> (i % 8 * 2) & 3
			q := float32((float32(level) + t.Bias[i*t.shifts.parts/t.shifts.values][j]) * t.Factor[j])
			wq := float32(t.W[i*Lanes+j] * q)
			x, l := float32(wq*t.X[i*Lanes+j]), float32(wq*q)
			t.SumX[j] += x
			t.SumL[j] += l
			if t.shifts.parts > 1 {
				t.TermX[i][j], t.TermL[i][j] = x, l
			}
		}
	}
}
