package block

import (
	"math"
	"math/bits"
)

// In ascending order of x the best levels are runs of 0, of 1 and of 2, so
// that a search over the two ends i ≤ k of the run of 1 is exhaustive. With
// values q₀, q₁, q₂, one apart, and sums over all or over what is below an end
//
//	Σw·q·x = q₂·Σw·x - Σᵢw·x - Σₖw·x
//	Σw·q²  = q₂²·Σw + (q₀²-q₁²)·Σᵢw + (q₁²-q₂²)·Σₖw
//
// and the best split has the largest score (Σw·q·x)²/Σw·q². There is a choice
// of shifts: one for the sub-block, or one for each half.
//
// Rounding decides between splits of nearly the same score, in the order of
// i, k and choice. So the search computes scores in any way that is fast,
// and hands only splits near the best to the exact sums.

// splitSearch is the scratch space of the search.
type splitSearch struct {
	halves bool
	ends   [2][33]end // of the sub-block, or of its halves; the first is zero
	pairs  [2]pair
	found  score
}

// An end has the sums over the values below it.
type end struct{ x, w float32 }

// A pair has what the search needs of two choices of shifts: q₂·Σw·x, and the
// parts of Σw·q² that come with each end.
type pair struct {
	x     [2]float32
	begin [33][2]float32
	ends  [36]pairEnd
	spans [9]span
}

// pairEnd has Σₖw·x, in both halves, and the part of Σw·q² for each choice.
type pairEnd struct {
	x float32
	w [2]float32
}

// A span bounds the pairEnds of four consecutive ends.
type span struct {
	low, high float32
	w         [2]float32
}

// score keeps the split that explains most of x.
type score struct {
	best       float32
	scale      float32
	begin, end int
	choice     int // -1: no split yet
}

// hopeless is below all scores.
const hopeless = -float32(math.MaxFloat32)

// findShared finds the split of a sub-block with one shift, and says whether
// there is one.
func (s *split) findShared() bool {
	s.sort()
	f, n := &s.search, len(s.x)
	f.halves = false
	f.found = score{best: hopeless, scale: s.scale, choice: -1}
	ends := f.ends[0][:n+1]
	for i, key := range s.keys[:n] {
		k := int(uint32(key))
		ends[i+1] = end{ends[i].x + float32(s.w[k]*s.x[k]), ends[i].w + s.w[k]}
	}
	f.pairs[0].clear()
	for d := range values1 {
		f.pairs[0].add(ends, d, d)
	}
	f.pairs[0].addX(ends)
	f.run(n, 1)
	d := uint8(f.found.choice)
	s.down = [4]uint8{d, d, d, d}
	return s.assign(f.found)
}

// findHalves finds the split of a sub-block of two groups, each with its own
// shift, and says whether there is one.
func (s *split) findHalves() bool {
	s.sort()
	f, n := &s.search, len(s.x)
	f.halves = true
	f.found = score{best: hopeless, scale: s.scale, choice: -1}
	first, second := f.ends[0][:n+1], f.ends[1][:n+1]
	for i, key := range s.keys[:n] {
		k := int(uint32(key))
		first[i+1], second[i+1] = first[i], second[i]
		into := &first[i+1]
		if k >= 8 {
			into = &second[i+1]
		}
		into.x += float32(s.w[k] * s.x[k])
		into.w += s.w[k]
	}
	for d := range f.pairs {
		p := &f.pairs[d]
		p.clear()
		for e := range values1 {
			p.add(first, e, d)
			p.add(second, e, e)
		}
		p.addX(first)
		p.addX(second)
	}
	f.run(n, 2)
	s.down[0], s.down[1] = uint8(f.found.choice>>1)&1, uint8(f.found.choice)&1
	return s.assign(f.found)
}

func (p *pair) clear() {
	p.x = [2]float32{}
	clear(p.begin[:])
	clear(p.ends[:])
}

