package block

import (
	"math"
	"math/bits"
	"slices"

	"github.com/f190792d/mq/quantize/kernel"
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
	pairs  [2]pair    // of choices of shifts
	found  score
}

// An end has the sums over the values below it.
type end struct{ x, w float32 }

// A pair has what the search needs of two choices of shifts.
type pair struct{ kernel.Splits }

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
	p.X = [2]float32{}
	clear(p.Begin[0][:])
	clear(p.Begin[1][:])
	clear(p.EndX[:])
	clear(p.EndW[0][:])
	clear(p.EndW[1][:])
}

// add adds the sums of a sub-block or a half, with shift d, to a choice.
func (p *pair) add(ends []end, choice, d int) {
	v := &values1[d]
	all := ends[len(ends)-1]
	p.X[choice] += all.x * v[2]
	base := all.w * v[2] * v[2]
	fall, rise := v[1]*v[1]-v[2]*v[2], v[0]*v[0]-v[1]*v[1]
	begin, w := p.Begin[choice][:len(ends)], p.EndW[choice][:len(ends)]
	for i, e := range ends {
		begin[i] += base + e.w*rise
		w[i] += e.w * fall
	}
}

// addX adds what the choices have in common.
func (p *pair) addX(ends []end) {
	for i, e := range ends {
		p.EndX[i] += e.x
	}
}

// run finds the best split, with one or two pairs of choices.
func (f *splitSearch) run(n, pairs int) {
	var bar float32
	for i := range f.pairs[:pairs] {
		bar = f.pairs[i].seed(n, bar)
	}
	if bar > 0 {
		for i := range f.pairs[:pairs] {
			bar = f.pairs[i].Scan(n, bar)
		}
	}
	for i := range n + 1 {
		near := ^uint64(0) << i
		if bar > 0 {
			near = f.pairs[0].Near[i]
			if pairs == 2 {
				near |= f.pairs[1].Near[i]
			}
		}
		for near &= 1<<(n+1) - 1; near != 0; near &= near - 1 {
			f.try(i, bits.TrailingZeros64(near))
		}
	}
}

// magnitude is Σw·|x|.
func (p *pair) magnitude(n int) float32 {
	return p.EndX[n] - 2*slices.Min(p.EndX[:n+1])
}

// seed raises bar to what the best of all splits is above by more than
// rounding errors: to a score slightly below one that is reached. It leaves
// it, at 0, where squares may underflow, scores overflow, or the sums cancel.
func (p *pair) seed(n int, bar float32) float32 {
	least := p.magnitude(n) / 64
	for i := n / 4; i < n/2; i += n / 8 {
		for k := n - n/4; k > n/2; k -= n / 8 {
			for c := range p.X {
				lx, ll := p.X[c]-p.EndX[i]-p.EndX[k], p.Begin[c][i]+p.EndW[c][k]
				if abs(lx) > least && lx*lx > 1e-25 && lx*lx < 1e25 && ll > 1e-15 && ll < 1e15 && lx*lx < 1e35*ll {
					bar = max(bar, kernel.Below(lx, ll))
				}
			}
		}
	}
	return bar
}
