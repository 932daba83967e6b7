package forward

import (
	"math"

	"github.com/f190792d/mq/convert/arch"
	"github.com/f190792d/mq/formats/fault"
)

// rope computes the rotary embedding as ggml does: the kind of scaling stands
// in the key-values, factors for single pairs in a tensor.
func (g *ggufSource) rope(h arch.Hyper) (*rope, error) {
	p := h.Rope
	perPair := plain(p.Base, p.Dim)
	factors, err := g.vector("rope_freqs.weight", 0, p.Dim/2)
	if err != nil {
		return nil, err
	}
	for j, f := range factors {
		if f == 0 {
			return nil, fault.Corrupt("forward: %s: tensor \"rope_freqs.weight\": factor %d is 0", g.name, j)
		}
		perPair[j] /= f
	}
	switch p.Scaling {
	case "":
	case "linear":
		for j := range perPair {
			perPair[j] *= float32(1 / p.Factor)
		}
	default:
		return nil, fault.Unsupported("forward: %s: rope scaling of type %q", g.name, p.Scaling)
	}
	return &rope{dim: p.Dim, style: g.ropeStyle(), frequencies: fixed(perPair, 1)}, nil
}

// rope computes the rotary embedding as transformers does from config.json.
func (c *checkpoint) rope(h arch.Hyper) (*rope, error) {
	p := h.Rope
	perPair := plain(p.Base, p.Dim)
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
	default:
		return nil, fault.Unsupported("forward: %s: rope scaling of type %q", c.files.Name(), p.Scaling)
	}
	return &rope{dim: p.Dim, style: c.ropeStyle(), frequencies: fixed(perPair, 1)}, nil
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
