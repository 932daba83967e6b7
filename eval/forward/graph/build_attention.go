package graph

import (
	"cmp"
	"math"

	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/eval/forward/compute"
	"github.com/f190792d/mq/eval/forward/rotary"
)

// attention loads grouped-query attention.
func (b *builder) attention(d *arch.Attention, l int) *attention {
	shape := b.shape(d, l)
	if b.err != nil {
		return nil
	}
	a := &attention{
		Attention: shape, rope: b.rotation(d.Rope), style: b.Rope, keysOf: d.KeysOf - 1,
		valueScale: float32(cmp.Or(d.ValueScale, 1)), clamp: float32(d.Clamp), normAfter: d.HeadNorm.After, gate: d.Gate,
		o: b.linear("blk.{i}.attn_output", l, b.Embed, d.Heads*d.ValueDim),
	}
	queries, keys, values := d.Heads*d.Dim, d.KVHeads*d.Dim, d.KVHeads*d.ValueDim
	switch d.Gate {
	case arch.QueryGate:
		queries *= 2
	case arch.ElementGate:
		a.gateBy = b.linear("blk.{i}.attn_gate", l, d.Heads*d.ValueDim, b.Embed)
	case arch.PerHeadGate:
		a.gateBy = b.linear("blk.{i}.attn_gate", l, d.Heads, b.Embed)
	}
	switch {
	case d.KeysOf > 0:
		a.q = b.linear("blk.{i}.attn_q", l, queries, b.Embed)
	case d.KeyIsValue, d.ValueOptional:
		a.q, a.k = b.linear("blk.{i}.attn_q", l, queries, b.Embed), b.linear("blk.{i}.attn_k", l, keys, b.Embed)
		if d.ValueOptional {
			a.v = b.optional("blk.{i}.attn_v", l, values, b.Embed)
		}
	default:
		parts := b.split("blk.{i}.attn_qkv", []string{"blk.{i}.attn_q", "blk.{i}.attn_k", "blk.{i}.attn_v"}, l, []int{queries, keys, values}, b.Embed)
		a.q, a.k, a.v = parts[0], parts[1], parts[2]
	}
	a.qNorm = b.headNorm("blk.{i}.attn_q_norm", l, d, d.Heads)
	if d.KeysOf == 0 {
		a.kNorm = b.headNorm("blk.{i}.attn_k_norm", l, d, d.KVHeads)
	}
	if d.ValueNorm {
		a.valueNorm = &norm{eps: d.HeadNorm.Eps}
	}
	if d.Unit != 0 {
		a.unit = &norm{eps: d.Unit}
	}
	return a
}

// shape loads what every attention has.
func (b *builder) shape(d *arch.Attention, l int) compute.Attention {
	if d.Heads < 1 || d.KVHeads < 1 || d.Heads%d.KVHeads != 0 || d.Dim < 1 || d.ValueDim < 1 || d.KeysOf > l || (d.KeyIsValue || d.ValueOptional) && d.Dim != d.ValueDim ||
		d.Rope != nil && (d.Rope.Dim < 0 || d.Rope.Dim > d.Dim || d.Rope.Dim%2 != 0) {
		b.invalid(l, "invalid attention of %d query heads of %d dimensions on %d key heads", d.Heads, d.Dim, d.KVHeads)
	}
	a := compute.Attention{
		Heads: d.Heads, KVHeads: d.KVHeads, Dim: d.Dim, ValueDim: d.ValueDim,
		Scale: float32(cmp.Or(d.Scale, 1/math.Sqrt(float64(d.Dim)))), Softcap: float32(d.Softcap),
		Mask:        compute.Mask{Full: d.Mask.Kind == arch.Full, Window: d.Mask.Window, Chunk: d.Mask.Chunk},
		Temperature: temperature(d.Temperature),
	}
	if d.Sinks {
		a.Sinks = b.numbers("blk.{i}.attn_sinks.weight", l, d.Heads)
	}
	if d.ALiBi > 0 {
		a.Slopes = slopes(d.ALiBi, d.Heads)
	}
	return a
}

// temperature is that of long contexts (Nakanishi 2025, arXiv:2501.19399).
func temperature(t *arch.Temperature) func(int) float32 {
	if t == nil || t.Scale == 0 || t.Floor <= 0 {
		return nil
	}
	return func(position int) float32 {
		return float32(1 + float64(t.Scale*math.Log1p(float64((position+t.Offset)/t.Floor))))
	}
}

// slopes are those of attention with linear biases (Press et al. 2021,
// arXiv:2108.12409): a geometric sequence that ends at 2^-bias for numbers of
// heads that are powers of 2, with the odd terms of the next for more.
func slopes(bias float64, heads int) []float32 {
	power := 1
	for 2*power <= heads {
		power *= 2
	}
	all := make([]float32, heads)
	for h := range all {
		if h < power {
			all[h] = float32(math.Exp2(-bias * float64(h+1) / float64(power)))
		} else {
			all[h] = float32(math.Exp2(-bias / 2 * float64(2*(h-power)+1) / float64(power)))
		}
	}
	return all
}

