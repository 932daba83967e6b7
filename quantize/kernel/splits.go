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
	// Near has, for each i, a bit for each k of a split near the best.
	Near [maxEnds]uint64

	spans [maxEnds / 4]span
	// What weights below the beginning and below the end of the run of 1 count,
	// of the first half and of the second for each choice, and of all.
	factors [8]float32
}

// A span bounds four consecutive ends.
type span struct {
	low, high float32
	w         [2]float32
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

// Scan sets Near, for splits of n values, to those that reach the bar, a
// positive score, which it raises to slightly below the best score that it
// sees, and returns.
func (s *Splits) Scan(n int, bar float32) float32 {
	if active.scanSplits == nil {
		return s.scan(n, bar)
	}
	return active.scanSplits(&s.X[0], n, bar)
}

func (s *Splits) scan(n int, bar float32) float32 {
	s.setSpans(n)
	for i := range n + 1 {
		s.Near[i], bar = s.scanFrom(i, n, bar)
	}
	return bar
}

// setSpans bounds the ends. EndW falls as the run of 1 grows.
func (s *Splits) setSpans(n int) {
	for j := range n/4 + 1 {
		x := s.EndX[4*j : min(4*j+4, n+1)]
		last := 4*j + len(x) - 1
		t := span{x[0], x[0], [2]float32{s.EndW[0][last], s.EndW[1][last]}}
		for _, e := range x[1:] {
			t.low, t.high = min(t.low, e), max(t.high, e)
		}
		s.spans[j] = t
	}
}

// scanFrom returns the ends of splits from i that reach the bar, and the bar,
// raised by what it saw.
func (s *Splits) scanFrom(i, n int, bar float32) (near uint64, raised float32) {
	x0, x1 := s.X[0]-s.EndX[i], s.X[1]-s.EndX[i]
	w0, w1 := s.Begin[0][i], s.Begin[1][i]
	for j := i / 4; j <= n/4; j++ {
		t := &s.spans[j]
		bar0, bar1 := bar*(w0+t.w[0]), bar*(w1+t.w[1])
		low0, high0, low1, high1 := x0-t.low, x0-t.high, x1-t.low, x1-t.high
		if low0*low0 <= bar0 && high0*high0 <= bar0 && low1*low1 <= bar1 && high1*high1 <= bar1 {
			continue
		}
		for k := max(i, 4*j); k <= min(4*j+3, n); k++ {
			e := s.EndX[k]
			lx0, lx1, ll0, ll1 := x0-e, x1-e, w0+s.EndW[0][k], w1+s.EndW[1][k]
			if lx0*lx0 > bar*ll0 || lx1*lx1 > bar*ll1 {
				near |= 1 << k
				bar = max(bar, Below(lx0, ll0), Below(lx1, ll1))
			}
		}
	}
	return near, bar
}

// Below is slightly less than the score for two sums.
func Below(lx, ll float32) float32 { return lx * lx / ll * (1 - 1./1024) }
