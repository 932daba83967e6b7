package graph

import (
	"slices"

	"github.com/f190792d/mq/eval/forward/compute"
)

// span is the part of a batch that belongs to one sequence.
type span struct {
	first, tokens int     // rows of the batch
	past          int     // position of the first token
	state         []state // by layer; one for all layers where nothing is kept
}

// state is what a layer keeps of a sequence.
type state struct {
	k, v   []float32 // [positions, KV heads · dimensions]
	memory []float32 // of linear attention: [heads, …]
	conv   []float32 // the last inputs of a convolution: [width-1, channels]
	index  []float32 // keys of the indexer of sparse attention

	long, short pool // of compressed attention and its indexer
}

// pool is what a compressor keeps of a sequence.
type pool struct {
	keys     []float32 // [windows, dim]
	kv, gate []float32 // of the positions from first on, which later windows need
	first    int
}

// kept returns the state of a layer of a sequence.
func (s span) kept(l int) *state {
	if len(s.state) == 1 {
		return &s.state[0]
	}
	return &s.state[l]
}

// clone copies a state, so that two sequences can go on from it.
func (s *state) clone() state {
	return state{slices.Clone(s.k), slices.Clone(s.v), slices.Clone(s.memory), slices.Clone(s.conv), slices.Clone(s.index), s.long.clone(), s.short.clone()}
}

func (p *pool) clone() pool {
	return pool{slices.Clone(p.keys), slices.Clone(p.kv), slices.Clone(p.gate), p.first}
}

// appendRows puts the rows of a span after those of the positions before it.
func appendRows(kept, batch []float32, s span, line int) []float32 {
	if s.past == 0 {
		kept = kept[:0]
	}
	return append(kept[:s.past*line], batch[s.first*line:(s.first+s.tokens)*line]...)
}

// blank returns n elements of a state's memory, zeros where a sequence begins.
func blank(kept []float32, s span, n int) []float32 {
	kept = compute.Grow(kept, n)
	if s.past == 0 {
		clear(kept)
	}
	return kept
}
