package forward

import (
	"math"

	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/formats/fault"
)

// compressed is the attention of DeepSeek V4 (DeepSeek-AI 2026): queries see a
// window of positions and, in most layers, older ones compressed. One vector
// is key and value of all heads; since it is rotated, so is the sum of values,
// which is turned back.
type compressed struct {
	heads
	qa, q, kv      linear
	qaNorm, kvNorm norm
	unit           norm // of each query head
	rope           *rope
	nope           int
	long           *compressor // nil: the window is all
	index          *pooledIndex

	// The output is compressed by groups of heads, then put together.
	groups []*matrix
	name   string // of the tensor that groups are of
	o      linear
}

func (a *compressed) mix(r *run, layer int, x, y []float32) error {
	n := len(r.positions)
	small, kv := r.buffer(bufOut, n*a.qa.w.rows), r.buffer(bufKey, n*a.dim)
	if err := r.multiply(x, n, a.qa.to(small), a.kv.to(kv)); err != nil {
		return err
	}
	if err := r.normalise(a.qaNorm, small, small, a.qa.w.rows); err != nil {
		return err
	}
	q := r.buffer(bufQuery, n*a.query*a.dim)
	if err := r.multiply(small, n, a.q.to(q)); err != nil {
		return err
	}
	if err := r.normalise(a.unit, q, q, a.dim); err != nil {
		return err
	}
	if err := r.normalise(a.kvNorm, kv, kv, a.dim); err != nil {
		return err
	}
	for _, part := range [][]float32{q, kv} {
		if err := r.rotateTails(a.rope, part, a.dim, 1); err != nil {
			return err
		}
	}
	for _, s := range r.spans {
		st := s.layer(layer)
		st.k = place(st.k, kv, s, a.dim)
		st.v = st.k
	}
	h := a.heads
	if a.long != nil {
		if err := a.long.compress(r, x, func(s span) *pool { return &s.layer(layer).long }); err != nil {
			return err
		}
		seen, err := a.visible(r, layer, x, small)
		if err != nil {
			return err
		}
		h.beside = seen
	}
	mixed := r.buffer(bufHeads, n*a.query*a.dim)
	if err := r.attend(h, layer, q, mixed, nil); err != nil {
		return err
	}
	if err := r.rotateTails(a.rope, mixed, a.dim, -1); err != nil {
		return err
	}
	return a.output(r, mixed, y)
}

// visible returns, by row of the batch, which compressed keys a query sees:
// those whose windows have ended, or the indexer's choice of them.
func (a *compressed) visible(r *run, layer int, x, small []float32) ([][]bool, error) {
	if a.index != nil {
		return a.index.pick(r, layer, x, small, a.long.ratio)
	}
	seen := make([][]bool, len(r.positions))
	for i, position := range r.positions {
		seen[i] = make([]bool, (position+1)/a.long.ratio)
		for t := range seen[i] {
			seen[i][t] = true
		}
	}
	return seen, nil
}

// output compresses each group of heads and joins them.
func (a *compressed) output(r *run, mixed, y []float32) error {
	n, wide := len(r.positions), len(mixed)/len(r.positions)
	rank, part := a.groups[0].rows, a.groups[0].cols
	if r.observe != nil {
		r.observe([]Weight{{Name: a.name}}, mixed, part)
	}
	small, one := r.buffer(bufGate, n*a.o.w.cols), r.buffer(bufUp, n*rank)
	in := r.buffer(bufExpert, n*part)
	for g, w := range a.groups {
		err := r.rows(n, func(i int) { copy(in[i*part:(i+1)*part], mixed[i*wide+g*part:]) })
		if err != nil {
			return err
		}
		if err := r.multiply(in, n, output{w: w, y: one}); err != nil {
			return err
		}
		err = r.rows(n, func(i int) { copy(small[i*a.o.w.cols+g*rank:], one[i*rank:(i+1)*rank]) })
		if err != nil {
			return err
		}
	}
	return r.multiply(small, n, a.o.to(y))
}

// rotateTails turns the last dimensions of heads of width elements, or back
// where turn is -1.
func (r *run) rotateTails(p *rope, x []float32, width int, turn float32) error {
	t, half, cols := r.table(p), p.dim/2, len(x)/len(r.positions)
	return r.rows(len(r.positions), func(i int) {
		cos, sin := t.cos[i*half:(i+1)*half], t.sin[i*half:(i+1)*half]
		if turn < 0 {
			back := make([]float32, half)
			for j, v := range sin {
				back[j] = -v
			}
			sin = back
		}
		for head := i * cols; head < (i+1)*cols; head += width {
			p.rotate(x[head+width-p.dim:head+width], p.dim, cos, sin)
		}
	})
}

// pooledIndex is the indexer of a layer with overlapping windows: small heads
// score compressed keys of their own.
type pooledIndex struct {
	indexer
	keys *compressor
}

