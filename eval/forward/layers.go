package forward

import (
	"math"

	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/formats/fault"
)

// mixer loads the attention of a layer.
func (b *builder) mixer(l int, rope *rope) mixer {
	switch {
	case b.h.Compress.Ratios != nil:
		return b.compressed(l)
	case b.h.MLA.KVRank > 0:
		return b.mla(l, rope)
	case l < len(b.h.Delta.Recurrent) && b.h.Delta.Recurrent[l]:
		return b.delta(l)
	}
	return b.gqa(l, rope)
}

// gqa loads grouped-query attention.
func (b *builder) gqa(l int, rope *rope) *gqa {
	h, plan := b.h, b.attention(l)
	gated := b.arch().Graph.GatedAttention
	queries := h.Heads * h.HeadDim
	if gated {
		queries *= 2
	}
	a := &gqa{
		gated: gated,
		heads: heads{query: h.Heads, kv: h.KVHeads, dim: h.HeadDim, value: h.ValueDim,
			scale: float32(1 / math.Sqrt(float64(h.HeadDim))), first: plan.first(), temperature: plan.temperature},
		o:     b.linear("blk.{i}.attn_output", l, h.Embed, h.Heads*h.ValueDim),
		qNorm: b.optionalNorm("blk.{i}.attn_q_norm.weight", l, h.HeadDim),
		kNorm: b.optionalNorm("blk.{i}.attn_k_norm.weight", l, h.HeadDim),
	}
	a.q, a.k, a.v = b.queryKeyValue(l, queries)
	if !plan.unrotated {
		a.rope = rope
	}
	if plan.unit {
		a.unit = &norm{eps: h.Eps}
	}
	return a
}

// queryKeyValue loads the projections of attention: three tensors, or one
// with queries above keys above values.
func (b *builder) queryKeyValue(l, queries int) (q, k, v linear) {
	h := b.h
	keys, values := h.KVHeads*h.HeadDim, h.KVHeads*h.ValueDim
	all := b.optional("blk.{i}.attn_qkv.weight", l, queries+keys+values, h.Embed)
	if all.w == nil {
		return b.linear("blk.{i}.attn_q", l, queries, h.Embed), b.linear("blk.{i}.attn_k", l, keys, h.Embed), b.linear("blk.{i}.attn_v", l, values, h.Embed)
	}
	bias, err := b.vector("blk.{i}.attn_qkv.bias", l, queries+keys+values)
	b.keep(err)
	part := func(first, rows int) linear {
		p := linear{w: all.w.part(first, rows)}
		if bias != nil {
			p.bias = bias[first : first+rows]
		}
		return p
	}
	return part(0, queries), part(queries, keys), part(queries+keys, values)
}

// mla loads multi-head latent attention.
func (b *builder) mla(l int, rope *rope) *mla {
	h, plan := b.h, b.attention(l)
	a := &mla{
		heads: heads{query: h.Heads, kv: h.Heads, dim: h.HeadDim, value: h.ValueDim,
			scale: float32(1 / math.Sqrt(float64(h.HeadDim))), first: plan.first(), temperature: plan.temperature},
		nope: h.MLA.NopeDim, rank: h.MLA.KVRank, rope: rope,
		kva:    b.linear("blk.{i}.attn_kv_a_mqa", l, h.MLA.KVRank+h.Rope.Dim, h.Embed),
		kvNorm: b.norm("blk.{i}.attn_kv_a_norm.weight", l, h.MLA.KVRank),
		o:      b.linear("blk.{i}.attn_output", l, h.Embed, h.Heads*h.ValueDim),
	}
	a.kvNorm.eps = b.latentEps()
	if rope != nil {
		a.scale *= float32(rope.latent)
	}
	if rank := h.MLA.QueryRank; rank == 0 {
		a.q = b.linear("blk.{i}.attn_q", l, h.Heads*h.HeadDim, h.Embed)
	} else {
		a.qa = b.linear("blk.{i}.attn_q_a", l, rank, h.Embed)
		a.qaNorm = b.norm("blk.{i}.attn_q_a_norm.weight", l, rank)
		a.qaNorm.eps = b.latentEps()
		a.q = b.linear("blk.{i}.attn_q_b", l, h.Heads*h.HeadDim, rank)
		a.index = b.indexer(l, rope)
	}
	if a.nope < 1 || a.nope+h.Rope.Dim != h.HeadDim {
		b.keep(fault.Corrupt("forward: %d dimensions of a head, %d rotated and %d not, do not add up", h.HeadDim, h.Rope.Dim, a.nope))
	}
	if b.err == nil {
		b.keep(b.latent(a, l))
	}
	return a
}

