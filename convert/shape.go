package convert

import (
	"slices"

	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/convert/transform"
	"github.com/f190792d/mq/formats/dtype"
)

// TargetShape returns the shape that a template's target has in a file, the
// fastest dimension first. It reports false where the hyperparameters, which
// may come from any file, give none.
func TargetShape(t arch.Tensor, h arch.Hyper) ([]int64, bool) {
	switch t.Op.Kind {
	case arch.DeltaQKV, arch.DeltaGate, arch.TileRows, arch.TileTail, arch.TileColumns:
		if h.Delta.KeyHeads <= 0 {
			return nil, false
		}
	case arch.LatentKey, arch.LatentValue:
		if h.Heads <= 0 {
			return nil, false
		}
	}
	shape := make([]int64, len(t.Shape))
	rows := transform.Rows{DType: dtype.F32, Columns: 1, Count: 1}
	for i, length := range t.Shape {
		shape[i] = int64(length(h))
		if shape[i] <= 0 || shape[i] > 1<<31 {
			return nil, false
		}
		if i == len(shape)-1 {
			rows.Columns = shape[i]
		} else if rows.Count *= shape[i]; rows.Count > 1<<40 {
			return nil, false
		}
	}
	_, shape = apply(t.Op, h, rows, shape)
	if t.PerExpert() {
		shape = append([]int64{int64(h.MoE.Experts)}, shape...)
	}
	slices.Reverse(shape)
	return shape, !slices.ContainsFunc(shape, func(n int64) bool { return n <= 0 })
}
