package rounding

import (
	"context"
	"sync"

	"github.com/f190792d/mq/refine/linear"
)

const (
	// span is how many columns are rounded before those after them learn of
	// the errors.
	span = 256
	// spare is what panels may write after the columns of a span.
	spare = 32
)

// Feedback chooses all codes anew, starting from the scales that are there:
// column after column, the error of each made up for by those after it as the
// factor of A says. Scales and minima are searched on the way.
func (c *Codes) Feedback(ctx context.Context, workers int, target []float32, f *linear.Factor) error {
	return c.feedback(ctx, workers, target, f, c.trials())
}

func (c *Codes) feedback(ctx context.Context, workers int, target []float32, f *linear.Factor, all []trial) error {
	n := c.Columns
	x := append([]float32(nil), target...)
	if c.whole() {
		err := linear.EachRows(ctx, workers, c.Rows, func(first, count int) error {
			for r := first; r < first+count; r++ {
				c.start(r, target[r*n:(r+1)*n], f.D)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	rest := linear.Panels{Workers: workers}
	for s := 0; s < n; s += span {
		e := min(s+span, n)
		var subs []*search
		var behind []linear.Panels
		for at := s; at < e; at += c.grid.Sub {
			size := c.grid.Sub
			one := &search{Codes: c, trials: all, at: at, size: size, weight: f.D[at : at+size], pull: make([]float32, size*size)}
			for j := range size {
				for i := range j {
					one.pull[j*size+i] = f.R.At(at+i, at+j)
				}
			}
			if c.grid.Book != nil {
				one.unitsOf()
			}
			var p linear.Panels
			if at+size < e {
				f.R.LoadUpper(&p, at, size, at+size, e-at-size)
			}
			subs, behind = append(subs, one), append(behind, p)
		}
		if e < n {
			f.R.LoadUpper(&rest, s, e-s, e, n-e)
		}
		err := linear.EachRows(ctx, workers, c.Rows, func(first, count int) error {
			d := desks.Get().(*desk)
			defer desks.Put(d)
			for r := range count {
				copy(d.x[r*(span+spare):][:e-s], x[(first+r)*n+s:])
			}
			for i, sub := range subs {
				at := sub.at - s
				for r := range count {
					sub.round(&d.bench, first+r, d.x[r*(span+spare)+at:][:sub.size], target[(first+r)*n+sub.at:][:sub.size], d.errs[r*span+at:][:sub.size])
				}
				if next := at + sub.size; next < e-s {
					behind[i].AddTo(d.x[next:], span+spare, d.errs[at:], span, count)
				}
			}
			if e < n {
				rest.AddTo(x[first*n+e:], n, d.errs[:], span, count)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// desk is the memory that a block of rows needs.
type desk struct {
	x    [linear.RowBlock * (span + spare)]float32
	errs [linear.RowBlock * span]float32

	bench bench
	// Of descents: the directions of d and dmin, and those times A.
	x1, y1, curveX, curveY [linear.RowBlock * span]float32
}

var desks = sync.Pool{New: func() any { return new(desk) }}
