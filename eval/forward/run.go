package forward

import (
	"context"
	"sync"
)

// span is the part of a batch that belongs to one sequence.
type span struct {
	first, tokens int     // rows of the batch
	past          int     // position of the first token
	state         []state // by layer; one for all layers where nothing is kept
}

// state is what a layer remembers of a sequence.
type state struct {
	k, v   []float32 // [positions, KV heads · dimensions]
	memory []float32 // of linear attention: [value heads, key dimensions, value dimensions]
	index  []float32 // keys of the indexer of sparse attention
	conv   []float32 // the last inputs of its convolution: [width-1, channels]

	long, short pool // of compressed attention and its indexer
}

// layer returns the state of a layer of a sequence.
func (s span) layer(l int) *state {
	if len(s.state) == 1 {
		return &s.state[0]
	}
	return &s.state[l]
}

// Observer sees the activations [n, cols] that are about to be multiplied with
// each of some matrices.
type Observer func(weights []Weight, x []float32, cols int)

// Observe sets the function that sees the activations of every product, nil
// for none. It must not change while the model runs; batches call it from one
// goroutine, in an order that depends on nothing but the batch.
func (m *Model) Observe(f Observer) { m.observe = f }

// run is one pass of a batch through the layers.
type run struct {
	ctx       context.Context
	workers   int
	scratch   []*scratch // by worker
	packed    []float32
	buffers   [][]float32
	spans     []span
	positions []int // of the batch's rows
	tokens    []int32
	longest   int // positions of the longest sequence, past ones included
	tables    map[*rope]*table
	observe   Observer
	rounded   bool
}

// The buffers of a run by their use. Those of a slot live until its next use.
const (
	bufStream = iota // the residual stream
	bufNormed
	bufMixed
	bufQuery
	bufKey
	bufValue
	bufHeads
	bufGate
	bufUp
	bufOut
	bufRouter
	bufGathered
	bufExpert
	bufShared
	bufExtra
	bufLogits
	bufStreams // parallel residual streams
	bufStreamsToo
	bufMixtures
	bufCount
)

// buffer returns n elements of a slot, with whatever they hold.
func (r *run) buffer(slot, n int) []float32 {
	r.buffers[slot] = grow(r.buffers[slot], n)
	return r.buffers[slot]
}

// arenas keeps the memory of runs between batches.
var arenas = sync.Pool{New: func() any { return &run{buffers: make([][]float32, bufCount)} }}

// begin prepares a run of spans that lie one after the other.
func (m *Model) begin(ctx context.Context, spans []span) *run {
	r := arenas.Get().(*run)
	r.ctx, r.workers, r.spans, r.observe, r.rounded = ctx, m.workers, spans, m.observe, m.rounded
	r.tables = map[*rope]*table{}
	for len(r.scratch) < r.workers {
		r.scratch = append(r.scratch, &scratch{})
	}
	for _, s := range r.scratch {
		s.alter = m.alter
	}
	r.positions, r.longest = r.positions[:0], 0
	for _, s := range spans {
		for i := range s.tokens {
			r.positions = append(r.positions, s.past+i)
		}
		r.longest = max(r.longest, s.past+s.tokens)
	}
	return r
}

// end gives the memory of a run back.
func (r *run) end() {
	r.ctx, r.spans, r.tokens, r.observe, r.tables = nil, nil, nil, nil, nil
	arenas.Put(r)
}
