package graph

import (
	"math"
	"strconv"

	"github.com/f190792d/mq/arch"
)

// output turns the residual stream into logits.
type output struct {
	norm    *norm // nil: none
	linear        // w nil: there are no logits
	vocab   int   // logits of a position
	scale   float32
	softcap float32
	pooling arch.Pooling

	projections []linear // of the pooled embedding
}

// logitBytes bounds the logits that are held at once.
const logitBytes = 256 << 20

// outputRow is a row of the residual stream whose logits are wanted.
type outputRow struct{ span, row, at int }

// logits computes the logits of rows, those of several spans together, and
// hands them out in pieces of one span.
func (o *output) logits(r *run, x []float32, width int, rows []outputRow, emit func(span, row int, logits []float32) error) error {
	return o.pieces(r, x, width, rows, o.vocab, func(some []outputRow, normed []float32) error {
		logits, err := o.tile(r, normed, len(some), o.linear)
		if err != nil {
			return err
		}
		for first, last := 0, 0; first < len(some); first = last {
			for last < len(some) && some[last].span == some[first].span {
				last++
			}
			if err := emit(some[first].span, some[first].row, logits[first*o.vocab:last*o.vocab]); err != nil {
				return err
			}
		}
		return nil
	})
}

// pieces calls f for rows and their part of the stream, normalized: so many at
// once as can have wide logits each.
func (o *output) pieces(r *run, x []float32, width int, rows []outputRow, wide int, f func(some []outputRow, normed []float32) error) error {
	most := max(logitBytes/4/wide, 1)
	for len(rows) > 0 {
		some := rows[:min(most, len(rows))]
		rows = rows[len(some):]
		normed, err := o.normed(r, x, width, some)
		if err != nil {
			return err
		}
		if err := f(some, normed); err != nil {
			return err
		}
	}
	return nil
}

// tile returns the logits that some of the head's rows give for n rows.
func (o *output) tile(r *run, normed []float32, n int, head linear) ([]float32, error) {
	logits := r.buffer(bufLogits, n*head.w.Rows)
	if err := r.multiply(normed, n, head.to(logits)); err != nil {
		return nil, err
	}
	return logits, o.bend(r, logits, n, head.w.Rows)
}

// normed returns rows of the stream, normalized.
func (o *output) normed(r *run, x []float32, width int, rows []outputRow) ([]float32, error) {
	normed := r.buffer(bufNormed, len(rows)*width)
	return normed, r.perRow(len(rows), func(i int) {
		to, from := normed[i*width:(i+1)*width], x[rows[i].at*width:][:width]
		if o.norm == nil {
			copy(to, from)
			return
		}
		o.norm.apply(to, from)
	})
}

// bend scales and caps logits of n rows, so many of each.
func (o *output) bend(r *run, logits []float32, n, each int) error {
	if o.scale == 1 && o.softcap == 0 {
		return nil
	}
	return r.perRow(n, func(i int) {
		row := logits[i*each : (i+1)*each]
		for j := range row {
			row[j] *= o.scale
			if o.softcap > 0 {
				row[j] = o.softcap * float32(math.Tanh(float64(row[j]/o.softcap)))
			}
		}
	})
}

const poolingFigure = "the pooling of embeddings"

func (o *output) parts(p *parts) {
	p.vector("output.bias", o.bias)
	p.norm("output_norm", o.norm)
	p.numbers("the scale and cap of the logits", float64(o.scale), float64(o.softcap))
	p.numbers(poolingFigure, float64(o.pooling))
	for i, l := range o.projections {
		p.linear("the projection "+strconv.Itoa(i)+" of embeddings", l)
	}
}
