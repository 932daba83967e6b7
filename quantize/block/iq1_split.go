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
	cuts  [2][33]cut        // of the sub-block, or of its halves; the first stays zero
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

// try offers a split with the sums Σw·q·x and Σw·q², q being the values, and
// returns the best score. It is called for splits that may be better, which
// are few: inlined, it would take registers from the loops around it.
//
//go:noinline
func (s *score) try(lx, ll float32, begin, end, choice int) float32 {
	if ll > 0 && float32(lx*lx) > float32(s.best*ll) {
		s.scale = lx / ll
		s.best = s.scale * lx
		s.begin, s.end, s.choice = begin, end, choice
	}
	return s.best
}

// hopeless is below all scores.
const hopeless = -float32(math.MaxFloat32)

// floor1 returns a bound that the split with the given sums is far enough
// above for rounding errors not to matter. As it takes the lead from
// whatever is below the bound, such splits need not be tried at all. The
// bound is hopeless where squares may underflow.
func floor1(lx, ll float32) float32 {
	if lx*lx > 1e-25 && ll > 1e-15 && ll < 1e15 {
		return lx * lx / ll * (1 - 1./1024)
	}
	return hopeless
}

// A cut is what a search over splits needs to know of one end of the run of
// 1: sums over the values below or above it, by shift where they have two
// entries.
type cut struct {
	x, w   float32 // Σw·x and Σw below
	lx, ll [2]float32
}

// searchShared finds the split of a sub-block with one shift, and says
// whether there is one.
func (s *split) searchShared() bool {
	s.sort()
	n := len(s.x)
	cuts := s.cuts[0][:n+1]
	for i, key := range s.keys[:n] {
		k := int(uint32(key))
		cuts[i+1].x = cuts[i].x + float32(s.w[k]*s.x[k])
		cuts[i+1].w = cuts[i].w + s.w[k]
	}
	x, w := cuts[n].x, cuts[n].w
	for i := range cuts {
		c := &cuts[i]
		for d, v := range &values1 {
			c.lx[d], c.ll[d] = (x-c.x)*v[2], (w-c.w)*v[2]*v[2]
		}
	}
	found := score{best: hopeless, scale: s.scale, choice: -1}
	best := hopeless
	for i := n / 8; i < n/2; i += n / 8 {
		for k := n - n/8; k > n/2; k -= n / 8 {
			c := cuts[k]
			mid := (c.x - cuts[i].x) * shift1
			square := (c.w - cuts[i].w) * shift1 * shift1
			for d, v := range &values1 {
				lx := float32(cuts[i].x*v[0]) + mid + c.lx[d]
				best = max(best, floor1(lx, float32(cuts[i].w*v[0]*v[0])+square+c.ll[d]))
				mid = -mid
			}
		}
	}
	for i := range cuts {
		x, w := cuts[i].x, cuts[i].w
		up, down := values1[0][0], values1[1][0]
		lxUp, llUp := float32(x*up), float32(w*up*up)
		lxDown, llDown := float32(x*down), float32(w*down*down)
		for k := range cuts[i:] {
			c := &cuts[i+k]
			midX, midW := float32((c.x-x)*shift1), float32((c.w-w)*shift1*shift1)
			lx, ll := lxUp+midX+c.lx[0], llUp+midW+c.ll[0]
			if float32(lx*lx) > float32(best*ll) {
				best = found.try(lx, ll, i, i+k, 0)
			}
			lx, ll = lxDown-midX+c.lx[1], llDown+midW+c.ll[1]
			if float32(lx*lx) > float32(best*ll) {
				best = found.try(lx, ll, i, i+k, 1)
			}
		}
	}
	d := uint8(found.choice)
	s.down = [4]uint8{d, d, d, d}
	return s.assign(found)
}

// searchHalves finds the split of a sub-block of two groups, each with its
// own shift, and says whether there is one. The sums of a group are
//
//	Σw·q·x = q₂·Σw·x - (below the run of 1) - (below the run of 2)
//	Σw·q² = q₂²·Σw + (q₀²-q₁²)·(…) + (q₁²-q₂²)·(…)
func (s *split) searchHalves() bool {
	s.sort()
	n := len(s.x)
	first, second := s.cuts[0][:n+1], s.cuts[1][:n+1]
	for i, key := range s.keys[:n] {
		k := int(uint32(key))
		into, other := first, second
		if k >= 8 {
			into, other = second, first
		}
		into[i+1].x = into[i].x + float32(s.w[k]*s.x[k])
		into[i+1].w = into[i].w + s.w[k]
		other[i+1].x, other[i+1].w = other[i].x, other[i].w
	}
	var lx, ll [2][2]float32 // of all values at level 2, by half and shift
	for h := range lx {
		all := s.cuts[h][n]
		for d, v := range &values1 {
			lx[h][d], ll[h][d] = all.x*v[2], all.w*v[2]*v[2]
			for i := range first {
				c := &s.cuts[h][i]
				c.lx[d] = c.w * (float32(v[0]*v[0]) - float32(v[1]*v[1]))
				c.ll[d] = c.w * (float32(v[1]*v[1]) - float32(v[2]*v[2]))
			}
		}
	}
	found := score{best: hopeless, scale: s.scale, choice: -1}
	best := hopeless
	for i := n / 8; i < n/2; i += n / 8 {
		for k := n - n/8; k > n/2; k -= n / 8 {
			x0, x1 := first[i].x+first[k].x, second[i].x+second[k].x
			for c := range 4 {
				d, e := c>>1, c&1
				best = max(best, floor1(lx[0][d]-x0+(lx[1][e]-x1),
					ll[0][d]+first[i].lx[d]+first[k].ll[d]+(ll[1][e]+second[i].lx[e]+second[k].ll[e])))
			}
		}
	}
	for i := range first {
		x0, x1 := first[i].x, second[i].x
		ll00, ll01 := ll[0][0]+first[i].lx[0], ll[0][1]+first[i].lx[1]
		ll10, ll11 := ll[1][0]+second[i].lx[0], ll[1][1]+second[i].lx[1]
		for k := i; k < len(first) && k < len(second); k++ {
			a, b := &first[k], &second[k]
			x0, x1 := x0+a.x, x1+b.x
			up0, down0, up1, down1 := lx[0][0]-x0, lx[0][1]-x0, lx[1][0]-x1, lx[1][1]-x1
			wUp0, wDown0, wUp1, wDown1 := ll00+a.ll[0], ll01+a.ll[1], ll10+b.ll[0], ll11+b.ll[1]
			if l, w := up0+up1, wUp0+wUp1; float32(l*l) > float32(best*w) {
				best = found.try(l, w, i, k, 0)
			}
			if l, w := up0+down1, wUp0+wDown1; float32(l*l) > float32(best*w) {
				best = found.try(l, w, i, k, 1)
			}
			if l, w := down0+up1, wDown0+wUp1; float32(l*l) > float32(best*w) {
				best = found.try(l, w, i, k, 2)
			}
			if l, w := down0+down1, wDown0+wDown1; float32(l*l) > float32(best*w) {
				best = found.try(l, w, i, k, 3)
			}
		}
	}
	s.down[0], s.down[1] = uint8(found.choice>>1)&1, uint8(found.choice&1)
	return s.assign(found)
}

// assign turns a split into codes. A negative scale turns levels and shifts
// around. It says whether there is a split.
func (s *split) assign(found score) bool {
	if found.choice < 0 {
		return false
	}
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
	return true
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
	list := s.book.neighbours(place)
	if code, sure := cost.likely8(list); sure {
		return code
	}
	return cheapest8(list, &cost)
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
