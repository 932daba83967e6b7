package linear

import (
	"context"

	"github.com/f190792d/mq/eval/forward/compute"
)

// TokenBlock is how many rows a sum of outer products takes in one step.
const TokenBlock = 256

// Outer sums products xᵀ·y of rows that come in steps.
type Outer struct {
	rows, columns int
	symmetric     bool // x and y are the same: the lower half is summed
	sum           []float32
	count         int

	turned []float32
	panels Panels
}

// NewOuter starts a sum of [rows, columns].
func NewOuter(rows, columns int) *Outer {
	return &Outer{rows: rows, columns: columns, sum: make([]float32, rows*columns)}
}

// NewSquare starts a symmetric sum.
func NewSquare(columns int) *Outer {
	o := NewOuter(columns, columns)
	o.symmetric = true
	return o
}

// Add adds the outer products of n rows of x, [n, rows], and of y, [n,
// columns], in steps of [TokenBlock].
func (o *Outer) Add(ctx context.Context, workers int, x, y []float32, n int) error {
	for from := 0; from < n; from += TokenBlock {
		some := min(TokenBlock, n-from)
		if err := o.step(ctx, workers, x[from*o.rows:], y[from*o.columns:], some); err != nil {
			return err
		}
	}
	o.count += n
	return nil
}

func (o *Outer) step(ctx context.Context, workers int, x, y []float32, n int) error {
	o.turned = compute.Grow(o.turned, o.rows*n)
	o.panels.Load(y, o.columns, n, o.columns)
	return EachRows(ctx, workers, o.rows, func(first, count int) error {
		turned := o.turned[first*n : (first+count)*n]
		for t := range n {
			for i, v := range x[t*o.rows+first:][:count] {
				turned[i*n+t] = v
			}
		}
		end := o.panels.count()
		if o.symmetric {
			end = min(end, (first+count+o.panels.width-1)/o.panels.width)
		}
		o.panels.addSome(0, end, o.sum[first*o.columns:], o.columns, turned, n, count)
		return nil
	})
}

// Count returns the number of rows that were added.
func (o *Outer) Count() int { return o.count }

// Mean returns the sum divided by the number of rows, whole where it is
// symmetric. The sum itself is gone afterwards.
func (o *Outer) Mean() []float32 {
	by := 1 / float32(max(o.count, 1))
	for i := range o.sum {
		o.sum[i] *= by
	}
	if o.symmetric {
		for i := range o.rows {
			for j := range i {
				o.sum[j*o.columns+i] = o.sum[i*o.columns+j]
			}
		}
	}
	return o.sum
}
