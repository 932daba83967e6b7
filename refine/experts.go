package refine

import (
	"context"
	"maps"
	"slices"

	"github.com/f190792d/mq/eval/forward"
	"github.com/f190792d/mq/refine/linear"
)

// expertBytes is about what the sums of the experts that are collected at once
// take.
const expertBytes = 512 << 20

// expertMemory is what the sums of one expert take.
func expertMemory(rows, columns int) int64 {
	r, c := int64(rows), int64(columns)
	return linear.SymmetricBytes(columns) + 4*max(c*c, 2*r*c)
}

// atOnceOf is how many of some matrices are collected at once.
func atOnceOf(rows, columns, matrices int) int {
	return max(1, min(matrices, int(expertBytes/expertMemory(rows, columns))))
}

// A pool is what all experts of a stage multiply. An expert that saw little of
// the text is taken to multiply some of that, too.
type pool struct {
	sum  *linear.Square
	mean *linear.Symmetric
}

// add takes the rows of all experts.
func (p *pool) add(ctx context.Context, workers int, inputs map[int]forward.Input) error {
	for _, e := range slices.Sorted(maps.Keys(inputs)) {
		in := inputs[e]
		if p.sum == nil {
			p.sum = linear.NewSquare(in.Cols)
		}
		if err := p.sum.Add(ctx, workers, in.X, len(in.X)/in.Cols); err != nil {
			return err
		}
	}
	return nil
}

// shrink mixes the second moments of an expert that saw some rows with those of
// all, and returns the share of its own.
func (p *pool) shrink(own *linear.Symmetric, rows int) float32 {
	if p == nil || p.sum == nil {
		return 1
	}
	if p.mean == nil {
		p.mean = p.sum.Mean()
	}
	share := float32(rows) / float32(own.N+rows)
	own.Scale(share)
	own.AddScaled(p.mean, 1-share)
	return share
}
