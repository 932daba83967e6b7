package quantize

import (
	"context"

	"github.com/f190792d/mq/formats/imatrix"
)

// A worker holds what one goroutine keeps from row to row.
type worker struct {
	row     []float32
	back    []float32 // a row read back, to check it
	weights map[weightsKey][]float32
}

type weightsKey struct {
	entry  *imatrix.Entry
	matrix int
}

// cancelEvery is the number of values after which cancellation is looked for.
const cancelEvery = 1 << 14

// quantize fills the forms of a chunk. A form of the source's own type shares
// the data of the chunk.
func (w *worker) quantize(ctx context.Context, c *chunk, forms []form, buffer func(int64) *[]byte) error {
	from := c.task.source.Type
	source, _ := ByID(from)
	columns := c.task.source.Columns()
	converts := 0
	targets, sizes := make([]Type, len(forms)), make([]int64, len(forms))
	for i := range forms {
		f := &forms[i]
		if f.choice.rows != nil {
			f.data = buffer(c.rows * f.choice.Info.RowBytes())
			if err := f.choice.rows(ctx, *f.data, c.first); err != nil {
				return err
			}
			continue
		}
		if f.choice.Info.Type == from {
			f.data = c.data
			continue
		}
		targets[i], _ = ByID(f.choice.Info.Type)
		sizes[i] = f.choice.Info.RowBytes()
		f.data = buffer(c.rows * sizes[i])
		converts++
	}
	screen, isFloat := screens[from]
	if converts == 0 && !isFloat {
		return nil
	}
	if int64(cap(w.row)) < columns {
		w.row = make([]float32, columns)
	}
	x := w.row[:columns]

	since := int64(0)
	for i := range c.rows {
		if since += columns; since >= cancelEvery {
			since = 0
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
		}
		raw := (*c.data)[i*c.task.rowBytes:][:c.task.rowBytes]
		large := isFloat && screen.large(raw)
		if converts == 0 && !large {
			continue
		}
		source.Dequantize(x, raw)
		large = large || !isFloat && anyLarge(x)
		if large {
			if at := notFinite(x); at >= 0 {
				return c.errRow(c.first+i, at, "the value is %v", x[at])
			}
		}
		for n := range forms {
			f := &forms[n]
			if targets[n].Quantize == nil { // it has its bytes
				continue
			}
			dst := (*f.data)[i*sizes[n]:][:sizes[n]]
			targets[n].Quantize(dst, x, w.weightsOf(f.choice.weights, c.first+i))
			if large {
				if err := w.readBack(c, targets[n], dst, x, c.first+i); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// readBack checks a row with large values.
func (w *worker) readBack(c *chunk, t Type, row []byte, x []float32, number int64) error {
	if cap(w.back) < len(x) {
		w.back = make([]float32, len(x))
	}
	if at, err := t.holds(row, x, w.back[:len(x)]); err != nil {
		return c.errRow(number, at, "%w", err)
	}
	return nil
}

// weightsOf returns the importance of the columns of one row.
func (w *worker) weightsOf(from *weights, row int64) []float32 {
	if from == nil {
		return nil
	}
	key := weightsKey{from.entry, from.matrix(row)}
	held, ok := w.weights[key]
	if !ok {
		if w.weights == nil || len(w.weights) >= heldWeights {
			w.weights = map[weightsKey][]float32{}
		}
		held = from.of(key.matrix)
		w.weights[key] = held
	}
	return held
}

// heldWeights is the number of matrices whose weights a worker keeps: more
// than one where the outputs were given different ones.
const heldWeights = 8
