package block

import (
	"math"
	"slices"
	"sync"
)

// A split is the scratch space of a search for three levels. In ascending
// order of x the best levels are runs of 0, of 1 and of 2, so that a search
// over the two ends of the run of 1, with prefix sums, is exhaustive.
type split struct {
	book  *coder
	x, w  []float32         // of the sub-block
	all   [superLen]float32 // weights of the super-block
	keys  [32]uint64        // see sort
	codes [4]uint16         // of groups of eight
	ranks [4]uint16         // in the book
	down  [4]uint8          // 1: the shift of the group is down
	scale float32           // least squares for codes
	sumX  [2][33]float32    // prefix sums of w·x in ascending order of x
	sumW  [2][33]float32    // and of w, of each half where there are two
	rest  [2][2][33]float32 // of the run of 2, by shift; see searchShared
}

var splits = sync.Pool{New: func() any { return new(split) }}

// weigh prepares the weights of a super-block.
func (s *split) weigh(x, weights []float32) {
	if weights == nil {
		squares(s.all[:], x)
		return
	}
	importance(s.all[:], x, weights, 2*sumSquares(x)/superLen)
}

// load turns to sub-block j of n values and says whether any has a magnitude
// of at least tiny.
func (s *split) load(x []float32, j, n int, tiny float32) bool {
	s.x, s.w = x[j*n:][:n], s.all[j*n:][:n]
	s.scale = 0
	for _, v := range s.x {
		s.scale = max(s.scale, abs(v))
	}
	return !(s.scale < tiny)
}

// sort puts the numbers of values in the lower halves of keys, in ascending
// order of the values; equal values keep their order.
func (s *split) sort() {
	keys := s.keys[:len(s.x)]
	for i, v := range s.x {
		if v == 0 {
			v = 0 // a negative zero is no less than another
		}
		bits := math.Float32bits(v)
		if bits>>31 != 0 {
			bits = ^bits
		} else {
			bits |= 1 << 31
		}
		keys[i] = uint64(bits)<<32 | uint64(i)
	}
	slices.Sort(keys)
}

// score is the state of a search: it keeps the split that explains most of x.
type score struct {
	best       float32
	scale      float32
	begin, end int // of the run of 1
	choice     int // of shifts; -1: no split yet
}

func newScore(scale float32) score {
	return score{best: -math.MaxFloat32, scale: scale, choice: -1}
}

// try offers a split with the sums Σw·q·x and Σw·q², q being the values.
func (s *score) try(lx, ll float32, begin, end, choice int) {
	if ll > 0 && float32(lx*lx) > float32(s.best*ll) {
		s.scale = lx / ll
		s.best = s.scale * lx
		s.begin, s.end, s.choice = begin, end, choice
	}
}

// searchShared finds the split of a sub-block with one shift, and says
// whether there is one.
func (s *split) searchShared() bool {
	s.sort()
	n := len(s.x)
	sumX, sumW := &s.sumX[0], &s.sumW[0]
	for i, key := range s.keys[:n] {
		k := int(uint32(key))
		sumX[i+1] = sumX[i] + float32(s.w[k]*s.x[k])
		sumW[i+1] = sumW[i] + s.w[k]
	}
	up, down := &values1[0], &values1[1]
	upX, downX, upW, downW := &s.rest[0][0], &s.rest[1][0], &s.rest[0][1], &s.rest[1][1]
	for i := range n + 1 {
		x, w := sumX[n]-sumX[i], sumW[n]-sumW[i]
		upX[i], upW[i] = x*up[2], w*up[2]*up[2]
		downX[i], downW[i] = x*down[2], w*down[2]*down[2]
	}
	found := newScore(s.scale)
	for i := range n + 1 {
		x, w := sumX[i], sumW[i]
		lxUp, llUp := float32(x*up[0]), float32(w*up[0]*up[0])
		lxDown, llDown := float32(x*down[0]), float32(w*down[0]*down[0])
		for k := i; k <= n; k++ {
			midX := float32((sumX[k] - x) * shift1)
			midW := float32((sumW[k] - w) * shift1 * shift1)
			found.try(lxUp+midX+upX[k], llUp+midW+upW[k], i, k, 0)
			found.try(lxDown-midX+downX[k], llDown+midW+downW[k], i, k, 1)
		}
	}
	if found.choice < 0 {
		return false
	}
	down1 := uint8(found.choice)
	s.down = [4]uint8{down1, down1, down1, down1}
	s.assign(found)
	return true
}

