package eval

import (
	"math"
	"slices"
)

// Measure is a mean and its standard error.
type Measure struct {
	Value float64 `json:"value"`
	Error float64 `json:"stderr"`
}

// exp returns e^m with the error carried over to first order.
func (m Measure) exp() Measure {
	v := math.Exp(m.Value)
	return Measure{v, v * m.Error}
}

// moments sums values and their squares.
type moments struct {
	n         int
	sum, sum2 float64
}

func (m *moments) add(v float64) {
	m.n++
	m.sum += v
	m.sum2 += v * v
}

// lose adds what log-probabilities lack to certainty.
func (m *moments) lose(logprobs []float64) {
	for _, v := range logprobs {
		m.add(-v)
	}
}

// mean returns the mean with the error of a sample of n. Samples of ten or
// fewer have none.
func (m moments) mean() Measure {
	if m.n == 0 {
		return Measure{}
	}
	n := float64(m.n)
	mean := m.sum / n
	variance := m.sum2/n - mean*mean
	if variance <= 0 || m.n <= 10 {
		return Measure{Value: mean}
	}
	return Measure{mean, math.Sqrt(variance / (n - 1))}
}

// covariance returns the covariance of the means of two series, given the sum
// of their products.
func covariance(a, b moments, products float64) float64 {
	if a.n < 10 {
		return 0
	}
	n := float64(a.n)
	return (products/n - a.sum/n*b.sum/n) / (n - 1)
}

// Distribution describes many values by their order. Percentiles between two
// values are interpolated.
type Distribution struct {
	Min    float64 `json:"min"`
	P01    float64 `json:"p0_1"`
	P1     float64 `json:"p1"`
	P5     float64 `json:"p5"`
	P10    float64 `json:"p10"`
	P25    float64 `json:"p25"`
	Median float64 `json:"median"`
	P75    float64 `json:"p75"`
	P90    float64 `json:"p90"`
	P95    float64 `json:"p95"`
	P99    float64 `json:"p99"`
	P999   float64 `json:"p99_9"`
	Max    float64 `json:"max"`
}

// distribution sorts values.
func distribution(values []float32) Distribution {
	if len(values) == 0 {
		return Distribution{}
	}
	slices.Sort(values)
	at := func(fraction float64) float64 {
		p := fraction * float64(len(values)-1)
		i := int(p)
		p -= float64(i)
		return (1-p)*float64(values[i]) + p*float64(values[min(i+1, len(values)-1)])
	}
	return Distribution{at(0), at(.001), at(.01), at(.05), at(.1), at(.25), at(.5), at(.75), at(.9), at(.95), at(.99), at(.999), at(1)}
}
