package forward

import (
	"math"

	"github.com/f190792d/mq/eval/kernel"
)

// The blocking of attention. Keys come in tiles at fixed positions, so that a
// query sums in the same order in every batch.
const (
	keyTile   = 128
	queryTile = 96 // rows of scores: queries times the heads of a group
)

// attention is the memory that one worker needs for a tile of queries.
type attention struct {
	query  []float32 // [rows, dim], scaled
	scores []float32 // [rows, keyTile]
	sum    []float32 // [rows, value dim rounded up to panels]
	panel  []float32 // keys or values, packed
	peak   []float32 // by row: largest score so far
	total  []float64 // by row: sum of exponentials relative to peak
}

// heads describes the shape of an attention product.
type heads struct {
	query, kv   int // number of heads
	dim, value  int // dimensions of a key and of a value
	scale       float32
	softcap     float32                    // scores become softcap·tanh(score/softcap); 0: they stay
	first       func(position int) int     // first key that a query may see; nil: all before it
	temperature func(position int) float32 // further factor of the scores; nil: 1
	seen        [][]bool                   // by query of a tile: which keys it sees; nil: all
	sinks       []float32                  // by query head: the score of a key without a value; nil: none
	beside      [][]bool                   // by query: which of the compressed keys it sees too; nil: there are none
}

// attend computes softmax(q·kᵀ·scale)·v for each query over the keys up to its
// own position, tile by tile with a running maximum (Dao et al. 2022,
// arXiv:2205.14135). q is [tokens, heads·dim], out [tokens, heads·value]. seen,
// where it is not nil, says by row of the batch which keys a query sees; a nil
// row sees all.
func (r *run) attend(h heads, layer int, q, out []float32, seen [][]bool) error {
	group := h.query / h.kv
	queries := max(1, queryTile/group)
	type item struct {
		span
		head, first, n int
	}
	var items []item
	for _, s := range r.spans {
		for first := 0; first < s.tokens; first += queries {
			for head := range h.kv {
				items = append(items, item{s, head, first, min(queries, s.tokens-first)})
			}
		}
	}
	return parallel(r.ctx, r.workers, len(items), func(worker, i int) error {
		h := h
		// The last queries see the most keys: start with them.
		it := items[len(items)-1-i]
		s := r.scratch[worker]
		row := it.span.first + it.first
		if seen != nil {
			h.seen = seen[row : row+it.n]
		}
		if h.beside != nil {
			h.beside = h.beside[row : row+it.n]
		}
		s.tile(h, it.layer(layer), it.head, it.past+it.first, it.n,
			q[row*h.query*h.dim:], out[row*h.query*h.value:])
		return nil
	})
}

// tile computes n queries, the first at position, of the heads of one group.
func (a *attention) tile(h heads, s *state, head, position, n int, q, out []float32) {
	group := h.query / h.kv
	rows, width := n*group, kernel.Width()
	stride := (h.value + width - 1) / width * width
	a.query = grow(a.query, rows*h.dim)
	a.scores = grow(a.scores, rows*keyTile)
	a.sum = grow(a.sum, rows*stride)
	a.panel = grow(a.panel, max(h.dim, keyTile)*width)
	a.peak, a.total = grow(a.peak, rows), grow(a.total, rows)
	clear(a.sum)
	lowest := position
	for i := range rows {
		p := position + i/group
		scale := h.scale
		if h.temperature != nil {
			scale *= h.temperature(p)
		}
		from := q[(i/group*h.query+head*group+i%group)*h.dim:][:h.dim]
		for j, v := range from {
			a.query[i*h.dim+j] = v * scale
		}
		a.peak[i], a.total[i] = float32(math.Inf(-1)), 0
		if h.sinks != nil {
			a.peak[i], a.total[i] = h.sinks[head*group+i%group], 1
		}
		lowest = min(lowest, h.firstKey(p))
	}
	end := position + n
	for first := lowest / keyTile * keyTile; first < end; first += keyTile {
		keys := min(keyTile, end-first)
		a.score(h, s.k, head, first, keys, rows)
		for i := range rows {
			a.soften(h, i, first, keys, position+i/group, stride, h.mask(i/group))
		}
		a.weigh(h, s.v, head, first, keys, rows, stride)
	}
	if h.beside != nil {
		a.tileBeside(h, s.long.keys, rows, stride)
	}
	for i := range rows {
		to := out[(i/group*h.query+head*group+i%group)*h.value:][:h.value]
		scale := float32(1 / a.total[i])
		for j := range to {
			to[j] = a.sum[i*stride+j] * scale
		}
	}
}