// mlp loads the feed-forward part of a layer.
func (b *builder) mlp(l int) mlp {
	if b.h.MoE.In(l) {
		return b.moe(l)
	}
	width := b.h.FF
	if b.h.Arch == "qwen" { // counts gate and up projection together
		width /= 2
	}
	return b.swiglu("", l, width)
}

// swiglu loads a dense feed-forward network; the suffix tells a shared expert
// from a layer's only one.
func (b *builder) swiglu(suffix string, l, width int) *swiglu {
	return &swiglu{
		gate: b.linear("blk.{i}.ffn_gate"+suffix, l, width, b.h.Embed),
		up:   b.linear("blk.{i}.ffn_up"+suffix, l, width, b.h.Embed),
		down: b.linear("blk.{i}.ffn_down"+suffix, l, b.h.Embed, width),

		limit: float32(b.h.MoE.Clamp),
	}
}

// moe loads a layer of experts.
func (b *builder) moe(l int) *moe {
	h := b.h.MoE
	f := &moe{router: b.router(l), down: b.expertsOf("down", l, b.h.Embed, h.FF)}
	f.gate, f.up = b.gateUp(l)
	f.limit = float32(b.h.MoE.Clamp)
	if l < h.HashLayers {
		f.table = b.table(l)
	}
	f.w = b.linear("blk.{i}.ffn_gate_inp", l, h.Experts, b.h.Embed).w
	bias, err := b.vector("blk.{i}.exp_probs_b.bias", l, h.Experts)
	b.keep(err)
	f.bias = bias
	if f.used < 1 || f.used > h.Experts || f.groups > 0 && (h.Experts%f.groups != 0 || f.groupsUsed < 1 || f.groupsUsed > f.groups) {
		b.keep(fault.Corrupt("forward: %d of %d experts in %d of %d groups cannot be chosen", f.used, h.Experts, f.groupsUsed, f.groups))
	}
	gate := b.optional("blk.{i}.ffn_gate_inp_shexp.weight", l, 1, b.h.Embed)
	f.sharedGate = gate.w
	width := h.SharedFF
	if width == 0 {
		width = h.FF
	}
	if shared := b.rowsOf("blk.{i}.ffn_gate_shexp.weight", l, b.h.Embed); shared > 0 {
		f.shared = b.swiglu("_shexp", l, shared)
		if shared != width {
			b.keep(fault.Corrupt("forward: tensor %q: %d rows should be %d", arch.Fill("blk.{i}.ffn_gate_shexp.weight", l, 0), shared, width))
		}
	} else if h.Shared > 0 || h.SharedFF > 0 || f.sharedGate != nil {
		b.keep(fault.Corrupt("forward: tensor %q is missing", arch.Fill("blk.{i}.ffn_gate_shexp.weight", l, 0)))
	}
	return f
}

// table loads the experts of every token.
func (b *builder) table(l int) []int32 {
	const name = "blk.{i}.ffn_gate_tid2eid.weight"
	h := b.h.MoE
	table, err := b.integers(name, l, b.h.Vocab*h.Used)
	b.keep(err)
	if err == nil && table == nil {
		b.keep(fault.Corrupt("forward: tensor %q is missing", arch.Fill(name, l, 0)))
	}
	for _, e := range table {
		if e < 0 || int(e) >= h.Experts {
			b.keep(fault.Corrupt("forward: tensor %q: there is no expert %d of %d", arch.Fill(name, l, 0), e, h.Experts))
			break
		}
	}
	return table
}

// gateUp loads gate and up projections: two tensors, or one with the gate
// above.
func (b *builder) gateUp(l int) (gate, up []*matrix) {
	h := b.h.MoE
	both, err := b.experts("blk.{i}.ffn_gate_up_exps.weight", l, h.Experts, 2*h.FF, b.h.Embed)
	b.keep(err)
	if both == nil {
		return b.expertsOf("gate", l, h.FF, b.h.Embed), b.expertsOf("up", l, h.FF, b.h.Embed)
	}
	for _, m := range both {
		gate, up = append(gate, m.part(0, h.FF)), append(up, m.part(h.FF, h.FF))
	}
	return gate, up
}

// rowsOf returns the rows of a matrix of cols columns, 0 where it is absent.
func (b *builder) rowsOf(name string, l, cols int) int {
	w := b.optional(name, l, anyRows, cols).w
	if w == nil {
		return 0
	}
	return w.rows
}

// expertsOf loads one matrix of every expert.
func (b *builder) expertsOf(part string, l, rows, cols int) []*matrix {
	name := "blk.{i}.ffn_" + part + "_exps.weight"
	list, err := b.experts(name, l, b.h.MoE.Experts, rows, cols)
	b.keep(err)
	if list == nil {
		b.keep(fault.Corrupt("forward: tensor %q is missing", arch.Fill(name, l, 0)))
	}
	return list
}
