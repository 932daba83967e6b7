package unpack

import (
	"context"
	"slices"

	"github.com/f190792d/mq/convert/transform"
	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/formats/hf"
)

// float8 are the element types whose tensors have scales beside them.
var float8 = []dtype.DType{dtype.F8E4M3, dtype.F8E5M2}

// scaledCodecs read 8-bit floats with a scale for the tensor, for each row or
// for each block: DeepSeek's, compressed-tensors', ModelOpt's, fbgemm's and
// Mistral's.
var scaledCodecs = []codec{
	{main: "", types: float8, with: []string{"_scale_inv", "_scale"}, parts: []string{"_scale_inv", "_scale"}, open: openScaled},
	{main: ".weight", types: float8, with: []string{".qscale_weight", ".scale"}, parts: []string{".qscale_weight", ".scale"}, plain: ".weight", open: openScaled},
}

func openScaled(m *module) (Tensor, error) {
	scales, ok := m.has(m.codec.with[0])
	if !ok {
		scales, _ = m.has(m.codec.with[1])
	}
	w := m.main
	if len(w.Shape) == 0 || elements(w.Shape) == 0 || elements(scales.Shape) == 0 {
		return Tensor{}, m.corrupt("shape %v with scales %v is empty", w.Shape, scales.Shape)
	}
	if scales.DType == dtype.U8 {
		if err := m.stated(8, 32); err != nil {
			return Tensor{}, err
		}
		return m.mxfp8(RowsOf(w), scales, w.Shape, 32)
	}
	if err := m.stated(8, 0); err != nil {
		return Tensor{}, err
	}
	if err := m.typed(scales, append(slices.Clone(floats), dtype.F8E8M0)...); err != nil {
		return Tensor{}, err
	}
	return m.scaled(RowsOf(w), scales, w.Shape)
}

// scaled multiplies weights with their scales. Blocks have the size that
// quantization_config states, else 128 × 128.
func (m *module) scaled(w transform.Rows, scales hf.Tensor, shape []int64) (Tensor, error) {
	block, err := m.ckpt.Config().Ints("quantization_config.weight_block_size")
	if err != nil || len(block) != 2 || block[0] < 1 || block[1] < 1 {
		block = []int64{128, 128}
	}
	rows := int64(1) // of one matrix
	if n := len(shape); n >= 2 {
		rows = shape[n-2]
	}
	s, down, across := RowsOf(scales), block[0], block[1]
	blocks := func(down, across int64) int64 {
		return w.Count / rows * ((rows + down - 1) / down) * ((w.Columns + across - 1) / across)
	}
	last := len(scales.Shape) - 1
	count := s.Elements()
	switch {
	case count == 1:
		rows, down, across = w.Count, w.Count, w.Columns
	case count == w.Count/rows:
		down, across = rows, w.Columns
	case count == w.Count && (last < 1 || scales.Shape[last] == 1): // blocks can be as many as rows
		down, across = 1, w.Columns
	case count == blocks(down, across):
	case last >= 1 && count/scales.Shape[last] == w.Count && w.Columns%scales.Shape[last] == 0:
		down, across = 1, w.Columns/scales.Shape[last] // groups of a row
	default:
		return Tensor{}, m.corrupt("%d scales of shape %v for %d × %d weights in blocks of %d × %d, want %d", count, scales.Shape, w.Count, w.Columns, down, across, blocks(down, across))
	}
	return Tensor{Shape: shape, Rows: transform.Scale(w, s, rows, down, across)}, nil
}

// mxfp8 reads 8-bit floats with an exponent for each group of a row.
func (m *module) mxfp8(w transform.Rows, exponents hf.Tensor, shape []int64, size int64) (Tensor, error) {
	groups := int64(1)
	if n := len(exponents.Shape); n > 0 {
		groups = exponents.Shape[n-1]
	}
	if elements(exponents.Shape) != w.Count*groups || w.Columns != groups*size {
		return Tensor{}, m.corrupt("%q has shape %v, want one exponent for each %d of %d rows of %d", exponents.Name, exponents.Shape, size, w.Count, w.Columns)
	}
	return Tensor{Shape: shape, Rows: transform.Scale(w, rowsAs(exponents, dtype.F8E8M0, groups), w.Count, 1, w.Columns/groups)}, nil
}

// rowsAs reads the bytes of a tensor as rows of elements of another type.
func rowsAs(t hf.Tensor, as dtype.DType, columns int64) transform.Rows {
	size := int64(as.Bits()) / 8
	return transform.Rows{DType: as, Columns: columns, Count: t.Size / size / max(columns, 1), Read: func(ctx context.Context, p []byte, off int64) error {
		_, err := t.ReadAt(ctx, p, off)
		return err
	}}
}