// pick returns, by row of the batch, the compressed keys that a query sees.
func (x *pooledIndex) pick(r *run, layer int, stream, small []float32, ratio int) ([][]bool, error) {
	n := len(r.positions)
	if err := x.keys.compress(r, stream, func(s span) *pool { return &s.layer(layer).short }); err != nil {
		return nil, err
	}
	q, weights := r.buffer(bufExtra, n*x.heads*x.dim), r.buffer(bufValue, n*x.heads)
	if err := r.multiply(small, n, x.q.to(q)); err != nil {
		return nil, err
	}
	if err := r.multiply(stream, n, x.weights.to(weights)); err != nil {
		return nil, err
	}
	if err := r.rotateTails(x.rope, q, x.dim, 1); err != nil {
		return nil, err
	}
	seen := make([][]bool, n)
	for _, s := range r.spans {
		keys := s.layer(layer).short.keys
		err := r.rows(s.tokens, func(t int) {
			i := s.first + t
			ended := (r.positions[i] + 1) / ratio
			seen[i] = x.best(q[i*x.heads*x.dim:][:x.heads*x.dim], weights[i*x.heads:][:x.heads], keys[:ended*x.dim])
		})
		if err != nil {
			return nil, err
		}
	}
	return seen, nil
}

// compressed loads attention over compressed positions.
func (b *builder) compressed(l int) *compressed {
	h, c := b.h, b.h.Compress
	ratio := c.Ratio(l)
	if h.Rope.Dim > h.Index.Dim && ratio == arch.Overlapping || h.MLA.QueryRank < 1 || c.OutRank < 1 || c.Window < 1 || h.KVHeads != 1 {
		b.keep(fault.Corrupt("forward: compressed attention of rank %d and %d with a window of %d and an indexer of %d dimensions makes no sense",
			h.MLA.QueryRank, c.OutRank, c.Window, h.Index.Dim))
		return nil
	}
	rope := b.ropeOf(ratio != 0)
	if b.err != nil {
		return nil
	}
	window := attentionPlan{window: c.Window}
	a := &compressed{
		heads: heads{query: h.Heads, kv: 1, dim: h.HeadDim, value: h.HeadDim, scale: float32(1 / math.Sqrt(float64(h.HeadDim))),
			first: window.first(), sinks: b.required("blk.{i}.attn_sinks.weight", l, h.Heads)},
		nope: h.HeadDim - h.Rope.Dim, rope: rope, unit: norm{eps: h.Eps},
		qa:     b.linear("blk.{i}.attn_q_a", l, h.MLA.QueryRank, h.Embed),
		qaNorm: b.norm("blk.{i}.attn_q_a_norm.weight", l, h.MLA.QueryRank),
		q:      b.linear("blk.{i}.attn_q_b", l, h.Heads*h.HeadDim, h.MLA.QueryRank),
		kv:     b.linear("blk.{i}.attn_kv", l, h.HeadDim, h.Embed),
		kvNorm: b.norm("blk.{i}.attn_kv_a_norm.weight", l, h.HeadDim),
		o:      b.linear("blk.{i}.attn_output_b", l, h.Embed, c.OutGroups*c.OutRank),
		name:   arch.Fill("blk.{i}.attn_output_a.weight", l, 0),
	}
	all := b.linear("blk.{i}.attn_output_a", l, c.OutGroups*c.OutRank, h.Heads*h.HeadDim/c.OutGroups)
	if b.err != nil {
		return nil
	}
	for g := range c.OutGroups {
		w := all.w.part(g*c.OutRank, c.OutRank)
		w.Weight = Weight{} // reported by the attention itself
		a.groups = append(a.groups, w)
	}
	if ratio != 0 {
		a.long = b.compressor("blk.{i}.attn_compressor", l, h.HeadDim, ratio == arch.Overlapping, rope)
	}
	if ratio == arch.Overlapping {
		a.index = &pooledIndex{
			indexer: indexer{
				heads: h.Index.Heads, dim: h.Index.Dim, top: h.Index.TopK, rope: rope,
				q:       b.linear("blk.{i}.indexer.attn_q_b", l, h.Index.Heads*h.Index.Dim, h.MLA.QueryRank),
				weights: b.linear("blk.{i}.indexer.proj", l, h.Index.Heads, h.Embed),
			},
			keys: b.compressor("blk.{i}.indexer_compressor", l, h.Index.Dim, true, rope),
		}
	}
	return a
}

// ropeOf returns the rotation of layers with compressed positions, which alone
// are made for long contexts, or that of the others.
func (b *builder) ropeOf(long bool) *rope {
	if kept, ok := b.ropes[long]; ok {
		return kept
	}
	h := b.h
	if long {
		h.Rope.Base = h.Compress.RopeBase
	} else {
		h.Rope.Scaling = ""
	}
	p, err := b.loader.rope(h)
	b.keep(err)
	if err != nil {
		return nil
	}
	// Long contexts do not sharpen the attention unless the model says so.
	frequencies, _ := p.frequencies(0)
	factor := 1.0
	if h.Rope.AttnFactor != 0 && long {
		factor = h.Rope.AttnFactor
	}
	p.frequencies = fixed(frequencies, factor)
	b.ropes[long] = p
	return p
}
