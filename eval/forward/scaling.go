package forward

import (
	"math"

	"github.com/f190792d/mq/arch"
)

// yarn holds the parameters of NTK-by-parts interpolation (Peng et al. 2023,
// arXiv:2309.00071).
type yarn struct {
	base, factor, ext float64
	original          int
	fast, slow        float64 // rotations within the original context
}

// newYarn fills in the paper's defaults.
func newYarn(p arch.Rope, factor, ext float64) yarn {
	y := yarn{p.Base, factor, ext, p.OriginalContext, p.BetaFast, p.BetaSlow}
	if y.fast == 0 {
		y.fast = 32
	}
	if y.slow == 0 {
		y.slow = 1
	}
	return y
}

// scale interpolates frequencies of few rotations by the factor, keeps those
// of many, and blends between.
func (y yarn) scale(perPair []float32) {
	dim := float64(2 * len(perPair))
	at := func(rotations float64) float64 {
		return dim * math.Log(float64(y.original)/(rotations*2*math.Pi)) / (2 * math.Log(y.base))
	}
	low, high := max(0, math.Floor(at(y.fast))), min(dim-1, math.Ceil(at(y.slow)))
	width := max(0.001, high-low)
	for j, f := range perPair {
		keep := (1 - min(1, max(0, (float64(j)-low)/width))) * y.ext
		perPair[j] = float32(float64(f)/y.factor*(1-keep) + float64(f)*keep)
	}
}

// magnitude is YaRN's factor of attention for a stretch by factor.
func magnitude(factor, weight float64) float64 {
	if factor <= 1 {
		return 1
	}
	return 0.1*weight*math.Log(factor) + 1
}

// llama3 scales a frequency as Llama 3.1 does: long waves by the factor, short
// ones not, those between smoothly.
func llama3(frequency float64, p arch.Rope) float64 {
	wave := 2 * math.Pi / frequency
	original := float64(p.OriginalContext)
	switch {
	case wave < original/p.HighFreqFactor:
		return frequency
	case wave > original/p.LowFreqFactor:
		return frequency / p.Factor
	}
	smooth := (original/wave - p.LowFreqFactor) / (p.HighFreqFactor - p.LowFreqFactor)
	return (1-smooth)*frequency/p.Factor + smooth*frequency
}
