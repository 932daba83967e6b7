package convert

import (
	"context"
	"math"
	"slices"

	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/convert/transform"
)

// model is what transforms are told of the model.
type model struct {
	arch.Hyper
	layer int
}

// Apply runs transforms one after the other. shape is that of the source,
// outermost dimension first, and comes back as that of the result.
func Apply(ops []arch.Op, h arch.Hyper, layer int, r transform.Rows, shape []int64) (transform.Rows, []int64) {
	shape = slices.Clone(shape)
	for _, op := range ops {
		r, shape = kinds[op.Kind](op, model{h, layer}, r, shape)
	}
	return r, shape
}

// kinds implements the transforms of the architecture table. Shapes have been
// checked before; they may be changed in place.
var kinds = map[arch.OpKind]func(arch.Op, model, transform.Rows, []int64) (transform.Rows, []int64){
	arch.AddOne: func(_ arch.Op, _ model, r transform.Rows, shape []int64) (transform.Rows, []int64) {
		return transform.Map(r, func(x float32) float32 { return x + 1 }), shape
	},
	arch.NegExp: func(_ arch.Op, _ model, r transform.Rows, shape []int64) (transform.Rows, []int64) {
		return transform.Map(r, func(x float32) float32 { return -float32(math.Exp(float64(x))) }), shape
	},
	arch.Multiply: func(op arch.Op, h model, r transform.Rows, shape []int64) (transform.Rows, []int64) {
		from, count, by := int64(0), shape[0], float32(h.Multiplier(op.By))
		if op.Count != nil {
			from, count = int64(op.From(h.Hyper, h.layer)), int64(op.Count(h.Hyper, h.layer))
		}
		rows := transform.MapRows(asRows(r, shape), func(row int64, x float32) float32 {
			if row < from || row >= from+count {
				return x
			}
			return x * by
		})
		return transform.Reshape(rows, r.Columns), shape
	},
	arch.Part: func(op arch.Op, _ model, r transform.Rows, shape []int64) (transform.Rows, []int64) {
		d := len(shape) - 2
		part := shape[d] / int64(op.Of)
		r = transform.Part(r, shape[d], int64(op.Index)*part, part)
		shape[d] = part
		return r, shape
	},
	arch.Alternate: func(op arch.Op, _ model, r transform.Rows, shape []int64) (transform.Rows, []int64) {
		shape[len(shape)-2] /= int64(op.Of)
		return transform.Alternate(r, int64(op.Index), int64(op.Of)), shape
	},
	arch.AlternateColumns: func(op arch.Op, _ model, r transform.Rows, shape []int64) (transform.Rows, []int64) {
		shape[len(shape)-1] /= int64(op.Of)
		return transform.AlternateColumns(r, int64(op.Index), int64(op.Of)), shape
	},
	arch.Fold: func(op arch.Op, h model, r transform.Rows, shape []int64) (transform.Rows, []int64) {
		rows := int64(op.Count(h.Hyper, h.layer))
		columns := shape[0] / rows
		return transform.Reshape(r, columns), []int64{rows, columns}
	},
	arch.PadRows: func(op arch.Op, h model, r transform.Rows, shape []int64) (transform.Rows, []int64) {
		more := int64(op.Count(h.Hyper, h.layer)) - shape[0]
		if more <= 0 {
			return r, shape
		}
		shape[0] += more
		none := transform.Rows{DType: r.DType, Columns: r.Columns, Count: more, Read: func(_ context.Context, p []byte, _ int64) error { clear(p); return nil }}
		return transform.Join(r, none), shape
	},
	arch.Slice: func(op arch.Op, h model, r transform.Rows, shape []int64) (transform.Rows, []int64) {
		from, count := int64(op.From(h.Hyper, h.layer)), int64(op.Count(h.Hyper, h.layer))
		inner := int64(1)
		for _, n := range shape[1:] {
			inner *= n
		}
		r = asRows(r, shape)
		perRow := inner / r.Columns
		r = transform.Part(r, r.Count, from*perRow, count*perRow)
		if shape[0] = count; len(shape) == 1 {
			r = transform.Reshape(r, count)
		}
		return r, shape
	},
	arch.RopePermute: func(op arch.Op, h model, r transform.Rows, shape []int64) (transform.Rows, []int64) {
		permuted := transform.RopePermute(asRows(r, shape), int64(op.Heads.Number(h.Hyper, h.layer)))
		return transform.Reshape(permuted, r.Columns), shape
	},
	arch.Transpose: func(_ arch.Op, _ model, r transform.Rows, shape []int64) (transform.Rows, []int64) {
		d := len(shape)
		r = transform.Transpose(r, shape[d-2])
		shape[d-2], shape[d-1] = shape[d-1], shape[d-2]
		return r, shape
	},
	arch.LatentKey: func(_ arch.Op, h model, r transform.Rows, shape []int64) (transform.Rows, []int64) {
		nope, heads := int64(h.MLA.NopeDim), int64(h.Heads)
		r = transform.Part(r, shape[0]/heads, 0, nope)
		return transform.Transpose(r, nope), []int64{heads, shape[1], nope}
	},
	arch.LatentValue: func(_ arch.Op, h model, r transform.Rows, shape []int64) (transform.Rows, []int64) {
		nope, heads, value := int64(h.MLA.NopeDim), int64(h.Heads), int64(h.ValueDim)
		return transform.Part(r, shape[0]/heads, nope, value), []int64{heads, value, shape[1]}
	},
	arch.Integers: func(_ arch.Op, _ model, r transform.Rows, shape []int64) (transform.Rows, []int64) {
		return transform.Int32(r), shape
	},
	arch.Squeeze: func(_ arch.Op, _ model, r transform.Rows, shape []int64) (transform.Rows, []int64) {
		return r, squeeze(shape)
	},
	arch.DeltaQKV: func(_ arch.Op, h model, r transform.Rows, shape []int64) (transform.Rows, []int64) {
		r = transform.GroupedParts(r, int64(h.Delta.KeyHeads), deltaParts(h.Hyper), 0, 3)
		return r, []int64{r.Count, shape[1]}
	},
	arch.DeltaGate: func(_ arch.Op, h model, r transform.Rows, shape []int64) (transform.Rows, []int64) {
		r = transform.GroupedParts(r, int64(h.Delta.KeyHeads), deltaParts(h.Hyper), 3, 4)
		return r, []int64{r.Count, shape[1]}
	},
	arch.Ungroup: func(op arch.Op, h model, r transform.Rows, shape []int64) (transform.Rows, []int64) {
		group := []int64{int64(h.Heads / h.KVHeads * h.HeadDim), int64(h.HeadDim), int64(h.ValueDim)}
		r = transform.GroupedParts(asRows(r, shape), int64(h.KVHeads), group, op.Index, op.Of)
		if shape[0] = r.Count; len(shape) == 1 {
			r = transform.Reshape(r, shape[0])
		}
		return r, shape
	},
	arch.TileRows: func(_ arch.Op, h model, r transform.Rows, shape []int64) (transform.Rows, []int64) {
		tiled := transform.Tile(asRows(r, shape), 0, int64(h.Delta.KeyHeads), int64(h.Delta.ValueHeads))
		return transform.Reshape(tiled, r.Columns), shape
	},
	arch.TileTail: func(_ arch.Op, h model, r transform.Rows, shape []int64) (transform.Rows, []int64) {
		head := int64(2 * h.Delta.KeyHeads * h.Delta.KeyDim)
		return transform.Tile(r, head, int64(h.Delta.KeyHeads), int64(h.Delta.ValueHeads)), squeeze(shape)
	},
	arch.TileColumns: func(_ arch.Op, h model, r transform.Rows, shape []int64) (transform.Rows, []int64) {
		return transform.TileColumns(r, int64(h.Delta.KeyHeads), int64(h.Delta.ValueHeads)), shape
	},
}

// asRows sees each element of a vector as a row.
func asRows(r transform.Rows, shape []int64) transform.Rows {
	if len(shape) == 1 {
		return transform.Reshape(r, 1)
	}
	return r
}

// squeeze drops lengths of 1.
func squeeze(shape []int64) []int64 {
	return slices.DeleteFunc(shape, func(n int64) bool { return n == 1 })
}

// deltaParts are the rows of query, key, value and gate that belong to one key
// head of linear attention.
func deltaParts(h arch.Hyper) []int64 {
	d := h.Delta
	values := int64(d.ValueHeads / d.KeyHeads * d.ValueDim)
	return []int64{int64(d.KeyDim), int64(d.KeyDim), values, values}
}
