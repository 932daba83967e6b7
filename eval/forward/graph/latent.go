package graph

import (
	"github.com/f190792d/mq/eval/forward/compute"
	"github.com/f190792d/mq/eval/forward/rotary"
)

// latent is multi-head latent attention (DeepSeek-AI 2024, arXiv:2405.04434):
// keys and values of all heads come out of one compressed vector, beside
// which a few rotated dimensions are shared by all keys.
type latent struct {
	compute.Attention
	nope, rank int // dimensions of a head that are not rotated, and of the compressed vector

	q      linear // from the stream, or from its compression by qa
	qa     linear // w nil: queries are not compressed
	qaNorm *norm
	kva    linear // [rank + rotated dimensions, embed]
	kvNorm *norm
	kb, vb []*compute.Matrix // by head: [nope, rank] and [value dimensions, rank]
	joined bool              // they are parts of one matrix
	o      linear
	rope   *rotary.Embedding
	index  *indexer // nil: queries see all keys
}

func (a *latent) mix(r *run, layer int, x, y []float32) error {
	n := len(r.positions)
	q := r.buffer(bufQuery, n*a.Heads*a.Dim)
	compressed := r.buffer(bufGathered, n*(a.rank+a.rope.Dim))
	seen, err := a.queries(r, layer, x, q, compressed)
	if err != nil {
		return err
	}
	normed := r.buffer(bufExpert, n*a.rank)
	if err := a.rotateParts(r, q, compressed, normed); err != nil {
		return err
	}
	k, v := r.buffer(bufKey, n*a.KVHeads*a.Dim), r.buffer(bufValue, n*a.KVHeads*a.ValueDim)
	if err := a.expand(r, normed, compressed, q, k, v); err != nil {
		return err
	}
	r.append(layer, k, v)
	mixed := r.buffer(bufHeads, n*a.Heads*a.ValueDim)
	if err := r.attend(&a.Attention, layer, compute.Queries{Q: q, Out: mixed, Seen: seen}); err != nil {
		return err
	}
	return r.multiply(mixed, n, a.o.to(y))
}

// queries computes queries and compressed keys, and which keys are seen.
func (a *latent) queries(r *run, layer int, x, q, compressed []float32) (seen [][]bool, err error) {
	n := len(r.positions)
	if a.qa.w == nil {
		return nil, r.multiply(x, n, a.q.to(q), a.kva.to(compressed))
	}
	small := r.buffer(bufGate, n*a.qa.w.Rows)
	if err := r.multiply(x, n, a.qa.to(small), a.kva.to(compressed)); err != nil {
		return nil, err
	}
	if err := r.normalize(a.qaNorm, small, small, a.qa.w.Rows); err != nil {
		return nil, err
	}
	if a.index != nil {
		if seen, err = a.index.pick(r, layer, x, small); err != nil {
			return nil, err
		}
	}
	return seen, r.multiply(small, n, a.q.to(q))
}

// rotateParts rotates the last dimensions of each query head and the shared
// ones of the key, and normalizes the compressed vector.
func (a *latent) rotateParts(r *run, q, compressed, normed []float32) error {
	t, width := r.table(a.rope), a.rank+a.rope.Dim
	return r.perRow(len(r.positions), func(i int) {
		cos, sin := t.Row(i)
		for h := range a.Heads {
			head := q[(i*a.Heads+h)*a.Dim:][:a.Dim]
			a.rope.Rotate(head[a.nope:], a.rope.Dim, cos, sin)
		}
		row := compressed[i*width : (i+1)*width]
		a.rope.Rotate(row[a.rank:], a.rope.Dim, cos, sin)
		a.kvNorm.apply(normed[i*a.rank:(i+1)*a.rank], row[:a.rank])
	})
}

// expand restores keys and values of all heads: [n, heads·dim] and [n,
// heads·value].
func (a *latent) expand(r *run, normed, compressed, q, k, v []float32) error {
	n := len(r.positions)
	if err := a.report(r, q); err != nil {
		return err
	}
	keys, values := r.buffer(bufGate, n*a.KVHeads*a.nope), r.buffer(bufUp, n*a.KVHeads*a.ValueDim)
	var products []compute.Product
	for h := range a.KVHeads {
		products = append(products,
			compute.Product{W: a.kb[h], Y: keys[h*n*a.nope : (h+1)*n*a.nope]},
			compute.Product{W: a.vb[h], Y: values[h*n*a.ValueDim : (h+1)*n*a.ValueDim]})
	}
	if err := r.multiply(normed, n, products...); err != nil {
		return err
	}
	width := a.rank + a.rope.Dim
	return r.perRow(n, func(i int) {
		shared := compressed[i*width+a.rank : (i+1)*width]
		for h := range a.KVHeads {
			key, value := keys[(h*n+i)*a.nope:][:a.nope], values[(h*n+i)*a.ValueDim:][:a.ValueDim]
			to := k[(i*a.KVHeads+h)*a.Dim:][:a.Dim]
			copy(to[copy(to, key):], shared)
			copy(v[(i*a.KVHeads+h)*a.ValueDim:][:a.ValueDim], value)
		}
	})
}

// report shows an observer what llama.cpp multiplies the key matrices of a
// file with: the queries, head by head.
func (a *latent) report(r *run, q []float32) error {
	if !r.watched() || a.joined {
		return nil
	}
	n := len(r.positions)
	head := make([]float32, n*a.nope)
	for h := range a.KVHeads {
		for i := range n {
			copy(head[i*a.nope:(i+1)*a.nope], q[(i*a.Heads+h)*a.Dim:])
		}
		if err := r.tell(Input{Weights: []compute.Weight{a.kb[h].Weight}, X: head, Cols: a.nope}); err != nil {
			return err
		}
	}
	return nil
}

func (a *latent) parts(p *parts) {
	p.linear("attn_q", a.q)
	p.linear("attn_q_a", a.qa)
	p.weights("attn_q_a_norm", a.qaNorm)
	p.linear("attn_kv_a_mqa", a.kva)
	p.weights("attn_kv_a_norm", a.kvNorm)
	p.linear("attn_output", a.o)
	for h := range a.kb {
		p.matrix("attn_k_b", a.kb[h])
		p.matrix("attn_v_b", a.vb[h])
	}
	p.indexer(a.index)
	p.attention(&a.Attention) // its scale has the rotation's in it
	p.rotation(a.rope)
}
