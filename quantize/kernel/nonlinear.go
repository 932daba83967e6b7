package kernel

// nonLinear are the values of the sixteen levels of IQ4_NL and IQ4_XS: close
// together near zero, where most weights are.
var nonLinear = [16]float32{-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113}

// NonLinear returns the values of the sixteen levels.
func NonLinear() [16]float32 { return nonLinear }

// nonLinearLevels holds the level of every half unit from -256: the midpoints
// between values are multiples of a half.
var nonLinearLevels = func() (table [1024]uint8) {
	for i := range table {
		v := float32(i-512) / 2
		for l := 1; l < 16 && v >= (nonLinear[l-1]+nonLinear[l])/2; l++ {
			table[i] = uint8(l)
		}
	}
	return table
}()

// NonLinearLevel returns the level whose value is nearest to v, the upper one
// on a tie; the top level for NaN.
func NonLinearLevel(v float32) uint8 {
	switch {
	case v <= -127:
		return 0
	case v < 113:
		// Exact but for |v| < 4, where no midpoint is near.
		return nonLinearLevels[(int32(v*(1<<22))>>21+512)&1023]
	}
	return 15
}

// nonLinearTops are the values to which trials map the value of largest
// magnitude, after the first one, which maps it to 127.
var nonLinearTops = func() (tops [15]float32) {
	for i := range tops {
		tops[i] = float32(i-7) - 127
	}
	return tops
}()

// SearchNonLinear approximates the first n values of every group by
// x ≈ Scale·value, values of the non-linear levels, under the weights s.W. For
// each trial it rounds, solves the weighted least-squares problem, and keeps
// the trial that explains most of x. Scale is 0 for a negligible group.
func (s *Scratch) SearchNonLinear(n int) {
	if active.searchNonLinear == nil {
		s.searchNonLinear(n)
		return
	}
	for lane := 0; lane < s.groups; lane += active.lanes {
		active.searchNonLinear(&s.X[lane], n, &nonLinearTops[0], len(nonLinearTops))
	}
}

func (s *Scratch) searchNonLinear(n int) {
	var bufX, bufW [MaxLen]float32
	for j := range s.groups {
		s.Scale[j] = nonLinearScale(s.X.column(bufX[:n], j), s.W.column(bufW[:n], j))
	}
}

// nonLinearScale searches one group.
func nonLinearScale(x, w []float32) (scale float32) {
	top := Extreme(x)
	if Abs(top) < Negligible {
		return 0
	}
	lx, ll := projectNonLinear(x, w, 1/(top/127))
	if ll > 0 {
		scale = lx / ll
	}
	best := scale * lx
	for _, to := range nonLinearTops {
		lx, ll := projectNonLinear(x, w, to/top)
		if ll > 0 && float32(lx*lx) > float32(best*ll) {
			scale = lx / ll
			best = scale * lx
		}
	}
	return scale
}

// projectNonLinear rounds x·inverse to values q and returns Σw·q·x and Σw·q².
func projectNonLinear(x, w []float32, inverse float32) (lx, ll float32) {
	w = w[:len(x)]
	for i, v := range x {
		q := nonLinear[NonLinearLevel(inverse*v)&15]
		wq := w[i] * q
		lx += float32(wq * v)
		ll += float32(wq * q)
	}
	return lx, ll
}

// NonLinearLevels writes the levels of inverse·x, an inverse scale for each 32
// values, to 16 bytes at every stride of dst: value i in the low, value i+16 in
// the high half of byte i.
func NonLinearLevels(dst []byte, stride int, x, inverse []float32) {
	groups := len(x) / 32
	if active.nonLinearLevels == nil || groups == 0 {
		putNonLinearLevels(dst, stride, x, inverse)
		return
	}
	_, _ = dst[(groups-1)*stride+15], inverse[groups-1]
	active.nonLinearLevels(&dst[0], stride, &x[0], groups, &inverse[0])
}

func putNonLinearLevels(dst []byte, stride int, x, inverse []float32) {
	for g := range len(x) / 32 {
		low, high, dst := x[32*g:][:16], x[32*g+16:][:16], dst[g*stride:][:16]
		for i := range dst {
			dst[i] = NonLinearLevel(inverse[g]*low[i]) | NonLinearLevel(inverse[g]*high[i])<<4
		}
	}
}
