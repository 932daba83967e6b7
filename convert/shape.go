package convert

import (
	"slices"

	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/convert/transform"
	"github.com/f190792d/mq/formats/dtype"
)

// TargetShape returns the shape that a template's target has in a layer of a
// file, the fastest dimension first. It reports false where the
// hyperparameters, which may come from any file, give none.
func TargetShape(t arch.Tensor, h arch.Hyper, layer int) ([]int64, bool) {
	for _, op := range t.Ops {
		switch op.Kind {
		case arch.DeltaQKV, arch.DeltaGate, arch.TileRows, arch.TileTail, arch.TileColumns:
			if h.Delta.KeyHeads <= 0 {
				return nil, false
			}
		case arch.LatentKey, arch.LatentValue:
			if h.Heads <= 0 {
				return nil, false
			}
		case arch.Slice, arch.Fold:
			if op.Count(h, layer) <= 0 {
				return nil, false
			}
		}
	}
	shape := make([]int64, len(t.Shape))
	for p, piece := range t.Pieces() {
		for i, length := range piece.Shape {
			n := int64(length(h, layer))
			if n <= 0 || n > 1<<31 {
				return nil, false
			}
			if p == 0 {
				shape[i] = n
			} else if i == 0 {
				shape[0] += n
			}
		}
	}
	rows := transform.Rows{DType: dtype.F32, Columns: 1, Count: 1}
	for i, n := range shape {
		if i == len(shape)-1 {
			rows.Columns = n
		} else if rows.Count *= n; rows.Count > 1<<40 {
			return nil, false
		}
	}
	_, shape = Apply(t.Ops, h, layer, rows, shape)
	if t.PerExpert() {
		shape = append([]int64{int64(h.MoE.Experts)}, shape...)
	} else if t.Gathers() {
		shape = append([]int64{int64(t.Times(h, layer))}, shape...)
	}
	slices.Reverse(shape)
	return shape, !slices.ContainsFunc(shape, func(n int64) bool { return n <= 0 })
}
