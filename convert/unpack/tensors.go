package unpack

import (
	"context"

	"github.com/f190792d/mq/convert/transform"
	"github.com/f190792d/mq/formats/dtype"
)

// tensorCodecs read what two libraries of tensor types store of their plain
// ones: quanto, and torchao in its flat form of safetensors.
var tensorCodecs = []codec{
	{methods: []string{"quanto"}, main: ".weight._data", types: []dtype.DType{dtype.I8}, plain: ".weight", open: openTensor, parts: []string{".weight._scale"}},
	{methods: []string{"quanto"}, main: ".weight._data", types: float8, plain: ".weight", open: openTensor, parts: []string{".weight._scale"}},
	{methods: []string{"quanto"}, main: ".weight._data._data", plain: ".weight", open: openGrouped, parts: []string{".weight._scale", ".weight._shift"}},
	{methods: []string{"torchao"}, main: "._weight_qdata", types: []dtype.DType{dtype.I8}, plain: ".weight", open: openTensor, parts: []string{"._weight_scale", "._weight_zero_point"}},
	{methods: []string{"torchao"}, main: "._weight_qdata", types: float8, plain: ".weight", open: openTensor, parts: []string{"._weight_scale"}},
	{methods: []string{"torchao"}, main: "._weight_qdata", plain: ".weight", open: openGrouped, parts: []string{"._weight_scale", "._weight_zero_point"}},
}

// openTensor reads numbers of 8 bits with a scale for each row or group of it.
func openTensor(m *module) (Tensor, error) {
	scales, err := m.part(m.codec.parts[0], floats...)
	if err != nil {
		return Tensor{}, err
	}
	if m.main.DType != dtype.I8 {
		return m.scaled(RowsOf(m.main), scales, m.main.Shape)
	}
	shape, count := m.main.Shape, elements(scales.Shape)
	if len(shape) != 2 || elements(shape) == 0 || count == 0 || count%shape[0] != 0 || shape[1]%(count/shape[0]) != 0 {
		return Tensor{}, m.corrupt("shape %v with scales of shape %v is not that of a matrix in groups", shape, scales.Shape)
	}
	a := &affine{rows: shape[0], cols: shape[1], groups: count / shape[0], high: 255, tiles: m.tiles}
	a.size = a.cols / a.groups
	a.codes = signed(RowsOf(m.main))
	zeros, asymmetric := m.has("._weight_zero_point")
	if asymmetric {
		if err := m.typed(zeros, dtype.I8); err != nil {
			return Tensor{}, err
		}
		if elements(zeros.Shape) != count {
			return Tensor{}, m.corrupt("%q has shape %v for %d scales", zeros.Name, zeros.Shape, count)
		}
	}
	a.params = func(ctx context.Context, first, n int64, scale, offset []float32) error {
		if err := floatsInto(ctx, scales, first*a.groups, scale); err != nil {
			return err
		}
		for i := range offset {
			offset[i] = signBit
		}
		if !asymmetric {
			return nil
		}
		raw, err := readRaw(ctx, zeros, first*a.groups, n*a.groups)
		for i, b := range raw {
			offset[i] += float32(int8(b))
		}
		return err
	}
	return a.tensor(shape), nil
}

// signBit is what signed codes of 8 bits are moved by, so that none is negative.
const signBit = 1 << 7

// signed reads signed codes of 8 bits.
func signed(rows transform.Rows) func(ctx context.Context, first, n int64, dst []byte) error {
	return func(ctx context.Context, first, _ int64, dst []byte) error {
		err := rows.Read(ctx, dst, first*rows.Columns)
		for i := range dst {
			dst[i] ^= signBit
		}
		return err
	}
}

// openGrouped refuses codes of fewer bits: quanto does not store the shape of
// the matrix, and torchao packs for its kernels.
func openGrouped(m *module) (Tensor, error) {
	return Tensor{}, m.unsupported("codes of fewer than 8 bits of %s; save it with GPTQModel or compressed-tensors", m.method.Name())
}
