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
	sorted [32]float32
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
		f.sorted[i] = s.x[k]
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
	var x0, x1, w0, w1, size float32
	for i, k := range s.order.Numbers[:n] {
		v, w := s.x[k], s.w[k]
		wx := float32(w * v)
		second := -(k >> 3 & 1) // all ones or zeros: a sum of nothing stays
		x0 += math.Float32frombits(math.Float32bits(wx) &^ second)
		w0 += math.Float32frombits(math.Float32bits(w) &^ second)
		x1 += math.Float32frombits(math.Float32bits(wx) & second)
		w1 += math.Float32frombits(math.Float32bits(w) & second)
		size += abs(wx)
		f.sorted[i] = v
		f.ends.X[0][i+1], f.ends.X[1][i+1] = x0, x1
		f.ends.W[0][i+1], f.ends.W[1][i+1] = w0, w1
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
	bar := f.seed(n, pairs, size)
	if !(bar > 0) {
		for i := range n + 1 {
			for k := i; k <= n; k++ {
				f.try(i, k)
			}
		}
		return
	}
	rows := f.pairs[0].Scan(n, bar)
	if pairs == 2 {
		rows |= f.pairs[1].Scan(n, bar)
	}
	for ; rows != 0; rows &= rows - 1 {
		i := bits.TrailingZeros64(rows)
		ends := f.pairs[0].Ends(i, n)
		if pairs == 2 {
			ends |= f.pairs[1].Ends(i, n)
		}
		for ; ends != 0; ends &= ends - 1 {
			k := bits.TrailingZeros64(ends)
			if f.pairs[0].Reaches(i, k, bar) || pairs == 2 && f.pairs[1].Reaches(i, k, bar) {
				f.try(i, k)
				bar = max(bar, f.found.best*(1-1./1024))
			}
		}
	}
}

// seed returns what the best of all splits is above by more than rounding errors: a
// score slightly below one that is reached. It is 0 where squares may underflow,
// scores overflow, or the sums cancel. Where lx of the best is at least a quarter of
// size, that of a split as good is at least a 36th, since Σw·q² is between 1/64 and
// 5/4 of Σw; its errors are 17 halves of a last place of size, and 9 of Σw.
//
// The levels nearest to the values at the scale of a split make a better one.
func (f *splitSearch) seed(n, pairs int, size float32) (bar float32) {
	i, k := n/3, n-n/3
	for range 3 {
		var best, bestX, bestL, shift float32
		for d := range f.pairs[:pairs] {
			p := &f.pairs[d]
			for c := range p.X {
				lx, ll := p.X[c]-p.EndX[i]-p.EndX[k], p.Begin[c][i]+p.EndW[c][k]
				if score := lx * lx / ll; score > best {
					best, bestX, bestL, shift = score, lx, ll, f.shift(c, d)
				}
			}
		}
		square := bestX * bestX
		if !(abs(bestX) > size/64 && square > 1e-25 && square < 1e25 && bestL > 1e-15 && bestL < 1e15 && square < 1e35*bestL) {
			break
		}
		if abs(bestX) > size/4 {
			best *= 1 - 1./4096
		} else {
			best *= 1 - 1./1024
		}
		bar = max(bar, best)
		scale := bestX / bestL
		if !(scale > 0) {
			break
		}
		i, k = kernel.CountBelow(f.sorted[:n], scale*(shift-0.5), scale*(shift+0.5))
	}
	return bar
}

// shift is what the middle level stands for, between both halves.
func (f *splitSearch) shift(c, d int) float32 {
	if f.halves {
		return (values1[c][1] + values1[d][1]) / 2
	}
	return values1[c][1]
}
