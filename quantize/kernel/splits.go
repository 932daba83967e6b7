package kernel

import "math"

// maxEnds is the most ends of runs, filled up to eights.
const maxEnds = 40

var infinity = float32(math.Inf(1))

// Splits are the ways to divide up to 32 sorted values into runs of three
// levels, from 0 to i, to k and to the end, for two choices c of levels. The
// score of a split is lx²/ll with
//
//	lx = X[c] - EndX[i] - EndX[k]    ll = Begin[c][i] + EndW[c][k]
//
// The assembly knows the order of the fields.
type Splits struct {
	X     [2]float32
	_     [6]float32
	Begin [2][maxEnds]float32
	EndX  [maxEnds]float32
	EndW  [2][maxEnds]float32
	// Near has, for each i, a bit for each k but the last of a split near the best,
	// and maybe for some k < i. Last has a bit for each i that is such a split with
	// the last k.
	Near [32]uint32
	Last uint64

	bars [4][maxEnds]float32 //nolint:unused // the assembly writes and reads it
	// What weights below the beginning and below the end of the run of 1 count,
	// of the first half and of the second for each choice, and of all.
	factors [8]float32
}

// Ends are the sums of w·x and of w over the values below each end, in two
// halves of which one may be empty.
//
// The assembly knows the order of the fields.
type Ends struct {
	X, W [2][maxEnds]float32

	n int
}

// Clip puts what follows the n+1 ends out of reach.
func (e *Ends) Clip(n int) {
	if e.n == n {
		return
	}
	e.n = n
	for k := n + 1; k < maxEnds; k++ {
		e.W[1][k] = -infinity // which counts negatively
	}
}

// Set takes the sums below n+1 ends, which are clipped. The first half has three given values for
// its levels, one apart, the second those of each choice.
func (s *Splits) Set(e *Ends, n int, first *[3]float32, second *[2][3]float32) {
	squares := func(v *[3]float32) (a, b, c float32) { return v[0] * v[0], v[1] * v[1], v[2] * v[2] }
	a, b, c := squares(first)
	f := &s.factors
	f[0], f[3] = a-b, b-c
	for i := range second {
		v := &second[i]
		s.X[i] = float32(e.X[0][n]*first[2]) + float32(e.X[1][n]*v[2])
		f[6+i] = float32(e.W[0][n]*c) + float32(e.W[1][n]*v[2]*v[2])
		a, b, c := squares(v)
		f[1+i], f[4+i] = a-b, b-c
	}
	if active.setSplits != nil {
		active.setSplits(&s.X[0], &e.X[0][0], &f[0])
		return
	}
	for i := range n + 1 {
		s.EndX[i] = e.X[0][i] + e.X[1][i]
		for c := range s.Begin {
			s.Begin[c][i] = float32(e.W[0][i]*f[0]) + float32(e.W[1][i]*f[1+c]) + f[6+c]
			s.EndW[c][i] = float32(e.W[0][i]*f[3]) + float32(e.W[1][i]*f[4+c])
		}
	}
}

// Reaches reports whether a split reaches the bar.
func (s *Splits) Reaches(i, k int, bar float32) bool {
	for c := range s.X {
		lx, ll := s.X[c]-s.EndX[i]-s.EndX[k], s.Begin[c][i]+s.EndW[c][k]
		if lx*lx > bar*ll {
			return true
		}
	}
	return false
}

// Scan sets Near and Last, for splits of 16 or 32 values, to those that reach the
// bar, a positive score, and returns the set of all i with any.
func (s *Splits) Scan(n int, bar float32) (rows uint64) {
	if scan := active.scanSplits[n/32]; scan != nil {
		return scan(&s.X[0], bar)
	}
	s.Last = 0
	for i := range n + 1 {
		var near uint64
		for k := i; k <= n; k++ {
			if s.Reaches(i, k, bar) {
				near |= 1 << k
			}
		}
		if i < n {
			s.Near[i] = uint32(near & (1<<n - 1))
		}
		s.Last |= near >> n << i
		if near != 0 {
			rows |= 1 << i
		}
	}
	return rows
}

// Ends returns, for an i, the set of all k of splits near the best.
func (s *Splits) Ends(i, n int) uint64 {
	near := s.Last >> i & 1 << n
	if i < n {
		near |= uint64(s.Near[i]) >> i << i
	}
	return near
}

// CountBelow returns how many of 16 or 32 values are below two limits.
func CountBelow(x []float32, low, high float32) (i, k int) {
	if active.countBelow != nil {
		return active.countBelow(&x[0], len(x)/8, low, high)
	}
	for _, v := range x {
		if v < low {
			i++
		}
		if v < high {
			k++
		}
	}
	return i, k
}
