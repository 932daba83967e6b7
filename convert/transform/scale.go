package transform

import (
	"context"

	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/formats/fault"
)

// Scale multiplies the weights of a quantized checkpoint with their scales in
// float32. The weights are matrices of rows rows each; every block of down ×
// across weights of a matrix has one scale, and blocks at the edges may be
// cropped. A tensor with a single scale is one block.
func Scale(weights, scales Rows, rows, down, across int64) Rows {
	out := Rows{DType: dtype.F32, Columns: weights.Columns, Count: weights.Count}
	if rows <= 0 || down <= 0 || across <= 0 || weights.Count%rows != 0 {
		return fail(out, fault.Op("transform").Invalid("blocks of %d×%d in matrices of %d of %d rows", down, across, rows, weights.Count))
	}
	lines := (rows + down - 1) / down                // lines of scales for a matrix
	width := (weights.Columns + across - 1) / across // scales in a line
	blocks := weights.Count / rows * lines * width   // scales altogether
	if scales.Elements() != blocks {
		return fail(out, fault.Op("transform").Invalid("%d scales for %d blocks", scales.Elements(), blocks))
	}
	const four = 4 // bytes of a float32
	out.Read = func(ctx context.Context, p []byte, off int64) error {
		values := newValues(p)
		defer values.release()
		if err := values.load(ctx, weights, off/four); err != nil {
			return err
		}
		line := make([]float32, width)
		held := int64(-1)
		x, index := values.x, off/four
		for len(x) > 0 {
			row, column := index/weights.Columns, index%weights.Columns
			if want := row/rows*lines + row%rows/down; want != held {
				if err := load(ctx, line, scales, want*width); err != nil {
					return err
				}
				held = want
			}
			n := min(across-column%across, weights.Columns-column, int64(len(x))) // up to the block's edge
			scale := line[column/across]
			for i := range x[:n] {
				x[i] *= scale
			}
			x, index = x[n:], index+n
		}
		values.store(p)
		return nil
	}
	return out
}
