package rotary

import (
	"math"

	"github.com/f190792d/mq/arch"
)

// scaled scales the frequencies of a rotation where that does not depend on
// the sequence.
func scaled(r arch.Rotation, perPair []float32) []float32 {
	switch r.Scaling {
	case arch.LinearScaling:
		for j := range perPair {
			perPair[j] /= float32(r.Factor)
		}
	case arch.Llama3Scaling:
		for j, f := range perPair {
			perPair[j] = float32(llama3(float64(f), r))
		}
	case arch.YaRNScaling:
		yarn(perPair, r)
	}
	return perPair
}

// yarn scales frequencies by NTK-by-parts interpolation (Peng et al. 2023,
// arXiv:2309.00071): it interpolates those of few rotations within the
// original context by the factor, keeps those of many, and blends between.
func yarn(perPair []float32, r arch.Rotation) {
	dim := float64(2 * len(perPair))
	at := func(rotations float64) float64 {
		return dim * math.Log(float64(r.OriginalContext)/(rotations*2*math.Pi)) / (2 * math.Log(r.Base))
	}
	low, high := at(r.BetaFast), at(r.BetaSlow)
	if !r.Exact {
		low, high = math.Floor(low), math.Ceil(high)
	}
	low, high = max(0, low), min(dim-1, high)
	width := max(0.001, high-low)
	for j, f := range perPair {
		keep := (1 - min(1, max(0, (float64(j)-low)/width))) * r.Extrapolate
		perPair[j] = float32(float64(float64(f)/r.Factor*(1-keep)) + float64(float64(f)*keep))
	}
}

// llama3 scales a frequency as Llama 3.1 does: long waves by the factor, short
// ones not, those between smoothly.
func llama3(frequency float64, r arch.Rotation) float64 {
	wave := 2 * math.Pi / frequency
	original := float64(r.OriginalContext)
	switch {
	case wave < original/r.HighFreq:
		return frequency
	case wave > original/r.LowFreq:
		return frequency / r.Factor
	}
	smooth := (original/wave - r.LowFreq) / (r.HighFreq - r.LowFreq)
	return (1-smooth)*frequency/r.Factor + float64(smooth*frequency)
}

// dynamic raises the base with the length of the sequence once that passes
// the trained context.
func dynamic(r arch.Rotation) func(int) []float32 {
	return func(positions int) []float32 {
		longer := float64(max(positions, r.Context)) / float64(r.Context)
		dim := float64(r.Dim)
		return plain(r.Base*math.Pow(float64(r.Factor*longer)-(r.Factor-1), dim/(dim-2)), r.Dim)
	}
}

// plain returns base^(-2j/dim) for each pair j.
func plain(base float64, dim int) []float32 {
	f := make([]float32, dim/2)
	for j := range f {
		f[j] = float32(math.Pow(base, -2*float64(j)/float64(dim)))
	}
	return f
}

// still is a frequency by which no position of any context turns: files divide
// by 1e30 to keep pairs where they are.
const still = 1e-24

// divided returns frequencies divided by a factor of each pair.
func divided[T float32 | float64](perPair []float32, by []T) []float32 {
	for j, d := range by {
		if perPair[j] /= float32(d); perPair[j] < still {
			perPair[j] = 0
		}
	}
	return perPair
}
