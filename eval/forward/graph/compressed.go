package graph

import (
	"github.com/f190792d/mq/eval/forward/compute"
	"github.com/f190792d/mq/eval/forward/rotary"
)

// compressed is the attention of DeepSeek V4 (DeepSeek-AI 2026): queries see a
// window of positions and, in most layers, older ones compressed. One vector
// is key and value of all heads; since it is rotated, so is the sum of values,
// which is turned back.
type compressed struct {
	compute.Attention
	qa, q, kv      linear
	qaNorm, kvNorm *norm
	unit           *norm // of each query head
	rope           *rotary.Embedding
	long           *compressor // nil: the window is all
	index          *pooledIndex

	// The output is compressed by groups of heads, then put together.
	groups []*compute.Matrix
	o      linear
}

func (a *compressed) mix(r *run, layer int, x, y []float32) error {
	n := len(r.positions)
	small, kv := r.buffer(bufOut, n*a.qa.w.Rows), r.buffer(bufKey, n*a.Dim)
	if err := r.multiply(x, n, a.qa.to(small), a.kv.to(kv)); err != nil {
		return err
	}
	if err := r.normalize(a.qaNorm, small, small, a.qa.w.Rows); err != nil {
		return err
	}
	q := r.buffer(bufQuery, n*a.Heads*a.Dim)
	if err := r.multiply(small, n, a.q.to(q)); err != nil {
		return err
	}
	if err := r.normalize(a.unit, q, q, a.Dim); err != nil {
		return err
	}
	if err := r.normalize(a.kvNorm, kv, kv, a.Dim); err != nil {
		return err
	}
	for _, part := range [][]float32{q, kv} {
		if err := r.rotateTails(a.rope, r.table(a.rope), part, a.Dim); err != nil {
			return err
		}
	}
	for _, s := range r.spans {
		st := s.kept(layer)
		st.k = appendRows(st.k, kv, s, a.Dim)
		st.v = st.k
	}
	var visible [][]bool
	if a.long != nil {
		if err := a.long.compress(r, x, func(s span) *pool { return &s.kept(layer).long }); err != nil {
			return err
		}
		var err error
		if visible, err = a.visible(r, layer, x, small); err != nil {
			return err
		}
	}
	mixed := r.buffer(bufHeads, n*a.Heads*a.Dim)
	if err := r.attend(&a.Attention, layer, compute.Queries{Q: q, Out: mixed, Compressed: visible}); err != nil {
		return err
	}
	if err := r.rotateTails(a.rope, r.table(a.rope).Inverse(), mixed, a.Dim); err != nil {
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
	rank, part := a.groups[0].Rows, a.groups[0].Cols
	if r.watched() {
		if err := r.tell(Input{Weights: []compute.Weight{a.groups[0].Weight}, X: mixed, Cols: part}); err != nil {
			return err
		}
	}
	small, one := r.buffer(bufGate, n*a.o.w.Cols), r.buffer(bufUp, n*rank)
	in := r.buffer(bufExpert, n*part)
	for g, w := range a.groups {
		err := r.perRow(n, func(i int) { copy(in[i*part:(i+1)*part], mixed[i*wide+g*part:]) })
		if err != nil {
			return err
		}
		if err := r.multiply(in, n, compute.Product{W: w, Y: one}); err != nil {
			return err
		}
		err = r.perRow(n, func(i int) { copy(small[i*a.o.w.Cols+g*rank:], one[i*rank:(i+1)*rank]) })
		if err != nil {
			return err
		}
	}
	return r.multiply(small, n, a.o.to(y))
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
	if err := x.keys.compress(r, stream, func(s span) *pool { return &s.kept(layer).short }); err != nil {
		return nil, err
	}
	q, weights := r.buffer(bufExtra, n*x.heads*x.dim), r.buffer(bufValue, n*x.heads)
	if err := r.multiply(small, n, x.q.to(q)); err != nil {
		return nil, err
	}
	if err := r.multiply(stream, n, x.weights.to(weights)); err != nil {
		return nil, err
	}
	if err := r.rotateTails(x.rope, r.table(x.rope), q, x.dim); err != nil {
		return nil, err
	}
	seen := make([][]bool, n)
	for _, s := range r.spans {
		keys := s.kept(layer).short.keys
		err := r.perRow(s.tokens, func(t int) {
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

func (a *compressed) parts(p *parts) {
	p.linear("attn_q_a", a.qa)
	p.norm("attn_q_a_norm", a.qaNorm)
	p.linear("attn_q_b", a.q)
	p.linear("attn_kv", a.kv)
	p.norm("attn_kv_a_norm", a.kvNorm)
	for _, w := range a.groups {
		p.matrix("attn_output_a", w)
	}
	p.linear("attn_output_b", a.o)
	p.compressor("attn_compressor", a.long)
	if x := a.index; x != nil {
		p.indexer(&x.indexer)
		p.compressor("indexer_compressor", x.keys)
	}
	p.attention(&a.Attention)
	p.rotation(a.rope)
}
