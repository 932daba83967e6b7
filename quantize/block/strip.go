package block

import (
	"sync"

	"github.com/f190792d/mq/quantize/kernel"
)

// stripLen is the number of values that a K type takes at a time: scales and
// minima of its 16 super-blocks fill the lanes of a search.
const stripLen = 16 * superLen

// A strip is what quantizing a run of values needs beside them. The arrays
// have room for one entry for each sub-block of 16.
type strip struct {
	kernel.Scratch
	levels [stripLen]uint8

	fitScale, fitOffset   [stripLen / 16]float32 // found by the search
	inverse, from         [stripLen / 16]float32 // its levels are inverse·(x-from), rounded
	sum                   [stripLen / 16]float32 // of the weights
	codes, minCodes       [stripLen / 16]uint8   // scales and minima as integers
	d, dmin               [stripLen / superLen]float32
	readScale, readOffset [stripLen / 16]float32 // as a reader will see them
	grid                  [2 * stripLen / 16]float32
	groups                [stripLen / 16]uint8 // some sub-blocks, by number
}

var strips = sync.Pool{New: func() any { return new(strip) }}

// eachStrip calls f for runs of at most stripLen values with their weights, if
// any, and their place among the row's blocks.
func eachStrip(src, weights []float32, f func(s *strip, at int, x, w []float32)) {
	s := strips.Get().(*strip)
	defer strips.Put(s)
	for at := 0; at < len(src); at += stripLen {
		end := min(at+stripLen, len(src))
		if weights == nil {
			f(s, at, src[at:end], nil)
		} else {
			f(s, at, src[at:end], weights[at:end])
		}
	}
}

// eachTile loads runs of as many groups of n values as are searched at a time,
// and keeps what search finds for them.
func (s *strip) eachTile(x, w []float32, n int, search func(first int)) {
	const lanes = kernel.Lanes
	for g := 0; g*n < len(x); g += lanes {
		end := min((g+lanes)*n, len(x))
		s.Load(x[g*n:end], n)
		if w != nil {
			s.LoadWeights(w[g*n:end], n)
		}
		search(g)
		copy(s.fitScale[g:], s.Scale[:])
		copy(s.fitOffset[g:], s.Offset[:])
		copy(s.inverse[g:], s.Inverse[:])
		copy(s.from[g:], s.From[:])
		copy(s.sum[g:], s.Sum[:])
	}
}

// spreadBy sets the variances for the groups from first on, n to each of the
// given ones.
func (s *strip) spreadBy(variances []float32, first, n int) {
	for j := range s.Variance {
		s.Variance[j] = variances[min((first+j)/n, len(variances)-1)]
	}
}

// variances is factor·Σx² / 256 of each super-block.
func (s *strip) variances(x []float32, factor float32) []float32 {
	sums := s.sumSquares(x, superLen)
	for b, sum := range sums {
		sums[b] = float32(factor*sum) / superLen
	}
	return sums
}

// sumSquares is Σx² of each n values.
func (s *strip) sumSquares(x []float32, n int) []float32 {
	sums := s.grid[:len(x)/n]
	sumSquaresEach(sums, x, n)
	return sums
}
