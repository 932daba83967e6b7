package forward

import (
	"slices"
	"strings"

	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/formats/fault"
)

// router reads the rules of choice as llama.cpp does.
func (g *ggufSource) router(int) router {
	m := g.h.MoE
	r := router{used: m.Used, scale: 1, normalise: m.Normalize, groups: m.Groups, groupsUsed: m.GroupsUsed}
	gating := m.Gating
	if gating == 0 {
		gating = g.a.Graph.Gating
	}
	r.sigmoid, r.root = gating == arch.Sigmoid, gating == arch.SqrtSoftplus
	if m.Scale != 0 {
		r.scale = m.Scale
	}
	r.before = g.h.Arch == "llama4"
	r.groupMax = g.h.Arch == "deepseek2" && !r.sigmoid // DeepSeek V2; llama.cpp does not know
	return r
}

// router reads the rules of choice as each class of transformers has them.
func (c *checkpoint) router(int) router {
	m := c.h.MoE
	r := router{used: m.Used, scale: 1, normalise: m.Normalize}
	switch {
	case strings.HasPrefix(c.h.Class, "Mixtral"):
		r.normalise = true
	case strings.HasPrefix(c.h.Class, "Llama4"):
		// The choice goes by logits; the sigmoid keeps their order.
		r.sigmoid, r.before, r.normalise = true, true, false
	case strings.HasPrefix(c.h.Class, "DeepseekV2"):
		r.normalise = false
		method, _ := c.config.StringOr("topk_method", "greedy")
		if method == "group_limited_greedy" {
			r.groups, r.groupsUsed, r.groupMax = m.Groups, m.GroupsUsed, true
		}
		r.setScale(m.Scale)
	case c.h.Arch == "mistral4":
		r.groups, r.groupsUsed = m.Groups, m.GroupsUsed
		r.setScale(m.Scale)
	case strings.HasPrefix(c.h.Class, "DeepseekV4"):
		r.root, r.normalise = true, true
		r.setScale(m.Scale)
	case strings.HasPrefix(c.h.Class, "DeepseekV3"): // and V3.2
		r.sigmoid, r.groups, r.groupsUsed = true, m.Groups, m.GroupsUsed
		r.setScale(m.Scale)
	}
	if c.lost[arch.OwnNormalizing] {
		r.normalise = c.a.Graph.NormalizeExperts
	}
	return r
}

func (r *router) setScale(scale float64) {
	if scale != 0 {
		r.scale = scale
	}
}

// expertParts tells which half of a fused tensor a matrix is.
var expertParts = map[string]int{"blk.{i}.ffn_gate_exps.weight": 0, "blk.{i}.ffn_up_exps.weight": 1}

// experts finds the matrices of experts: one tensor for each, all in one, or
// gate and up of all in one, with outputs along the rows or (Llama 4) inputs.
func (c *checkpoint) experts(name string, layer, experts, rows, cols int) ([]*matrix, error) {
	var list []*matrix // grows with what is there, not with what is claimed
	for e := range experts {
		t, ok := c.find(name, layer, e)
		if !ok {
			return nil, nil
		}
		var m *matrix
		var err error
		if len(t.Shape) == 3 {
			m, err = c.fused(t, name, e, experts, rows, cols)
		} else if exponents, ok := c.exponents(t); ok {
			m, err = c.fourBits(t, exponents, rows, cols)
		} else if err = c.check(t, rows, cols); err == nil {
			m = c.stored(t, 0, rows, cols)
			err = c.scaled(m, t)
		}
		if err != nil {
			return nil, err
		}
		m.Weight = Weight{arch.Fill(name, layer, 0), e, experts}
		list = append(list, m)
	}
	return list, nil
}

// fused describes the matrix of one expert within a tensor of all.
func (c *checkpoint) fused(t tensor, name string, e, experts, rows, cols int) (*matrix, error) {
	part, halves := expertParts[name]
	parts := 1
	if halves {
		parts = 2
	}
	turned := strings.HasPrefix(c.h.Class, "Llama4") || strings.HasPrefix(c.h.Class, "Qwen3VLMoe")
	want := []int64{int64(experts), int64(parts * rows), int64(cols)}
	if turned {
		want[1], want[2] = want[2], want[1]
	}
	if !slices.Equal(t.Shape, want) || !t.DType.Float() {
		return nil, fault.Corrupt("forward: %s: tensor %q: shape %v should be %v", c.files.Name(), t.Name, t.Shape, want)
	}
	if t.DType.Bits() == 8 {
		return nil, fault.Unsupported("forward: %s: tensor %q: experts fused in FP8", c.files.Name(), t.Name)
	}
	if !turned {
		return c.stored(t, (e*parts+part)*rows, rows, cols), nil
	}
	m := c.stored(t, e*cols, rows, cols)
	m.transposed, m.line, m.skip = true, parts*rows, part*rows
	return m, nil
}

// latent takes the matrix as the checkpoint has it.
func (c *checkpoint) latent(a *mla, layer int) error {
	h := c.h
	w, err := c.matrix("blk.{i}.attn_k_b.weight", layer, h.Heads*(a.nope+h.ValueDim), a.rank)
	if err == nil && w == nil {
		err = fault.Corrupt("forward: %s: tensor \"kv_b_proj\" of layer %d is missing", c.files.Name(), layer)
	}
	if err != nil {
		return err
	}
	w.anonymous()
	w.tensor = arch.Fill("blk.{i}.attn_k_b.weight", layer, 0)
	for h := range a.kv {
		w.also = append(w.also, Weight{arch.Fill("blk.{i}.attn_v_b.weight", layer, 0), h, a.kv})
	}
	a.kvb, a.keyName = w, arch.Fill("blk.{i}.attn_k_b.weight", layer, 0)
	return nil
}

// latentEps is not the configuration's: these norms keep their class's own.
func (c *checkpoint) latentEps() float64 { return 1e-6 }

// latent takes one key and one value matrix for each head.
func (g *ggufSource) latent(a *mla, layer int) error {
	const keys, values = "blk.{i}.attn_k_b.weight", "blk.{i}.attn_v_b.weight"
	kb, err := g.experts(keys, layer, a.kv, a.rank, a.nope)
	if err != nil {
		return err
	}
	vb, err := g.experts(values, layer, a.kv, a.value, a.rank)
	if err != nil {
		return err
	}
	if kb == nil || vb == nil {
		return fault.Corrupt("forward: %s: tensor %q or %q is missing", g.name, arch.Fill(keys, layer, 0), arch.Fill(values, layer, 0))
	}
	for _, m := range kb {
		m.anonymous() // reported by the attention itself
		m.rows, m.cols, m.transposed = a.nope, a.rank, true
	}
	a.kb, a.vb, a.keyName = kb, vb, arch.Fill(keys, layer, 0)
	return nil
}

func (g *ggufSource) latentEps() float64 { return g.h.Eps }
