package block

import (
	"math"
	"math/bits"

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
	ends   kernel.Ends // a sub-block that is whole is its second half
	pairs  [2]pair     // of choices of shifts
	found  score
}

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

// findShared finds the split of a sub-block with one shift, and reports whether
// there is one.
func (s *split) findShared() bool {
	s.order.Sort(s.x)
	f, n := &s.search, len(s.x)
	f.halves = false
	f.found = score{best: hopeless, scale: s.scale, choice: -1}
	clear(f.ends.X[0][:])
	clear(f.ends.W[0][:])
	f.ends.Clip(n)
	var x, w, size float32
	for i, k := range s.order.Numbers[:n] {
		wx := float32(s.w[k] * s.x[k])
		x += wx
		w += s.w[k]
		size += abs(wx)
		f.ends.X[1][i+1], f.ends.W[1][i+1] = x, w
	}
	f.pairs[0].Set(&f.ends, n, &values1[0], &values1)
	f.run(n, 1, size)
	d := uint8(f.found.choice)
	s.down = [4]uint8{d, d, d, d}
	return s.assign(f.found)
}

// findHalves finds the split of a sub-block of two groups, each with its own
// shift, and reports whether there is one.
func (s *split) findHalves() bool {
	s.order.Sort(s.x)
	f, n := &s.search, len(s.x)
	f.halves = true
	f.found = score{best: hopeless, scale: s.scale, choice: -1}
	f.ends.Clip(n)
	var x, w [2]float32
	var size float32
	for i, k := range s.order.Numbers[:n] {
		half, wx := k>>3&1, float32(s.w[k]*s.x[k])
		x[half] += wx
		w[half] += s.w[k]
		size += abs(wx)
		f.ends.X[0][i+1], f.ends.X[1][i+1] = x[0], x[1]
		f.ends.W[0][i+1], f.ends.W[1][i+1] = w[0], w[1]
	}
	for d := range f.pairs {
		f.pairs[d].Set(&f.ends, n, &values1[d], &values1)
	}
	f.run(n, 2, size)
	s.down[0], s.down[1] = uint8(f.found.choice>>1)&1, uint8(f.found.choice)&1
	return s.assign(f.found)
}

// run finds the best split, with one or two pairs of choices; size is Σw·|x|.
func (f *splitSearch) run(n, pairs int, size float32) {
	var bar float32
	for i := range f.pairs[:pairs] {
		bar = f.pairs[i].seed(n, size, bar)
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
			k := bits.TrailingZeros64(near)
			// The bar has risen since the first were seen.
			if bar == 0 || f.pairs[0].Reaches(i, k, bar) || pairs == 2 && f.pairs[1].Reaches(i, k, bar) {
				f.try(i, k)
			}
		}
	}
}

// seed raises bar to what the best of all splits is above by more than
// rounding errors: to a score slightly below one that is reached. It leaves
// it, at 0, where squares may underflow, scores overflow, or the sums cancel.
func (p *pair) seed(n int, size, bar float32) float32 {
	least := size / 64
	for i := n / 4; i < n/2; i += n / 8 {
		for k := n - n/4; k > n/2; k -= n / 8 {
			for c := range p.X {
				lx, ll := p.X[c]-p.EndX[i]-p.EndX[k], p.Begin[c][i]+p.EndW[c][k]
				if abs(lx) > least && lx*lx > 1e-25 && lx*lx < 1e25 && ll > 1e-15 && ll < 1e15 && lx*lx < 1e35*ll {
					bar = max(bar, kernel.Below(lx, ll))
				}
			}
			if bar > 0 {
				return bar // the others are seen soon enough
			}
		}
	}
	return bar
}
