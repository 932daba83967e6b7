package graph

import (
	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/eval/forward/rotary"
)

// compressed loads attention over compressed positions.
func (b *builder) compressed(d *arch.CompressedAttention, l int) *compressed {
	overlaps := d.Overlap
	if d.Rope == nil || d.QueryRank < 1 || d.OutRank < 1 || d.OutGroups < 1 || d.Heads%d.OutGroups != 0 || d.Mask.Window < 1 || d.KVHeads != 1 ||
		overlaps && (d.Index == nil || d.Index.Heads < 1 || d.Rope.Dim > d.Index.Dim) {
		b.invalid(l, "invalid compressed attention of ranks %d and %d, a window of %d and %d key heads", d.QueryRank, d.OutRank, d.Mask.Window, d.KVHeads)
		return nil
	}
	rope := b.rotation(d.Rope)
	if b.err != nil {
		return nil
	}
	eps := d.NormEps
	rms := func(name string, n int) *norm { return b.weightedNorm(name, l, arch.RMSNorm, eps, n) }
	a := &compressed{
		Attention: b.shape(&d.Attention, l), rope: rope, unit: &norm{eps: eps},
		qa:     b.linear("blk.{i}.attn_q_a", l, d.QueryRank, b.Embed),
		qaNorm: rms("blk.{i}.attn_q_a_norm", d.QueryRank),
		q:      b.linear("blk.{i}.attn_q_b", l, d.Heads*d.Dim, d.QueryRank),
		kv:     b.linear("blk.{i}.attn_kv", l, d.Dim, b.Embed),
		kvNorm: rms("blk.{i}.attn_kv_a_norm", d.Dim),
		o:      b.linear("blk.{i}.attn_output_b", l, b.Embed, d.OutGroups*d.OutRank),
	}
	all := b.linear("blk.{i}.attn_output_a", l, d.OutGroups*d.OutRank, d.Heads*d.Dim/d.OutGroups)
	if b.err != nil {
		return nil
	}
	for g := range d.OutGroups {
		w := all.w.Part(g*d.OutRank, d.OutRank)
		w.Hidden = true // reported by the attention itself
		a.groups = append(a.groups, w)
	}
	if d.Ratio != 0 {
		a.long = b.compressor("blk.{i}.attn_compressor", l, d.Ratio, d.Dim, overlaps, rope, eps)
	}
	if d.Index != nil {
		a.index = &pooledIndex{
			indexer: indexer{
				heads: d.Index.Heads, dim: d.Index.Dim, top: d.Index.TopK, rope: rope,
				q:       b.linear("blk.{i}.indexer.attn_q_b", l, d.Index.Heads*d.Index.Dim, d.QueryRank),
				weights: b.linear("blk.{i}.indexer.proj", l, d.Index.Heads, b.Embed),
			},
			keys: b.compressor("blk.{i}.indexer_compressor", l, d.Ratio, d.Index.Dim, overlaps, rope, eps),
		}
	}
	return a
}

// compressor loads the compressor of a layer.
func (b *builder) compressor(name string, l, ratio, dim int, overlaps bool, rope *rotary.Embedding, eps float64) *compressor {
	columns := dim
	if overlaps {
		columns = 2 * dim
	}
	return &compressor{
		ratio: ratio, dim: dim, overlaps: overlaps, rope: rope, nope: dim - rope.Dim,
		kv:   b.linear(name+"_kv", l, columns, b.Embed),
		gate: b.linear(name+"_gate", l, columns, b.Embed),
		ape:  b.numbers(name+"_ape.weight", l, ratio, columns),
		norm: b.weightedNorm(name+"_norm", l, arch.RMSNorm, eps, dim),
	}
}

// connection loads a hyper-connection, that of the head where it only reads.
func (b *builder) connection(name string, i int, s *arch.Streams, eps float64, reads bool) *connection {
	if s.Count < 1 {
		b.invalid(i, "%d residual streams", s.Count)
		return nil
	}
	count, kinds := (2+s.Count)*s.Count, 3
	if reads {
		count, kinds = s.Count, 1
	}
	return &connection{
		streams: s.Count, width: b.Embed, iterations: s.Iterations, eps: s.Eps, flat: &norm{eps: eps},
		fn:    b.linear(name+"_fn", i, count, s.Count*b.Embed),
		scale: b.numbers(name+"_scale.weight", i, kinds),
		base:  b.numbers(name+"_base.weight", i, count),
	}
}
