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
	most := max(logitBytes/4/o.vocab, 1)
	for len(rows) > 0 {
		some := rows[:min(most, len(rows))]
		rows = rows[len(some):]
		normed, err := o.normed(r, x, width, some)
		if err != nil {
			return err
		}
		logits := r.buffer(bufLogits, len(some)*o.vocab)
		if err := r.multiply(normed, len(some), o.to(logits)); err != nil {
			return err
		}
		if err := o.bend(r, logits, len(some)); err != nil {
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
	}
	return nil
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

// bend scales and caps logits.
func (o *output) bend(r *run, logits []float32, n int) error {
	if o.scale == 1 && o.softcap == 0 {
		return nil
	}
	return r.perRow(n, func(i int) {
		row := logits[i*o.vocab : (i+1)*o.vocab]
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