// searchHalves finds the split of a sub-block of two groups, each with its
// own shift, and says whether there is one.
func (s *split) searchHalves() bool {
	s.sort()
	n := len(s.x)
	for i, key := range s.keys[:n] {
		k := int(uint32(key))
		h := k / 8
		s.sumX[h][i+1] = s.sumX[h][i] + float32(s.w[k]*s.x[k])
		s.sumW[h][i+1] = s.sumW[h][i] + s.w[k]
		s.sumX[1-h][i+1] = s.sumX[1-h][i]
		s.sumW[1-h][i+1] = s.sumW[1-h][i]
	}
	found := newScore(s.scale)
	for i := range n + 1 {
		for k := i; k <= n; k++ {
			var lx, ll [2][2]float32 // by half and shift
			for h := range 2 {
				x, w := s.sumX[h][n], s.sumW[h][n]
				less := s.sumX[h][i] + s.sumX[h][k]
				for d := range 2 {
					v := &values1[d]
					lx[h][d] = float32(x*v[2]) - less
					ll[h][d] = float32(w*v[2]*v[2]) +
						float32(s.sumW[h][i]*(v[0]*v[0]-v[1]*v[1])) +
						float32(s.sumW[h][k]*(v[1]*v[1]-v[2]*v[2]))
				}
			}
			for c := range 4 {
				found.try(lx[0][c>>1]+lx[1][c&1], ll[0][c>>1]+ll[1][c&1], i, k, c)
			}
		}
	}
	if found.choice < 0 {
		return false
	}
	s.down[0], s.down[1] = uint8(found.choice>>1), uint8(found.choice&1)
	s.assign(found)
	return true
}

// assign turns a split into codes. A negative scale turns levels and shifts
// around.
func (s *split) assign(found score) {
	low, high := uint16(0), uint16(2)
	s.scale = found.scale
	if s.scale < 0 {
		s.scale = -s.scale
		low, high = high, low
		for g := range s.down {
			s.down[g] ^= 1
		}
	}
	clear(s.codes[:])
	for i, key := range s.keys[:len(s.x)] {
		k, level := uint32(key), uint16(1)
		switch {
		case i < found.begin:
			level = low
		case i >= found.end:
			level = high
		}
		s.codes[k/8] |= level << (k % 8 * 2)
	}
}

// fit ranks the codes, replaces those outside of the book, and returns the
// scale.
func (s *split) fit() float32 {
	outside := false
	for g := range len(s.x) / 8 {
		place := s.book.place[s.codes[g]]
		if place < 0 {
			outside = true
			s.codes[g] = s.nearest(g, place)
			place = s.book.place[s.codes[g]]
		}
		s.ranks[g] = uint16(place)
	}
	if !outside {
		return s.scale
	}
	if lx, ll := s.project(1, 0, 0); lx > 0 && ll > 0 {
		return lx / ll
	}
	return s.scale
}

// nearest chooses, of the neighbours at place, the one with the least
// weighted squared error from group g.
func (s *split) nearest(g int, place int32) uint16 {
	var cost terms
	x, w := s.x[8*g:][:8], s.w[8*g:][:8]
	for l, v := range values1[s.down[g]] {
		v = float32(s.scale * v)
		for i := range x {
			d := v - x[i]
			cost[4*i+l] = w[i] * d * d
		}
	}
	return cheapest8(s.book.neighbours(place), &cost)
}

// project adds Σw·q·x and Σw·q² of the ranks to the two sums; q is the value
// of a level times factor.
func (s *split) project(factor, lx, ll float32) (float32, float32) {
	for g := range len(s.x) / 8 {
		code, values := s.book.codes[s.ranks[g]], &values1[s.down[g]]
		x, w := s.x[8*g:][:8], s.w[8*g:][:8]
		for i := range x {
			q := values[code>>(2*i)&3] * factor
			lx += float32(w[i] * q * x[i])
			ll += float32(w[i] * q * q)
		}
	}
	return lx, ll
}
