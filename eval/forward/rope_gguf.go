package forward

import (
	"cmp"
	"math"

	"github.com/f190792d/mq/arch"
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
	r := &rope{dim: p.Dim, style: g.ropeStyle(), latent: 1, frequencies: fixed(perPair, 1)}
	factor := p.Factor
	if factor == 0 {
		factor = 1
	}
	switch p.Scaling {
	case "":
	case "linear":
		for j := range perPair {
			perPair[j] *= float32(1 / factor)
		}
	case "yarn":
		ext := 1.0
		if g.file.KVs().Has(h.Arch + ".rope.scaling.yarn_ext_factor") {
			ext = p.ExtFactor
		}
		newYarn(p, factor, ext).scale(perPair)
		implied := yarnAttention(h, factor)
		r.frequencies = fixed(perPair, cmp.Or(p.AttnFactor, implied))
		r.latent = math.Pow(implied*(1+0.1*p.MScaleAllDim*math.Log(factor)), 2)
	case "longrope":
		return r, g.longrope(r, h)
	default:
		return nil, fault.Unsupported("forward: %s: rope scaling of type %q", g.name, p.Scaling)
	}
	return r, nil
}

// yarnAttention is the factor of cosine and sine that the factor and the
// logarithmic multiplier imply. One that the file states goes in its place;
// llama.cpp multiplies the two.
func yarnAttention(h arch.Hyper, factor float64) float64 {
	all := h.Rope.MScaleAllDim
	switch {
	case all == 0:
		return magnitude(factor, 1)
	case h.Arch == "deepseek2":
		return 1 // there mscale equals mscale_all_dim
	}
	return magnitude(factor, 1) / magnitude(factor, all)
}

// longrope divides each frequency by a factor of its own, one set for short
// sequences and one for long. Files of some architectures have none.
func (g *ggufSource) longrope(r *rope, h arch.Hyper) error {
	p := h.Rope
	attention := 1.0
	if f, ok := g.file.KVs().Float(h.Arch + ".rope.scaling.attn_factor"); ok {
		attention = f
	}
	sets := make([][]float32, 2)
	for i, name := range []string{"rope_factors_short.weight", "rope_factors_long.weight"} {
		factors, err := g.vector(name, 0, p.Dim/2)
		if err != nil {
			return err
		}
		sets[i] = plain(p.Base, p.Dim)
		for j, f := range factors {
			sets[i][j] /= f
		}
	}
	r.frequencies = func(positions int) ([]float32, float64) {
		if positions > p.OriginalContext {
			return sets[1], attention
		}
		return sets[0], attention
	}
	return nil
}
