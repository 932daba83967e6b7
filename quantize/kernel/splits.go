package kernel

// splitLen is the number of values that Splits divide.
const splitLen = 32

// maxEnds is the number of ends of runs, filled up to eights.
const maxEnds = 40

// Splits are the ways to divide 32 sorted values into runs of three levels, from 0 to
// i, to k and to the end, for two choices c of levels. The score of a split is lx²/ll
// with
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
	Near [splitLen]uint32
	Last uint64
	_    uint64 // what follows begins at a whole vector

	bars [4][maxEnds]float32 //nolint:unused // the assembly writes and reads it
	// What weights below the beginning and below the end of the run of 1 count,
	// and of all, for each choice.
	factors [6]float32
}

// Ends are the sums of w·x and of w over the values below each end.
//
// The assembly knows the order of the fields.
type Ends struct{ X, W [maxEnds]float32 }

// Set takes the sums below ends, for the levels of Shifted.
func (s *Splits) Set(e *Ends) {
	f := &s.factors
	for c, v := range &Shifted {
		s.X[c] = float32(e.X[splitLen] * v[2])
		f[c], f[2+c] = v[0]*v[0]-v[1]*v[1], v[1]*v[1]-v[2]*v[2]
		f[4+c] = float32(e.W[splitLen] * v[2] * v[2])
	}
	if active.setSplits != nil {
		active.setSplits(&s.X[0], &e.X[0], &f[0])
		return
	}
	s.EndX = e.X
	for i := range splitLen + 1 {
		for c := range s.Begin {
			s.Begin[c][i] = float32(e.W[i]*f[c]) + f[4+c]
			s.EndW[c][i] = float32(e.W[i] * f[2+c])
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

// Scan sets Near and Last to the splits that reach the bar, a positive score, and
// returns the set of all i with any.
func (s *Splits) Scan(bar float32) (rows uint64) {
	if active.scanSplits != nil {
		return active.scanSplits(&s.X[0], bar)
	}
	s.Last = 0
	for i := range splitLen + 1 {
		var near uint64
		for k := i; k <= splitLen; k++ {
			if s.Reaches(i, k, bar) {
				near |= 1 << k
			}
		}
		if i < splitLen {
			s.Near[i] = uint32(near)
		}
		s.Last |= near >> splitLen << i
		if near != 0 {
			rows |= 1 << i
		}
	}
	return rows
}

// Ends returns, for an i, the set of all k of splits near the best.
func (s *Splits) Ends(i int) uint64 {
	near := s.Last >> i & 1 << splitLen
	if i < splitLen {
		near |= uint64(s.Near[i]) >> i << i
	}
	return near
}

// CountBelow returns how many of 32 values are below two limits.
func CountBelow(x *[splitLen]float32, low, high float32) (i, k int) {
	if active.countBelow != nil {
		return active.countBelow(&x[0], low, high)
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
