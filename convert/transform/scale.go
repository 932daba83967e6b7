package transform

import (
	"fmt"

	"github.com/f190792d/mq/formats/dtype"
)

// Scale multiplies the weights of a quantized checkpoint with their scales in
// float32. Each block of blockRows × blockColumns weights has one scale; the
// blocks at the edges may be cropped. A tensor with one scale has one block.
func Scale(weights, scales Rows, blockRows, blockColumns int64) Rows {
	down := (weights.Count + blockRows - 1) / blockRows
	across := (weights.Columns + blockColumns - 1) / blockColumns
	out := Rows{DType: dtype.F32, Columns: weights.Columns, Count: weights.Count}
	if scales.Elements() != down*across {
		return fail(out, fmt.Errorf("transform: %d scales for %d×%d blocks", scales.Elements(), down, across))
	}
	const four = 4 // bytes of a float32
	scales = Reshape(scales, across)
	out.Read = func(p []byte, off int64) error {
		values := newValues(p)
		defer values.release()
		if err := values.load(weights, off/four); err != nil {
			return err
		}
		line := make([]float32, across)
		held := int64(-1)
		for i := range values.x {
			index := off/four + int64(i)
			row, column := index/weights.Columns, index%weights.Columns
			if block := row / blockRows; block != held {
				if err := load(line, scales, block*across); err != nil {
					return err
				}
				held = block
			}
			values.x[i] *= line[column/blockColumns]
		}
		values.store(p)
		return nil
	}
	return out
}