// add adds the sums of a sub-block or a half, with shift d, to a choice.
func (p *pair) add(ends []end, choice, d int) {
	v := &values1[d]
	all := ends[len(ends)-1]
	p.x[choice] += all.x * v[2]
	base := all.w * v[2] * v[2]
	fall, rise := v[1]*v[1]-v[2]*v[2], v[0]*v[0]-v[1]*v[1]
	for i, e := range ends {
		p.begin[i][choice] += base + e.w*rise
		p.ends[i].w[choice] += e.w * fall
	}
}

// addX adds what the choices have in common.
func (p *pair) addX(ends []end) {
	for i, e := range ends {
		p.ends[i].x += e.x
	}
}

// run finds the best split, with one or two pairs of choices.
func (f *splitSearch) run(n, pairs int) {
	var bar float32
	for i := range f.pairs[:pairs] {
		f.pairs[i].setSpans(n)
		bar = f.pairs[i].seed(n, bar)
	}
	for i := range n + 1 {
		near := ^uint64(0) << i
		if bar > 0 {
			near = 0
			for j := range f.pairs[:pairs] {
				var more uint64
				more, bar = f.pairs[j].scan(i, n, bar)
				near |= more
			}
		}
		for near &= 1<<(n+1) - 1; near != 0; near &= near - 1 {
			f.try(i, bits.TrailingZeros64(near))
		}
	}
}

// setSpans bounds the ends. Σw·q² falls as the run of 1 grows.
func (p *pair) setSpans(n int) {
	for j := range n/4 + 1 {
		ends := p.ends[4*j : min(4*j+4, n+1)]
		s := span{ends[0].x, ends[0].x, ends[len(ends)-1].w}
		for _, e := range ends[1:] {
			s.low, s.high = min(s.low, e.x), max(s.high, e.x)
		}
		p.spans[j] = s
	}
}

// magnitude is Σw·|x|.
func (p *pair) magnitude(n int) float32 {
	var least float32
	for _, s := range p.spans[:n/4+1] {
		least = min(least, s.low)
	}
	return p.ends[n].x - 2*least
}

// seed raises bar to what the best of all splits is above by more than
// rounding errors: to a score slightly below one that is reached. It leaves
// it, at 0, where squares may underflow or where the sums cancel.
func (p *pair) seed(n int, bar float32) float32 {
	least := p.magnitude(n) / 64
	for i := n / 4; i < n/2; i += n / 8 {
		for k := n - n/4; k > n/2; k -= n / 8 {
			for c := range p.x {
				lx, ll := p.x[c]-p.ends[i].x-p.ends[k].x, p.begin[i][c]+p.ends[k].w[c]
				if abs(lx) > least && lx*lx > 1e-25 && lx*lx < 1e25 && ll > 1e-15 && ll < 1e15 {
					bar = max(bar, below(lx, ll))
				}
			}
		}
	}
	return bar
}

// below is slightly less than the score for two sums.
func below(lx, ll float32) float32 { return lx * lx / ll * (1 - 1./1024) }

// scan returns the set of ends of splits from i that reach the bar, and the
// bar, raised by what it saw.
func (p *pair) scan(i, n int, bar float32) (near uint64, raised float32) {
	x0, x1 := p.x[0]-p.ends[i].x, p.x[1]-p.ends[i].x
	w0, w1 := p.begin[i][0], p.begin[i][1]
	for j := i / 4; j <= n/4; j++ {
		s := &p.spans[j]
		bar0, bar1 := bar*(w0+s.w[0]), bar*(w1+s.w[1])
		low0, high0, low1, high1 := x0-s.low, x0-s.high, x1-s.low, x1-s.high
		if low0*low0 <= bar0 && high0*high0 <= bar0 && low1*low1 <= bar1 && high1*high1 <= bar1 {
			continue
		}
		for k := max(i, 4*j); k <= min(4*j+3, n); k++ {
			e := &p.ends[k]
			lx0, lx1, ll0, ll1 := x0-e.x, x1-e.x, w0+e.w[0], w1+e.w[1]
			if lx0*lx0 > bar*ll0 || lx1*lx1 > bar*ll1 {
				near |= 1 << k
				bar = max(bar, below(lx0, ll0), below(lx1, ll1))
			}
		}
	}
	return near, bar
}
