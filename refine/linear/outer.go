package linear

import (
	"context"

	"github.com/f190792d/mq/eval/forward/compute"
)

// TokenBlock is how many rows a sum of outer products takes in one step.
const TokenBlock = 256

// sums is what sums of outer products have in common: rows come in steps.
type sums struct {
	count  int
	turned []float32
	panels Panels
}

// Count returns the number of rows that were added.
func (s *sums) Count() int { return s.count }

// mean is what a sum is multiplied with to be a mean.
func (s *sums) mean() float32 { return 1 / float32(max(s.count, 1)) }

// add takes n rows of x, [n, rows], and of y, [n, columns], in steps of
// [TokenBlock]. to returns where the columns of the sum's row first and those
// behind it go, from which column on, and how far rows are apart.
func (s *sums) add(ctx context.Context, workers int, x, y []float32, n, rows, columns int, to func(first int) (sum []float32, column, stride int)) error {
	for at := 0; at < n; at += TokenBlock {
		some := min(TokenBlock, n-at)
		s.turned = compute.Grow(s.turned, rows*some)
		s.panels.Workers = workers
		s.panels.Load(y[at*columns:], columns, some, columns)
		err := eachBlock(ctx, workers, rows, tallBlock, func(first, count int) error {
			turned := s.turned[first*some : (first+count)*some]
			for t := range some {
				for i, v := range x[(at+t)*rows+first:][:count] {
					turned[i*some+t] = v
				}
			}
			sum, column, stride := to(first)
			s.panels.addFrom(column, sum, stride, turned, some, count)
			return nil
		})
		if err != nil {
			return err
		}
	}
	s.count += n
	return nil
}

// Outer sums products xᵀ·y of rows that come in steps.
type Outer struct {
	sums
	rows, columns int
	sum           []float32
}

// NewOuter starts a sum of [rows, columns].
func NewOuter(rows, columns int) *Outer {
	return &Outer{rows: rows, columns: columns, sum: make([]float32, rows*columns)}
}

// Add adds the outer products of n rows of x, [n, rows], and of y, [n,
// columns].
func (o *Outer) Add(ctx context.Context, workers int, x, y []float32, n int) error {
	return o.add(ctx, workers, x, y, n, o.rows, o.columns, func(first int) ([]float32, int, int) {
		return o.sum[first*o.columns:], 0, o.columns
	})
}

// Mean returns the sum divided by the number of rows. The sum itself is gone
// afterwards.
func (o *Outer) Mean() []float32 {
	by := o.mean()
	for i := range o.sum {
		o.sum[i] *= by
	}
	return o.sum
}

// Square is an [Outer] of rows with themselves.
type Square struct {
	sums
	sum *Symmetric
}

// NewSquare starts a symmetric sum.
func NewSquare(columns int) *Square { return &Square{sum: NewSymmetric(columns)} }

// Add adds the outer products of n rows of x with themselves.
func (s *Square) Add(ctx context.Context, workers int, x []float32, n int) error {
	return s.add(ctx, workers, x, x, n, s.sum.N, s.sum.N, func(first int) ([]float32, int, int) {
		data, stride := s.sum.rows(first)
		return data[first-from(first):], first, stride
	})
}

// Mean returns the sum divided by the number of rows. The sum itself is gone
// afterwards.
func (s *Square) Mean() *Symmetric {
	s.sum.Scale(s.mean())
	s.sum.mirror()
	return s.sum
}
