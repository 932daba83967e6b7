package arch

import (
	"math"
	"slices"
)

var scalings = map[string]Scaling{
	"linear": LinearScaling, "dynamic": DynamicScaling, "yarn": YaRNScaling, "llama3": Llama3Scaling, "longrope": LongRoPEScaling,
}

// configRotation computes what transformers makes of config.json, and the
// factor of latent attention's scores that goes with it.
func (r Rope) configRotation(context int) (Rotation, float64) {
	p, scores := r.rotation(), 1.0
	factor := r.Factor
	if factor == 0 && r.OriginalContext > 0 {
		factor = float64(context) / float64(r.OriginalContext)
	}
	switch p.Scaling {
	case DynamicScaling:
		p.Context = context
	case YaRNScaling:
		p.Factor, p.Extrapolate, p.Exact = factor, 1, r.Exact
		switch {
		case r.AttnFactor != 0:
			p.Magnitude = r.AttnFactor
		case r.MScale != 0 && r.MScaleAllDim != 0:
			p.Magnitude = magnitude(factor, r.MScale) / magnitude(factor, r.MScaleAllDim)
		default:
			p.Magnitude = magnitude(factor, 1)
		}
		if r.MScaleAllDim != 0 {
			scores = math.Pow(magnitude(factor, r.MScaleAllDim), 2)
		}
	case LongRoPEScaling:
		p.Magnitude = r.AttnFactor
		if p.Magnitude == 0 {
			p.Magnitude = 1
			if factor > 1 && r.OriginalContext > 1 {
				p.Magnitude = math.Sqrt(1 + math.Log(factor)/math.Log(float64(r.OriginalContext)))
			}
		}
	}
	return p, scores
}

// fileRotation computes what ggml makes of a file's key-values. A factor of
// attention that the file states goes in place of the implied one; llama.cpp
// multiplies the two.
func (r Rope) fileRotation() (Rotation, float64) {
	p := r.rotation()
	if p.Scaling != YaRNScaling {
		return p, 1
	}
	p.Factor = first(r.Factor, 1)
	implied := magnitude(p.Factor, 1) / magnitude(p.Factor, r.MScaleAllDim)
	p.Magnitude = first(r.AttnFactor, implied)
	return p, math.Pow(implied*(1+0.1*r.MScaleAllDim*math.Log(p.Factor)), 2)
}

// local is the rotation of layers with a window, nil where it is no other.
func (r Rope) local() *Rotation {
	if r.LocalBase == 0 {
		return nil
	}
	r.Base = r.LocalBase
	p := r.unscaled()
	return &p
}

// unscaled leaves the scaling out.
func (r Rope) unscaled() Rotation {
	r.Scaling = ""
	return r.rotation()
}

// rotation holds what both sides read alike.
func (r Rope) rotation() Rotation {
	p := Rotation{Dim: r.Dim, Base: r.Base, Scaling: scalings[r.Scaling], Magnitude: 1, Factors: ropeFactors}
	if r.Share > 0 && r.Share < 1 {
		p.Turning = int(r.Share * float64(r.Dim) / 2)
	}
	if len(r.Sections) > 0 {
		p.Sections = append(slices.Clone(r.Sections), make([]int, 4)...)[:4]
	}
	switch p.Scaling {
	case LinearScaling, DynamicScaling:
		p.Factor = r.Factor
	case Llama3Scaling:
		p.Factor, p.OriginalContext, p.LowFreq, p.HighFreq = r.Factor, r.OriginalContext, r.LowFreqFactor, r.HighFreqFactor
	case YaRNScaling:
		p.OriginalContext = r.OriginalContext
		p.BetaFast, p.BetaSlow = first(r.BetaFast, 32), first(r.BetaSlow, 1) // the paper's
	case LongRoPEScaling:
		p.OriginalContext = r.OriginalContext
	}
	return p
}

// magnitude is YaRN's factor of attention for a stretch by factor.
func magnitude(factor, weight float64) float64 {
	if factor <= 1 {
		return 1
	}
	return 0.1*weight*math.Log(factor) + 1
}

// ggufScaling names the scaling as the file does; llama3 scaling is a tensor
// there, and kinds without a factor are none.
func (r Rope) ggufScaling() string {
	switch r.Scaling {
	case "linear", "yarn":
		if r.Factor != 0 {
			return r.Scaling
		}
	case "longrope":
		return r.Scaling
	}
	return ""
}
