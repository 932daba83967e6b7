package eval

import (
	"math"

	"github.com/f190792d/mq/eval/kernel"
)

// Divergence tells how far a model's next-token probabilities are from those
// of a base, with the statistics that llama-perplexity prints. Differences of
// probabilities are fractions, not percent.
type Divergence struct {
	Perplexity  Measure `json:"perplexity"`
	Base        Measure `json:"base_perplexity"`
	LogRatio    Measure `json:"log_ratio"`   // ln(PPL/PPL(base))
	Ratio       Measure `json:"ratio"`       // PPL/PPL(base)
	Difference  Measure `json:"difference"`  // PPL - PPL(base)
	Correlation float64 `json:"correlation"` // of the two log-perplexities

	KLD      Measure      `json:"kld"` // Kullback-Leibler divergence from the base, in nats
	KLDs     Distribution `json:"kld_distribution"`
	DeltaP   Measure      `json:"delta_p"` // probability of the right token, minus that of the base
	DeltaPs  Distribution `json:"delta_p_distribution"`
	RMSDelta Measure      `json:"rms_delta_p"`
	SameTop  Measure      `json:"same_top"` // share of tokens with the same most likely successor

	Tokens int `json:"tokens"` // scored
	Chunks int `json:"chunks"`
}

// point is the comparison of two models at one position.
type point struct {
	nll, base, kld, delta float64
	same                  bool
}

// comparison sums points.
type comparison struct {
	nll, base    moments
	products     float64
	kld, delta   moments
	squared      moments // of delta²
	same         int
	klds, deltas []float32
}

func (c *comparison) add(p point) {
	c.nll.add(p.nll)
	c.base.add(p.base)
	c.products += p.nll * p.base
	c.kld.add(p.kld)
	c.delta.add(p.delta)
	c.squared.add(p.delta * p.delta)
	if p.same {
		c.same++
	}
	c.klds = append(c.klds, float32(p.kld))
	c.deltas = append(c.deltas, float32(p.delta))
}

// result computes the statistics so far; the distributions, which need a
// sort, only at the end.
func (c *comparison) result(chunks int, final bool) Divergence {
	n := float64(c.nll.n)
	q, b := c.nll.mean(), c.base.mean()
	cov := covariance(c.nll, c.base, c.products)
	ratio := Measure{q.Value - b.Value, root(q.Error*q.Error + b.Error*b.Error - 2*cov)}
	ppl, base := q.exp(), b.exp()
	square := c.squared.mean()
	rms := Measure{Value: math.Sqrt(square.Value)}
	if rms.Value > 0 {
		rms.Error = square.Error / (2 * rms.Value)
	}
	top := float64(c.same) / n
	d := Divergence{
		Perplexity: ppl, Base: base,
		LogRatio: ratio, Ratio: ratio.exp(),
		Difference: Measure{ppl.Value - base.Value, root(ppl.Error*ppl.Error + base.Error*base.Error - 2*ppl.Value*base.Value*cov)},
		KLD:        c.kld.mean(), DeltaP: c.delta.mean(), RMSDelta: rms,
		SameTop: Measure{top, root(top * (1 - top) / (n - 1))},
		Tokens:  c.nll.n, Chunks: chunks,
	}
	if q.Error > 0 && b.Error > 0 {
		d.Correlation = cov / (q.Error * b.Error)
	}
	if final {
		d.KLDs, d.DeltaPs = distribution(c.klds), distribution(c.deltas)
	}
	return d
}

// root is the square root of a variance that rounding may have pushed below 0.
func root(v float64) float64 { return math.Sqrt(max(0, v)) }

// compareLogits compares a row of logits with the base's.
func compareLogits(logits, base []float32, token int32) point {
	var p point
	withScratch(len(logits), func(exps []float32) {
		sum := logSumExp(exps, logits)
		peak := kernel.Max(base)
		total := kernel.Exp(exps, base, peak)
		sumBase := float64(peak) + math.Log(total)
		weighted := 0.0
		for i, e := range exps {
			weighted += float64(e) * (float64(base[i]) - float64(logits[i]))
		}
		p.kld = weighted/total + sum - sumBase
		p.finish(sum-float64(logits[token]), sumBase-float64(base[token]))
	})
	p.same = argmax(logits) == argmax(base)
	return p
}

// finish fills in what follows from the two likelihoods of the right token.
func (p *point) finish(nll, base float64) {
	p.nll, p.base = nll, base
	p.delta = math.Exp(-nll) - math.Exp(-base)
}
