package checkpoint

import (
	"context"
	"slices"
	"strings"

	"github.com/f190792d/mq/eval/forward/compute"
)

// scaleNames are what publishers call the factor of an FP8 matrix.
var scaleNames = []string{".weight_scale_inv", ".weight_scale", ".qscale_weight", ".scale"}

// activationScales end the names of factors with which activations, keys and
// values are rounded to FP8. Here nothing is.
var activationScales = []string{".input_scale", "activation_scale", ".qscale_act", ".k_scale", ".v_scale"}

// scaled attaches the scales of a matrix in FP8: one factor for the tensor,
// one for each row, or one for each block, cropped at the edges.
func (c *Loader) scaled(ctx context.Context, m *compute.Matrix, t tensor) error {
	if t.DType.Bits() != 8 {
		return nil
	}
	base := strings.TrimSuffix(t.Name, ".weight")
	for _, name := range scaleNames {
		if s, ok := c.files.Lookup(base + name); ok {
			c.taken[s.Name] = true
			v, err := c.values(ctx, s)
			if err != nil {
				return err
			}
			return c.scaledBy(m, s, v)
		}
	}
	return nil
}

func (c *Loader) scaledBy(m *compute.Matrix, s tensor, v []float32) error {
	if len(v) == 1 {
		m.Scale = func(dst []float32, _, _ int) { multiply(dst, v[0]) }
		return nil
	}
	if len(v) == m.Rows && s.Shape[0] == int64(m.Rows) {
		m.Scale = func(dst []float32, line, _ int) { multiply(dst, v[line]) }
		return nil
	}
	high, wide := 128, 128
	if size, err := c.files.Config().Ints("quantization_config.weight_block_size"); err == nil && len(size) == 2 {
		high, wide = int(min(max(size[0], 1), 1<<20)), int(min(max(size[1], 1), 1<<20))
	}
	down, across := (m.Rows+high-1)/high, (m.Cols+wide-1)/wide
	if want := []int64{int64(down), int64(across)}; !slices.Equal(s.Shape, want) {
		return c.at(s).Corrupt("shape %v should be %v, one scale for each %d × %d block", s.Shape, want, high, wide)
	}
	m.Scale = func(dst []float32, line, from int) {
		scales := v[line/high*across:]
		for i := range dst {
			dst[i] *= scales[(from+i)/wide]
		}
	}
	return nil
}

// multiply scales a row.
func multiply(row []float32, factor float32) {
	for i := range row {
		row[i] *= factor
	}
}
