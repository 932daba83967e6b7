package eval

import (
	"math"
	"sync"

	"github.com/f190792d/mq/eval/kernel"
)

// scratches lends rows to compute in.
var scratches = sync.Pool{New: func() any { return new([]float32) }}

// withScratch calls f with n elements.
func withScratch(n int, f func(row []float32)) {
	p := scratches.Get().(*[]float32)
	if cap(*p) < n {
		*p = make([]float32, n)
	}
	f((*p)[:n])
	scratches.Put(p)
}

// logSumExp returns ln Σ e^x, and leaves e^(x-max) in exps.
func logSumExp(exps, logits []float32) float64 {
	peak := kernel.Max(logits)
	return float64(peak) + math.Log(kernel.Exp(exps, logits, peak))
}

// nll returns the negative log-likelihood of a token.
func nll(logits []float32, token int32) float64 {
	var sum float64
	withScratch(len(logits), func(exps []float32) { sum = logSumExp(exps, logits) })
	return sum - float64(logits[token])
}

// argmax returns the position of the largest value, the first of equals.
func argmax(row []float32) int {
	best := 0
	for i, v := range row {
		if v > row[best] {
			best = i
		}
	}
	return best
}
