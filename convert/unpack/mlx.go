package unpack

import (
	"context"

	"github.com/f190792d/mq/formats/dtype"
)

// mlxCodecs read what mlx.core.quantize writes, in each of its modes.
var mlxCodecs = []codec{{
	methods: []string{"mlx"}, main: ".weight", types: []dtype.DType{dtype.U32}, with: []string{".scales"}, plain: ".weight", open: openMLX,
	parts: []string{".scales", ".biases"},
}}

func openMLX(m *module) (Tensor, error) {
	config := m.method.Config
	if own, ok := config.Sub(m.prefix); ok {
		config = own
	}
	mode, err := config.StringOr("mode", "affine")
	if err != nil {
		return Tensor{}, err
	}
	usual := mlxModes[mode]
	bits, err := config.IntOr("bits", usual[0])
	if err != nil {
		return Tensor{}, err
	}
	size, err := config.IntOr("group_size", usual[1])
	if err != nil {
		return Tensor{}, err
	}
	types := []dtype.DType{dtype.U8}
	if mode == "affine" {
		types = floats
	}
	scales, err := m.part(".scales", types...)
	if err != nil {
		return Tensor{}, err
	}
	d := len(m.main.Shape) - 1
	if bits < 1 || bits > 8 || size < 1 || size%8 != 0 || d < 1 || len(scales.Shape) != d+1 {
		return Tensor{}, m.corrupt("shape %v with scales %v is not that of %d-bit codes in groups of %d", m.main.Shape, scales.Shape, bits, size)
	}
	shape := append([]int64(nil), m.main.Shape...)
	shape[d] = scales.Shape[d] * size
	if m.main.Shape[d]*32 != shape[d]*bits {
		return Tensor{}, m.corrupt("rows of %d words hold other than the %d codes of %d bits that %d scales for groups of %d imply", m.main.Shape[d], shape[d], bits, scales.Shape[d], size)
	}
	if err := m.shaped(scales, append(append([]int64(nil), shape[:d]...), scales.Shape[d])...); err != nil {
		return Tensor{}, err
	}
	switch mode {
	case "affine":
		return m.mlxAffine(shape, bits, size)
	case "mxfp4", "nvfp4":
		return m.fourBits(fourBits{codes: m.main, scales: scales, shape: shape, group: size, exponents: mode == "mxfp4"})
	case "mxfp8":
		return m.mxfp8(rowsAs(m.main, dtype.F8E4M3, shape[d]), scales, shape, size)
	}
	return Tensor{}, m.unsupported("MLX mode %q", mode)
}

// mlxModes are the bits and the group sizes that modes have where nothing is
// said.
var mlxModes = map[string][2]int64{"affine": {4, 64}, "mxfp4": {4, 32}, "nvfp4": {4, 16}, "mxfp8": {8, 32}}

// mlxAffine reads codes with a scale and an offset for each group.
func (m *module) mlxAffine(shape []int64, bits, size int64) (Tensor, error) {
	scales, err := m.part(".scales", floats...)
	if err != nil {
		return Tensor{}, err
	}
	biases, err := m.part(".biases", floats...)
	if err != nil {
		return Tensor{}, err
	}
	if err := m.shaped(biases, scales.Shape...); err != nil {
		return Tensor{}, err
	}
	cols := shape[len(shape)-1]
	a := &affine{rows: elements(shape) / max(cols, 1), cols: cols, groups: cols / size, size: size, added: true, high: 1<<bits - 1, tiles: m.tiles}
	if a.rows == 0 || a.cols == 0 {
		return Tensor{}, m.corrupt("shape %v is empty", m.main.Shape)
	}
	words := stream(int(bits))
	a.codes = func(ctx context.Context, first, n int64, dst []byte) error {
		width := a.cols * bits / 32
		return withRaw(ctx, m.main, first*width, n*width, func(raw []byte) error {
			for r := range n {
				words.line(dst[r*a.cols:(r+1)*a.cols], raw[r*4*width:])
			}
			return nil
		})
	}
	a.params = func(ctx context.Context, first, n int64, scale, offset []float32) error {
		if err := floatsInto(ctx, scales, first*a.groups, scale); err != nil {
			return err
		}
		return floatsInto(ctx, biases, first*a.groups, offset)
	}
	return a.tensor(shape), nil
}
