package graph

import (
	"context"

	"github.com/f190792d/mq/eval/forward/compute"
	"github.com/f190792d/mq/eval/forward/rotary"
	"github.com/f190792d/mq/eval/kernel"
)

// Observer sees the activations [n, cols] that are about to be multiplied with
// each of some matrices. Batches call it from one goroutine, in an order that
// depends on nothing but the batch.
type Observer func(weights []compute.Weight, x []float32, cols int)

// Input is what is about to be multiplied with each of some matrices: rows of
// Cols elements.
type Input struct {
	Weights []compute.Weight
	X       []float32
	Cols    int
	Rows    []int // of the batch, one for each row of X; nil: all of them

	// Stream is the residual stream that the product is added to as it is, after
	// Gain of it is multiplied: stream·Gain + product. Nil: something else
	// becomes of the product.
	Stream []float32
	Gain   float32
	Last   bool // stream + product is what the layer leaves in the stream
}

// Run says how a model runs. The zero value computes with all processors.
type Run struct {
	Workers int                // goroutines; fewer than 1: one for each processor. Results do not depend on it
	Observe Observer           // sees the activations of every product; nil: nobody
	Inspect func(Input) error  // sees more than an Observer, and ends the run with an error; nil: nobody
	Alter   compute.Alteration // changes decoded weights: what would the model say with others? nil: none

	// Rounded makes products round their activations as ggml's do on a
	// processor, to 8 bits for quantized weights and to the weights' own type
	// for 16-bit ones. The model then gives the numbers of llama.cpp instead
	// of its own. It has no effect on a checkpoint.
	Rounded bool

	// Paired lets a processor that is faster so compute products of pairs of
	// columns. Results are as close to those of exact arithmetic as others, but
	// not the same bits on every machine.
	Paired bool

	// Passed is called when a batch has passed a layer, with the number of
	// layers passed and of all; nil: nobody.
	Passed func(done, total int)
}

// passed tells of a layer that a batch has passed.
func (r *run) passed(layer, total int) {
	r.layer = layer + 1
	r.ahead(r.layer)
	if r.how.Passed != nil {
		r.how.Passed(layer+1, total)
	}
}

// run is one pass of a batch through the layers.
type run struct {
	ctx     context.Context
	device  compute.Device
	workers int
	how     Run
	*memory

	spans     []span
	positions []int // of the batch's rows
	tokens    []int32
	layer     int // that is computed
	ahead     func(layer int, first ...*compute.Matrix)
	byLayer   []float32 // of each row the parts of all layers; nil: there are none
	longest   int       // positions of the longest sequence, past ones included
	tables    map[*rotary.Embedding]*rotary.Table

	gathered []int    // what rows of the batch are multiplied; nil: all
	sum      residual // what becomes of the part that is computed
}

// residual is the sum that the result y of a part goes into.
type residual struct {
	y, stream []float32
	gain      float32
	last      bool // the layer does nothing else after it
}

// memory is kept between runs.
type memory struct {
	buffers [bufCount][]float32
	rows    []int
	picked  [][]bool // by the last indexer
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
	bufOther // the result of a part that runs beside another
	bufFeed  // what the feed-forward part of a parallel layer gives
	bufOwn   // its own norm
	bufInner // the norm of a part that runs beside another
	bufSeen  // what a router sees, then what its experts see
	bufByLayer
	bufCount
)

// buffer returns n elements of a slot, with whatever they hold.
func (r *run) buffer(slot, n int) []float32 {
	r.buffers[slot] = compute.Grow(r.buffers[slot], n)
	return r.buffers[slot]
}

// place notes the positions of the batch's rows.
func (r *run) place(spans []span) {
	r.spans, r.positions, r.longest = spans, r.memory.rows[:0], 0
	for _, s := range spans {
		for i := range s.tokens {
			r.positions = append(r.positions, s.past+i)
		}
		r.longest = max(r.longest, s.past+s.tokens)
	}
	r.memory.rows = r.positions
}

// perRow runs f over the rows of a batch in parallel.
func (r *run) perRow(n int, f func(i int)) error {
	const some = 32
	return compute.Parallel(r.ctx, r.workers, (n+some-1)/some, func(_, block int) error {
		for i := block * some; i < min(n, (block+1)*some); i++ {
			f(i)
		}
		return nil
	})
}

