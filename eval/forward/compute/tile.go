package compute

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

// attentionTile is the memory that one worker needs for a tile of queries.
type attentionTile struct {
	query  []float32 // [rows, dim], scaled
	scores []float32 // [rows, keyTile]
	sum    []float32 // [rows, value dim rounded up to panels]
	panel  []float32 // keys or values, packed
	peak   []float32 // by row: largest score so far
	total  []float64 // by row: sum of exponentials relative to peak
}

// queryGroup is some queries of a sequence by the heads that share a key head.
type queryGroup struct {
	*Attention
	Sequence
	head, position, n int // head of the keys, position of the first query, queries
	length            int // positions of the sequence
	q, out            []float32
	seen, compressed  [][]bool // by query; nil: all, none
}

// compute attends with one group of queries.
func (t *attentionTile) compute(g *queryGroup) {
	group := g.Heads / g.KVHeads
	rows, width := g.n*group, kernel.Width()
	stride := (g.ValueDim + width - 1) / width * width
	t.query = Grow(t.query, rows*g.Dim)
	t.scores = Grow(t.scores, rows*keyTile)
	t.sum = Grow(t.sum, rows*stride)
	t.panel = Grow(t.panel, max(g.Dim, keyTile)*width)
	t.peak, t.total = Grow(t.peak, rows), Grow(t.total, rows)
	clear(t.sum)
	lowest, end := g.position, 0
	for i := range rows {
		p := g.position + i/group
		scale := g.Scale
		if g.Temperature != nil {
			scale *= g.Temperature(p)
		}
		from := g.q[(i/group*g.Heads+g.head*group+i%group)*g.Dim:][:g.Dim]
		for j, v := range from {
			t.query[i*g.Dim+j] = v * scale
		}
		t.peak[i], t.total[i] = float32(math.Inf(-1)), 0
		if g.Sinks != nil {
			t.peak[i], t.total[i] = g.Sinks[g.head*group+i%group], 1
		}
		first, last := g.Mask.Keys(p, g.length)
		lowest, end = min(lowest, first), max(end, last)
	}
	for first := lowest / keyTile * keyTile; first < end; first += keyTile {
		keys := min(keyTile, end-first)
		t.score(g, g.K, g.head, g.KVHeads, first, keys, rows)
		for i := range rows {
			low, high := g.Mask.Keys(g.position+i/group, g.length)
			t.softmax(g, i, first, keys, low, high, stride, maskOf(g.seen, i/group))
		}
		t.addValues(g, g.V, g.head, g.KVHeads, first, keys, rows, stride)
	}
	if g.compressed != nil {
		t.attendCompressed(g, rows, stride)
	}
	for i := range rows {
		to := g.out[(i/group*g.Heads+g.head*group+i%group)*g.ValueDim:][:g.ValueDim]
		scale := float32(1 / t.total[i])
		for j := range to {
			to[j] = t.sum[i*stride+j] * scale
		}
	}
}

// attendCompressed goes on with compressed keys, which are their own values.
func (t *attentionTile) attendCompressed(g *queryGroup, rows, stride int) {
	group, end := g.Heads/g.KVHeads, len(g.Compressed)/g.Dim
	for first := 0; first < end; first += keyTile {
		keys := min(keyTile, end-first)
		t.score(g, g.Compressed, 0, 1, first, keys, rows)
		for i := range rows {
			seen := g.compressed[i/group]
			t.softmax(g, i, first, keys, 0, len(seen), stride, seen)
		}
		t.addValues(g, g.Compressed, 0, 1, first, keys, rows, stride)
	}
}

// maskOf returns the keys that a query of a group sees, nil for all.
func maskOf(seen [][]bool, query int) []bool {
	if seen == nil {
		return nil
	}
	return seen[query]
}

// score fills the scores of a tile of keys.
func (t *attentionTile) score(g *queryGroup, k []float32, head, heads, first, keys, rows int) {
	width, line := kernel.Width(), heads*g.Dim
	for n := 0; n < keys; n += width {
		kernel.Pack(t.panel, k[(first+n)*line+head*g.Dim:], line, min(width, keys-n), g.Dim)
		kernel.Gemm(rows, g.Dim, t.query, g.Dim, t.panel, t.scores[n:], keyTile, false)
	}
}

// softmax turns the scores of one row into exponentials relative to the row's
// peak, and rescales what was summed under a lower peak. The row sees the keys
// from low on below high.
func (t *attentionTile) softmax(g *queryGroup, i, first, keys, low, high, stride int, seen []bool) {
	scores := t.scores[i*keyTile:][:keys]
	low, high = min(max(low-first, 0), keys), min(max(high-first, 0), keys)
	if low >= high {
		clear(scores)
		return
	}
	clear(scores[:low])
	clear(scores[high:])
	scores = scores[low:high]
	g.bend(scores, i, first+low)
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
	if peak > t.peak[i] {
		if t.total[i] > 0 {
			shrink := math.Exp(float64(t.peak[i] - peak))
			t.total[i] *= shrink
			sum := t.sum[i*stride:][:stride]
			for j := range sum {
				sum[j] *= float32(shrink)
			}
		}
		t.peak[i] = peak
	}
	t.total[i] += kernel.Exp(scores, scores, t.peak[i])
}

// bend applies the soft cap and the linear bias to scores of keys from first
// on.
func (g *queryGroup) bend(scores []float32, row, first int) {
	if g.Softcap > 0 {
		for j, v := range scores {
			scores[j] = g.Softcap * float32(math.Tanh(float64(v/g.Softcap)))
		}
	}
	if g.Slopes != nil {
		group := g.Heads / g.KVHeads
		slope, position := g.Slopes[g.head*group+row%group], g.position+row/group
		for j := range scores {
			distance := position - first - j
			scores[j] -= float32(slope * float32(max(distance, -distance)))
		}
	}
}

// addValues adds the values of a tile of keys, each times its exponential.
func (t *attentionTile) addValues(g *queryGroup, v []float32, head, heads, first, keys, rows, stride int) {
	width, line := kernel.Width(), heads*g.ValueDim
	for n := 0; n < g.ValueDim; n += width {
		some := min(width, g.ValueDim-n)
		for k := range keys {
			row := t.panel[k*width:][:width]
			clear(row[copy(row, v[(first+k)*line+head*g.ValueDim+n:][:some]):])
		}
		kernel.Gemm(rows, keys, t.scores, keyTile, t.panel, t.sum[n:], stride, true)
	}
}
