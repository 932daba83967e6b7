package forward

import (
	"math"

	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/formats/fault"
)

// rope computes the rotary embedding as transformers does from config.json.
func (c *checkpoint) rope(h arch.Hyper) (*rope, error) {
	p := h.Rope
	perPair := plain(p.Base, p.Dim)
	r := &rope{dim: p.Dim, style: c.ropeStyle(), latent: 1, frequencies: fixed(perPair, 1)}
	if c.lost[arch.NoScaling] {
		return r, nil
	}
	switch p.Scaling {
	case "":
	case "linear":
		for j := range perPair {
			perPair[j] /= float32(p.Factor)
		}
	case "llama3":
		for j := range perPair {
			perPair[j] = float32(llama3(float64(perPair[j]), p))
		}
	case "dynamic":
		r.frequencies = dynamic(p, h.Context)
	case "yarn":
		factor := p.Factor
		if factor == 0 {
			factor = float64(h.Context) / float64(p.OriginalContext)
		}
		newYarn(p, factor, 1).scale(perPair)
		attention := p.AttnFactor
		switch {
		case attention != 0:
		case c.config.Has("yarn"): // Mistral's own spelling
			attention = 1
			if scaled, _ := c.config.BoolOr("yarn.apply_scale", false); scaled {
				attention = magnitude(factor, 1)
			}
		case c.lost[arch.OwnMultiplier]: // both are taken as mscale_all_dim
			attention = 1
		case p.MScale != 0 && p.MScaleAllDim != 0:
			attention = magnitude(factor, p.MScale) / magnitude(factor, p.MScaleAllDim)
		default:
			attention = magnitude(factor, 1)
		}
		r.frequencies = fixed(perPair, attention)
		if p.MScaleAllDim != 0 {
			r.latent = math.Pow(magnitude(factor, p.MScaleAllDim), 2)
		}
	case "longrope":
		return r, c.longrope(r, h)
	default:
		return nil, fault.Unsupported("forward: %s: config.json: rope scaling of type %q", c.files.Name(), p.Scaling)
	}
	return r, nil
}

// dynamic raises the base with the length of the sequence once that passes
// the trained context.
func dynamic(p arch.Rope, context int) func(int) ([]float32, float64) {
	return func(positions int) ([]float32, float64) {
		longer := float64(max(positions, context)) / float64(context)
		dim := float64(p.Dim)
		return plain(p.Base*math.Pow(p.Factor*longer-(p.Factor-1), dim/(dim-2)), p.Dim), 1
	}
}

// longrope divides each frequency by a factor of its own, one set for short
// sequences and one for long (Ding et al. 2024, arXiv:2402.13753).
func (c *checkpoint) longrope(r *rope, h arch.Hyper) error {
	p := h.Rope
	sets := map[string][]float32{}
	for _, name := range []string{"short_factor", "long_factor"} {
		factors, err := c.config.Floats("rope_scaling." + name)
		if err != nil {
			if factors, err = c.config.Floats("rope_parameters." + name); err != nil {
				return err
			}
		}
		if len(factors) != p.Dim/2 {
			return fault.Corrupt("forward: %s: config.json: key %q has %d factors for %d pairs", c.files.Name(), name, len(factors), p.Dim/2)
		}
		perPair := plain(p.Base, p.Dim)
		for j := range perPair {
			perPair[j] /= float32(factors[j])
		}
		sets[name] = perPair
	}
	factor, attention := p.Factor, p.AttnFactor
	if factor == 0 {
		factor = float64(h.Context) / float64(p.OriginalContext)
	}
	if attention == 0 {
		attention = 1
		if factor > 1 {
			attention = math.Sqrt(1 + math.Log(factor)/math.Log(float64(p.OriginalContext)))
		}
	}
	r.frequencies = func(positions int) ([]float32, float64) {
		if positions > p.OriginalContext {
			return sets["long_factor"], attention
		}
		return sets["short_factor"], attention
	}
	return nil
}