// normalize applies n to each row of width elements; a nil norm copies.
func (r *run) normalize(n *norm, dst, src []float32, width int) error {
	return r.perRow(len(src)/width, func(i int) {
		if n == nil {
			copy(dst[i*width:(i+1)*width], src[i*width:(i+1)*width])
			return
		}
		n.apply(dst[i*width:(i+1)*width], src[i*width:(i+1)*width])
	})
}

// add adds y to x.
func (r *run) add(x, y []float32, width int) error {
	return r.perRow(len(x)/width, func(i int) {
		a, b := x[i*width:(i+1)*width], y[i*width:(i+1)*width]
		for j, v := range b {
			a[j] += v
		}
	})
}

// multiply computes several products of the same activations of n rows.
func (r *run) multiply(x []float32, n int, products ...compute.Product) error {
	if n == 0 || len(products) == 0 {
		return nil
	}
	if r.watched() {
		if err := r.show(x, n, products); err != nil {
			return err
		}
	}
	return r.device.Multiply(r.ctx, compute.Batch{X: x, Rows: n, Alter: r.how.Alter, Rounded: r.how.Rounded, Paired: r.how.Paired && kernel.PairsFaster()}, products...)
}

// watched reports whether somebody wants to see products.
func (r *run) watched() bool { return r.how.Observe != nil || r.how.Inspect != nil }

// show tells observers what is multiplied.
func (r *run) show(x []float32, n int, products []compute.Product) error {
	var weights []compute.Weight
	for _, p := range products {
		if !p.W.Hidden {
			weights = append(weights, p.W.Weight)
		}
		weights = append(weights, p.W.Also...)
	}
	cols := products[0].W.Cols
	if len(weights) == 0 {
		return nil
	}
	in := Input{Weights: weights, X: x[:n*cols], Cols: cols, Rows: r.gathered}
	if len(products) == 1 {
		r.sum.of(&in, products[0])
	}
	return r.tell(in)
}

// of notes the sum in the input of a product that is what is added.
func (s residual) of(in *Input, p compute.Product) {
	if len(p.Y) > 0 && len(s.y) > 0 && &p.Y[0] == &s.y[0] {
		in.Stream, in.Gain, in.Last = s.stream, s.gain, s.last && p.Bias == nil
	}
}

// tell hands an input to observers.
func (r *run) tell(in Input) error {
	if r.how.Observe != nil {
		r.how.Observe(in.Weights, in.X, in.Cols)
	}
	if r.how.Inspect != nil {
		return r.how.Inspect(in)
	}
	return nil
}

// attend runs the attention of a layer over the keys and values of its state.
func (r *run) attend(a *compute.Attention, layer int, q compute.Queries) error {
	sequences := make([]compute.Sequence, len(r.spans))
	for i, s := range r.spans {
		st := s.kept(layer)
		sequences[i] = compute.Sequence{First: s.first, Rows: s.tokens, Past: s.past, K: st.k, V: st.v, Compressed: st.long.keys}
	}
	return r.device.Attend(r.ctx, a, q, sequences)
}

// append puts the keys and values of a batch into the state of each sequence.
func (r *run) append(layer int, k, v []float32) {
	n := len(r.positions)
	for _, s := range r.spans {
		st := s.kept(layer)
		st.k = appendRows(st.k, k, s, len(k)/n)
		st.v = appendRows(st.v, v, s, len(v)/n)
	}
}

// table returns the rotations of the batch, computed once for all layers.
func (r *run) table(e *rotary.Embedding) *rotary.Table {
	t, ok := r.tables[e]
	if !ok {
		t = e.Table(r.positions, r.longest)
		r.tables[e] = t
	}
	return t
}

// rotate turns the first dimensions of heads of width elements in all rows.
func (r *run) rotate(e *rotary.Embedding, x []float32, width int) error {
	t, cols := r.table(e), len(x)/len(r.positions)
	return r.perRow(len(r.positions), func(i int) {
		cos, sin := t.Row(i)
		e.Rotate(x[i*cols:(i+1)*cols], width, cos, sin)
	})
}

// rotateTails turns the last dimensions of heads of width elements by a table.
func (r *run) rotateTails(e *rotary.Embedding, t *rotary.Table, x []float32, width int) error {
	cols := len(x) / len(r.positions)
	return r.perRow(len(r.positions), func(i int) {
		cos, sin := t.Row(i)
		for head := i * cols; head < (i+1)*cols; head += width {
			e.Rotate(x[head+width-e.Dim:head+width], e.Dim, cos, sin)
		}
	})
}