// tileBeside goes on with compressed keys, which are their own values.
func (a *attention) tileBeside(h heads, all []float32, rows, stride int) {
	group, end := h.query/h.kv, len(all)/h.dim
	sees := h
	sees.first = nil
	for first := 0; first < end; first += keyTile {
		keys := min(keyTile, end-first)
		a.score(h, all, 0, first, keys, rows)
		for i := range rows {
			seen := h.beside[i/group]
			a.soften(sees, i, first, keys, len(seen)-1, stride, seen)
		}
		a.weigh(h, all, 0, first, keys, rows, stride)
	}
}

// firstKey returns the first key that the query at a position may see.
func (h heads) firstKey(position int) int {
	if h.first == nil {
		return 0
	}
	return h.first(position)
}

// mask returns the keys that a query of a tile sees, nil for all.
func (h heads) mask(query int) []bool {
	if h.seen == nil {
		return nil
	}
	return h.seen[query]
}

// score fills the scores of a tile of keys.
func (a *attention) score(h heads, k []float32, head, first, keys, rows int) {
	width, line := kernel.Width(), h.kv*h.dim
	for n := 0; n < keys; n += width {
		kernel.Pack(a.panel, k[(first+n)*line+head*h.dim:], line, min(width, keys-n), h.dim)
		kernel.Gemm(rows, h.dim, a.query, h.dim, a.panel, a.scores[n:], keyTile, false)
	}
}

// soften turns the scores of one row into exponentials relative to the row's
// peak, and rescales what was summed under a lower peak.
func (a *attention) soften(h heads, i, first, keys, position, stride int, seen []bool) {
	scores := a.scores[i*keyTile:][:keys]
	low := min(max(h.firstKey(position)-first, 0), keys)
	high := min(max(position+1-first, 0), keys)
	if low >= high {
		clear(scores)
		return
	}
	clear(scores[:low])
	clear(scores[high:])
	scores = scores[low:high]
	if h.softcap > 0 {
		for j, v := range scores {
			scores[j] = h.softcap * float32(math.Tanh(float64(v/h.softcap)))
		}
	}
	if seen != nil {
		for j := range scores {
			if !seen[first+low+j] {
				scores[j] = float32(math.Inf(-1))
			}
		}
	}
	peak := kernel.Max(scores)
	if math.IsInf(float64(peak), -1) {
		clear(scores)
		return
	}
	if peak > a.peak[i] {
		if a.total[i] > 0 {
			shrink := math.Exp(float64(a.peak[i] - peak))
			a.total[i] *= shrink
			sum := a.sum[i*stride:][:stride]
			for j := range sum {
				sum[j] *= float32(shrink)
			}
		}
		a.peak[i] = peak
	}
	a.total[i] += kernel.Exp(scores, scores, a.peak[i])
}

// weigh adds the values of a tile of keys, each times its exponential.
func (a *attention) weigh(h heads, v []float32, head, first, keys, rows, stride int) {
	width, line := kernel.Width(), h.kv*h.value
	for n := 0; n < h.value; n += width {
		some := min(width, h.value-n)
		for k := range keys {
			row := a.panel[k*width:][:width]
			clear(row[copy(row, v[(first+k)*line+head*h.value+n:][:some]):])
		}
		kernel.Gemm(rows, keys, a.scores, keyTile, a.panel, a.sum[n:], stride, true)
	}
}
