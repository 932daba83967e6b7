package graph

import (
	"slices"

	"github.com/f190792d/mq/eval/forward/rotary"
)

// indexer picks the keys that a query of sparse attention sees (DeepSeek-AI
// 2025, DeepSeek-V3.2): small heads score all earlier positions, and those
// with the highest weighted sum of positive scores stay.
type indexer struct {
	heads, dim, top int
	shared          bool // takes the choice of the last that made one

	q, k, weights linear // from compressed queries, the stream and the stream
	kNorm         *norm
	rope          *rotary.Embedding
}

// pick returns, by row of the batch, which keys a query sees; nil where it
// sees all.
func (x *indexer) pick(r *run, layer int, stream, compressed []float32) ([][]bool, error) {
	if x.shared {
		return r.picked, nil
	}
	n := len(r.positions)
	q := r.buffer(bufQuery, n*x.heads*x.dim)
	k := r.buffer(bufKey, n*x.dim)
	weights := r.buffer(bufValue, n*x.heads)
	if err := r.multiply(stream, n, x.k.to(k), x.weights.to(weights)); err != nil {
		return nil, err
	}
	if err := r.multiply(compressed, n, x.q.to(q)); err != nil {
		return nil, err
	}
	if err := r.normalize(x.kNorm, k, k, x.dim); err != nil {
		return nil, err
	}
	for _, part := range [][]float32{q, k} {
		if err := r.rotate(x.rope, part, x.dim); err != nil {
			return nil, err
		}
	}
	for _, s := range r.spans {
		st := s.kept(layer)
		st.index = appendRows(st.index, k, s, x.dim)
	}
	seen := make([][]bool, n)
	for _, s := range r.spans {
		keys := s.kept(layer).index
		err := r.perRow(s.tokens, func(t int) {
			i := s.first + t
			if r.positions[i] >= x.top {
				seen[i] = x.best(q[i*x.heads*x.dim:][:x.heads*x.dim], weights[i*x.heads:][:x.heads], keys[:(r.positions[i]+1)*x.dim])
			}
		})
		if err != nil {
			return nil, err
		}
	}
	r.picked = seen
	return seen, nil
}

// best marks the keys with the highest scores for one query.
func (x *indexer) best(q, weights, keys []float32) []bool {
	n := len(keys) / x.dim
	scores, order := make([]float64, n), make([]int, n)
	for t := range n {
		order[t] = t
		key := keys[t*x.dim : (t+1)*x.dim]
		for h, w := range weights {
			dot := float32(0)
			for j, v := range q[h*x.dim : (h+1)*x.dim] {
				dot += float32(v * key[j])
			}
			scores[t] += float64(float64(w) * float64(max(dot, 0)))
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case scores[a] > scores[b]:
			return -1
		case scores[a] < scores[b]:
			return 1
		}
		return 0
	})
	seen := make([]bool, n)
	for _, t := range order[:min(x.top, n)] {
		seen[t] = true
	}
	return seen
}

func (p *parts) indexer(x *indexer) {
	if x == nil || x.shared {
		return
	}
	p.linear("indexer.attn_q_b", x.q)
	p.linear("indexer.attn_k", x.k)
	p.linear("indexer.proj", x.weights)
	p.norm("indexer.k_norm", x.kNorm)
	p.numbers("the number of keys that the indexer picks", float64(x.top))
}
