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
// and the best split has the largest score (Σw·q·x)²/Σw·q².
//
// Rounding decides between splits of nearly the same score, in the order of
// i, k and shift. So the search computes scores in any way that is fast,
// and hands only splits near the best to the exact sums.

// splitLen is the number of values of a sub-block with one shift.
const splitLen = 32

// splitSearch is the scratch space of the search.
type splitSearch struct {
	ends   kernel.Ends
	splits kernel.Splits
	sorted [splitLen]float32
	found  score
}

// score keeps the split that explains most of x.
type score struct {
	best       float32
	scale      float32
	begin, end int
	down       int // -1: no split yet
}

// hopeless is below all scores.
const hopeless = -float32(math.MaxFloat32)

// find finds the split of a sub-block, and reports whether there is one.
func (s *split) find() bool {
	s.order.Sort(s.x)
	f := &s.search
	f.found = score{best: hopeless, scale: s.scale, down: -1}
	var x, w, size float32
	for i, k := range s.order.Numbers {
		f.sorted[i] = s.x[k]
		wx := float32(s.w[k] * s.x[k])
		x += wx
		w += s.w[k]
		size += abs(wx)
		f.ends.X[i+1], f.ends.W[i+1] = x, w
	}
	f.splits.Set(&f.ends)
	f.run(size)
	return s.assign(f.found)
}

// run finds the best split; size is Σw·|x|.
func (f *splitSearch) run(size float32) {
	bar := f.seed(size)
	if !(bar > 0) {
		for i := range splitLen + 1 {
			for k := i; k <= splitLen; k++ {
				f.try(i, k)
			}
		}
		return
	}
	for rows := f.splits.Scan(bar); rows != 0; rows &= rows - 1 {
		i := bits.TrailingZeros64(rows)
		for ends := f.splits.Ends(i); ends != 0; ends &= ends - 1 {
			k := bits.TrailingZeros64(ends)
			if f.splits.Reaches(i, k, bar) {
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
func (f *splitSearch) seed(size float32) (bar float32) {
	i, k, s := splitLen/3, splitLen-splitLen/3, &f.splits
	for range 3 {
		var best, bestX, bestL, shift float32
		for d := range s.X {
			lx, ll := s.X[d]-s.EndX[i]-s.EndX[k], s.Begin[d][i]+s.EndW[d][k]
			if score := lx * lx / ll; score > best {
				best, bestX, bestL, shift = score, lx, ll, values1[d][1]
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
		i, k = kernel.CountBelow(&f.sorted, scale*(shift-0.5), scale*(shift+0.5))
	}
	return bar
}

// try offers the split from i to k to a search in the order of the reference, with
// either shift: the sums of the three runs.
func (f *splitSearch) try(i, k int) {
	a, b, all := f.below(i), f.below(k), f.below(splitLen)
	for d, v := range &values1 {
		lx := float32(a.x*v[0]) + float32((b.x-a.x)*v[1]) + float32((all.x-b.x)*v[2])
		ll := float32(a.w*v[0]*v[0]) + float32((b.w-a.w)*v[1]*v[1]) + float32((all.w-b.w)*v[2]*v[2])
		if ll > 0 && float32(lx*lx) > float32(f.found.best*ll) {
			f.found.scale = lx / ll
			f.found.best = f.found.scale * lx
			f.found.begin, f.found.end, f.found.down = i, k, d
		}
	}
}

// sums are those over the values below an end.
type sums struct{ x, w float32 }

func (f *splitSearch) below(end int) sums { return sums{f.ends.X[end], f.ends.W[end]} }
