package refine

import (
	"context"
	"errors"
	"slices"

	"github.com/f190792d/mq/eval/forward"
	"github.com/f190792d/mq/refine/linear"
)

const (
	// heldMost is how many rows of the text that is held back are kept, and
	// heldBytes what those of either model take at most.
	heldMost  = 2048
	heldBytes = 128 << 20
)

// heldRows is how many rows of some columns are kept.
func heldRows(columns int) int { return min(heldMost, heldBytes/4/columns) }

// A unit is matrices that multiply the same rows: those of a stage, or of one
// of its experts.
type unit struct {
	workers int
	tensors []*Tensor
	expert  int
	columns int

	others *pool          // nil: there are none
	square *linear.Square // of what the file multiplies
	cross  *linear.Outer  // of what source and file multiply; nil: wanted is summed

	// Where the product goes into the residual stream: what it should be times
	// what the file multiplies.
	weights []float32
	wanted  *linear.Outer

	held struct {
		rows         int
		source, file []float32
		owed         []float32 // what the stream lacks; nil: nothing
	}
}

// collect runs the text through a step and sums what some experts of a stage
// multiply, from one on; a stage without experts has one. The source's way ends
// with the stage unless the step is to be passed with it.
func (w *walk) collect(ctx context.Context, s step, stage *stage, first, count int, passes bool) ([]*unit, error) {
	units := make([]*unit, count)
	for i := range units {
		u := &unit{workers: w.Workers, tensors: stage.tensors, expert: first + i, columns: stage.tensors[0].Columns, others: stage.pool}
		if err := u.begin(ctx, stage.streams); err != nil {
			return nil, err
		}
		units[i] = u
	}
	for i := range w.groups {
		g := &w.groups[i]
		source, out, err := w.inputs(ctx, false, s, stage, g, passes)
		if err != nil {
			return nil, err
		}
		file, _, err := w.inputs(ctx, true, s, stage, g, false)
		if err != nil {
			return nil, err
		}
		if stage.experts && first == 0 && !g.held {
			if err := stage.pool.add(ctx, w.Workers, file); err != nil {
				return nil, err
			}
		}
		if !stage.ends || !source[0].Last {
			out = nil
		}
		if y := file[0]; passes && stage.ends {
			if err := errors.Join(w.write(y.X, w.endAt(g, y.Cols)), w.write(y.Stream, w.endAt(g, 0))); err != nil {
				return nil, err
			}
		}
		for _, u := range units {
			x, y := common(source[u.expert], file[u.expert])
			if err := u.add(ctx, x, y, out, g.held); err != nil {
				return nil, err
			}
		}
	}
	return units, nil
}

// begin makes room for the sums.
func (u *unit) begin(ctx context.Context, streams bool) error {
	u.square = linear.NewSquare(u.columns)
	if !streams {
		u.cross = linear.NewOuter(u.columns, u.columns)
		return nil
	}
	t := u.tensors[0]
	u.weights = make([]float32, t.Rows*t.Columns)
	u.wanted = linear.NewOuter(t.Rows, t.Columns)
	return t.Weights(ctx, u.weights, u.expert*t.Rows)
}

// common leaves of two inputs the rows that both have. A source that does not
// show its input is taken to have the file's.
func common(source, file forward.Input) (x, y forward.Input) {
	if source.X == nil || source.Cols != file.Cols || (source.Rows == nil) != (file.Rows == nil) || source.Rows == nil && len(source.X) != len(file.X) {
		return file, file
	}
	if slices.Equal(source.Rows, file.Rows) {
		return source, file
	}
	n := file.Cols
	x, y = source, file
	x.X, x.Rows, y.X, y.Rows = nil, nil, nil, nil
	for i, j := 0, 0; i < len(source.Rows) && j < len(file.Rows); {
		switch a, b := source.Rows[i], file.Rows[j]; {
		case a < b:
			i++
		case a > b:
			j++
		default:
			x.X = append(x.X, source.X[i*n:(i+1)*n]...)
			y.X = append(y.X, file.X[j*n:(j+1)*n]...)
			i, j = i+1, j+1
		}
	}
	return x, y
}

// add takes rows into the sums, or among those that are held back. Where it is
// known, out is the source's stream with the product.
func (u *unit) add(ctx context.Context, source, file forward.Input, out []float32, held bool) error {
	n := len(file.X) / u.columns
	if held {
		n = min(n, heldRows(u.columns)-u.held.rows)
	}
	if n == 0 {
		return nil
	}
	x, y := source.X[:n*u.columns], file.X[:n*u.columns]
	owed := u.owed(source, file, n)
	if held {
		u.held.rows += n
		u.held.source = append(u.held.source, x...)
		u.held.file = append(u.held.file, y...)
		u.held.owed = append(u.held.owed, owed...)
		return nil
	}
	if err := u.square.Add(ctx, u.workers, y, n); err != nil {
		return err
	}
	if u.cross != nil {
		return u.cross.Add(ctx, u.workers, x, y, n)
	}
	if u.wanted == nil {
		return nil
	}
	rows := u.tensors[0].Rows
	product := make([]float32, n*rows)
	if out != nil {
		for i := range product {
			product[i] = out[i] - file.Stream[i]
		}
		return u.wanted.Add(ctx, u.workers, product, y, n)
	}
	if err := linear.MultiplyTransposed(ctx, u.workers, product, x, u.weights, n, u.columns, rows); err != nil {
		return err
	}
	for i, v := range owed {
		product[i] += v
	}
	return u.wanted.Add(ctx, u.workers, product, y, n)
}

// owed is what the residual stream of the file lacks, as the product would
// have to add it; nil where the product does not go there.
func (u *unit) owed(source, file forward.Input, n int) []float32 {
	if u.wanted == nil {
		return nil
	}
	owed := make([]float32, n*u.tensors[0].Rows)
	if source.Stream == nil || file.Stream == nil {
		return owed
	}
	for i := range owed {
		owed[i] = float32(source.Stream[i]-file.Stream[i]) * file.Gain
	}
	return owed
}

// Memory is about how many bytes the refinement of a tensor holds beside the
// residual streams: while the text passes, the sums, the weights, and what the
// layer computes; then second moments and their factor, and some rows of the
// weights in several forms. Whichever is more, and what is held back. A matrix
// outside of layers gives logits, which are computed of few tokens only.
func Memory(rows, columns, matrices int, inLayer bool) int64 {
	r, c := int64(rows), int64(columns)
	count := int64(atOnceOf(rows, columns, matrices))
	square, held := linear.SymmetricBytes(columns), 4*int64(heldRows(columns))*(2*c+min(r, c))
	computes := 4 * (together * 8 * max(r, c))
	if !inLayer {
		computes = 4 * (together*8*c + 3*disturbed*r)
	}
	passes := count*(square+held+4*max(c*c, 2*min(r*c, c*c))) + computes
	rounds := count*(square+held+4*min(c*c, r*c)) + square + 4*(7*min(r*c, atOnce))
	return max(passes, rounds)
}

// ScratchBytes is about how much of a disk the scratch file takes: for each
// token the residual streams of both models in front of a layer and after it,
// and what the last product of a layer has, some columns wide.
func ScratchBytes(width, columns, tokens int) int64 {
	return 4 * int64(tokens) * int64(5*width+columns)
}