// headNorm loads the normalization of queries or keys.
func (b *builder) headNorm(name string, l int, d *arch.Attention, heads int) *headNorm {
	n, width, shape := d.HeadNorm, d.Dim, []int{d.Dim}
	switch n.Over {
	case arch.NoHeadNorm:
		return nil
	case arch.WholeRow:
		width = heads * d.Dim
		shape = []int{width}
	case arch.OwnWeights:
		shape = []int{heads, d.Dim}
	}
	if n.Optional && b.vector(name+".weight", l, shape...) == nil {
		return nil
	}
	return &headNorm{*b.weightedNorm(name, l, n.Kind, n.Eps, shape...), width, n.Over == arch.OwnWeights}
}

// latent loads multi-head latent attention.
func (b *builder) latent(d *arch.LatentAttention, l int) *latent {
	if d.Rope == nil || d.NopeDim < 1 || d.NopeDim+d.Rope.Dim != d.Dim || d.KVHeads != d.Heads || d.KVRank < 1 {
		b.invalid(l, "%d dimensions of a head that are not rotated and the others are not %d together", d.NopeDim, d.Dim)
		return nil
	}
	rope := b.rotation(d.Rope)
	if b.err != nil {
		return nil
	}
	rms := func(name string, n int) *norm { return b.weightedNorm(name, l, arch.RMSNorm, d.NormEps, n) }
	a := &latent{
		Attention: b.shape(&d.Attention, l), nope: d.NopeDim, rank: d.KVRank, rope: rope,
		kva:    b.linear("blk.{i}.attn_kv_a_mqa", l, d.KVRank+d.Rope.Dim, b.Embed),
		kvNorm: rms("blk.{i}.attn_kv_a_norm", d.KVRank),
		o:      b.linear("blk.{i}.attn_output", l, b.Embed, d.Heads*d.ValueDim),
	}
	if d.Joined {
		b.joinedHeads(a, l)
	} else {
		a.kb = b.every("blk.{i}.attn_k_b", l, d.Heads, d.NopeDim, d.KVRank)
		a.vb = b.every("blk.{i}.attn_v_b", l, d.Heads, d.ValueDim, d.KVRank)
		for _, m := range a.kb {
			m.Hidden = true // reported by the attention itself
		}
	}
	if d.QueryRank == 0 {
		a.q = b.linear("blk.{i}.attn_q", l, d.Heads*d.Dim, b.Embed)
		return a
	}
	a.qa = b.linear("blk.{i}.attn_q_a", l, d.QueryRank, b.Embed)
	a.qaNorm = rms("blk.{i}.attn_q_a_norm", d.QueryRank)
	a.q = b.linear("blk.{i}.attn_q_b", l, d.Heads*d.Dim, d.QueryRank)
	if d.Index != nil {
		a.index = b.indexer(d.Index, l, d.QueryRank, rope)
	}
	return a
}

// joinedHeads loads what restores keys and values from one matrix.
func (b *builder) joinedHeads(a *latent, l int) {
	both := b.linear("blk.{i}.attn_kv_b", l, a.Heads*(a.nope+a.ValueDim), a.rank).w
	if both == nil {
		return
	}
	a.joined = true
	for at := 0; at < both.Rows; at += a.nope + a.ValueDim {
		a.kb, a.vb = append(a.kb, both.Part(at, a.nope)), append(a.vb, both.Part(at+a.nope, a.ValueDim))
	}
}

// indexer loads the indexer of a layer.
func (b *builder) indexer(d *arch.Indexer, l, rank int, rope *rotary.Embedding) *indexer {
	if d.Heads < 1 || d.Dim < rope.Dim || d.TopK < 1 {
		b.invalid(l, "invalid indexer of %d heads of %d dimensions for %d keys", d.Heads, d.Dim, d.TopK)
		return nil
	}
	if d.Shared {
		return &indexer{shared: true}
	}
	turned := *rope
	if !d.Paired {
		turned.Style = arch.RopeHalf
	}
	x := &indexer{
		heads: d.Heads, dim: d.Dim, top: d.TopK, rope: &turned,
		q:       b.linear("blk.{i}.indexer.attn_q_b", l, d.Heads*d.Dim, rank),
		k:       b.linear("blk.{i}.indexer.attn_k", l, d.Dim, b.Embed),
		weights: b.linear("blk.{i}.indexer.proj", l, d.Heads, b.Embed),
		kNorm:   &norm{kind: arch.LayerNorm, eps: 1e-6},
	}
	x.kNorm.weight = b.numbers("blk.{i}.indexer.k_norm.weight", l, d.Dim)
	x.kNorm.bias = b.numbers("blk.{i}.indexer.k_norm.bias", l, d.Dim)
	return x
}
