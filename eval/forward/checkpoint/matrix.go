package checkpoint

import (
	"context"
	"slices"

	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/eval/forward/compute"
	"github.com/f190792d/mq/eval/kernel"
	"github.com/f190792d/mq/formats/dtype"
)

// Matrix implements the graph's Weights.
func (c *Loader) Matrix(ctx context.Context, name string, layer, rows, cols int) (*compute.Matrix, error) {
	t, view, ok := c.find(name, layer, 0)
	if !ok {
		return nil, nil
	}
	m, err := c.viewed(ctx, t, view, layer, rows, cols)
	if err != nil {
		return nil, err
	}
	m.Name = arch.Fill(name, layer, 0)
	c.multiply(m, view, layer)
	return m, nil
}

// multiply scales rows as a view says.
func (c *Loader) multiply(m *compute.Matrix, view arch.View, layer int) {
	if view.Times == nil {
		return
	}
	before := m.Scale
	m.Scale = func(dst []float32, line, from int) {
		if before != nil {
			before(dst, line, from)
		}
		by := float32(view.Times(c.h, layer, line))
		for i := range dst {
			dst[i] *= by
		}
	}
}

// viewed describes the rows of a tensor that a view selects.
func (c *Loader) viewed(ctx context.Context, t tensor, view arch.View, layer, rows, cols int) (*compute.Matrix, error) {
	if view.Rows == nil {
		return c.whole(ctx, t, view, rows, cols)
	}
	all, err := c.whole(ctx, t, view, compute.AnyRows, cols)
	if err != nil {
		return nil, err
	}
	return c.selected(t, all, view.Rows(c.h, layer), rows)
}

// selected describes the rows of a matrix that some sets select.
func (c *Loader) selected(t tensor, all *compute.Matrix, sets []arch.RowSet, rows int) (*compute.Matrix, error) {
	var parts []*compute.Matrix
	sum := 0
	for _, s := range sets {
		if s.Period < 1 || all.Rows%s.Period != 0 || s.First < 0 || s.Count < 1 || s.First+s.Count > s.Period {
			return nil, c.at(t).Corrupt("%d rows are not a multiple of %d", all.Rows, s.Period)
		}
		if all.Turned && s.Period != all.Rows && all.Block > 1 {
			return nil, c.at(t).Unsupported("rows that are chosen periodically from a matrix stored by columns in blocks")
		}
		parts = append(parts, all.Select(s.Period, s.First, s.Count))
		sum += parts[len(parts)-1].Rows
	}
	if sum != rows {
		return nil, c.at(t).Corrupt("%d of its %d rows are used, which should be %d", sum, all.Rows, rows)
	}
	return compute.Join(parts...), nil
}

// whole describes a tensor that is one matrix.
func (c *Loader) whole(ctx context.Context, t tensor, view arch.View, rows, cols int) (*compute.Matrix, error) {
	if exponents, ok := c.exponents(t); ok {
		return c.fourBits(t, exponents, rows, cols)
	}
	if view.Turned {
		if err := c.check(t, cols, rows); err != nil {
			return nil, err
		}
		return c.turned(t, 0, int(t.Shape[1]), cols), nil
	}
	if err := c.check(t, rows, cols); err != nil {
		return nil, err
	}
	m := c.stored(t, 0, int(t.Shape[0]), cols)
	return m, c.scaled(ctx, m, t)
}

// check compares a tensor's shape, where [compute.AnyRows] takes any number.
func (c *Loader) check(t tensor, shape ...int) error {
	fits := len(t.Shape) == len(shape)
	for i := range min(len(t.Shape), len(shape)) {
		fits = fits && (shape[i] == compute.AnyRows && t.Shape[i] > 0 || t.Shape[i] == int64(shape[i]))
	}
	if !fits {
		return c.at(t).Corrupt("shape %v should be %v", t.Shape, shape)
	}
	if !t.DType.Float() {
		return c.at(t).Unsupported("weights of type %s", t.DType)
	}
	return nil
}

// stored describes a matrix whose lines start skip lines into a tensor.
func (c *Loader) stored(t tensor, skip, rows, cols int) *compute.Matrix {
	m := &compute.Matrix{Rows: rows, Cols: cols, Line: cols, Encoding: compute.Encoding{Block: 1, Bytes: t.DType.Bits() / 8,
		Decode: kernel.Decoder(t.DType.String(), func(dst []float32, src []byte) {
			// The length fits by construction and the type was checked.
			_ = dtype.ToFloat32(dst, src, t.DType)
		})}}
	size := int64(m.LineBytes())
	m.Lies = t.Lies(int64(skip)*size, int64(rows)*size)
	m.Fetch = func(ctx context.Context, buf []byte, first, lines int) ([]byte, error) {
		buf = buf[:int64(lines)*size]
		_, err := t.ReadAt(ctx, buf, int64(skip+first)*size)
		return buf, err
	}
	return m
}

// turned describes a matrix whose columns start skip lines into a tensor.
func (c *Loader) turned(t tensor, skip, rows, cols int) *compute.Matrix {
	m := c.stored(t, skip, cols, rows)
	m.Rows, m.Cols, m.Turned = rows, cols, true
	return m
}

// Experts implements the graph's Weights: one tensor for each expert, all in
// one of three dimensions, or all heads in one matrix.
func (c *Loader) Experts(ctx context.Context, name string, layer, experts, rows, cols int) ([]*compute.Matrix, error) {
	t, view, ok := c.find(name, layer, 0)
	var list []*compute.Matrix
	var err error
	switch {
	case !ok:
		return nil, nil
	case len(t.Shape) == 3:
		list, err = c.fused(t, view, layer, experts, rows, cols)
	case !perExpert(view):
		list, err = c.heads(ctx, t, view, layer, experts, rows, cols)
	default:
		list, err = c.separate(ctx, name, layer, experts, rows, cols)
	}
	for e, m := range list {
		m.Weight = compute.Weight{Name: arch.Fill(name, layer, 0), Expert: e, Experts: experts}
	}
	return list, err
}

// perExpert reports whether each expert has a tensor of its own.
func perExpert(view arch.View) bool {
	t := arch.Tensor{Source: view.Source, Target: view.Matrix}
	return t.PerExpert() || t.Gathers()
}

// separate finds one tensor for each expert, none where one is missing.
func (c *Loader) separate(ctx context.Context, name string, layer, experts, rows, cols int) ([]*compute.Matrix, error) {
	var list []*compute.Matrix // grows with what is there, not with what is claimed
	for e := range experts {
		t, view, ok := c.find(name, layer, e)
		if !ok {
			return nil, nil
		}
		m, err := c.viewed(ctx, t, view, layer, rows, cols)
		if err != nil {
			return nil, err
		}
		list = append(list, m)
	}
	return list, nil
}

// heads cuts one matrix into those of each head.
func (c *Loader) heads(ctx context.Context, t tensor, view arch.View, layer, heads, rows, cols int) ([]*compute.Matrix, error) {
	all, err := c.viewed(ctx, t, view, layer, heads*rows, cols)
	if err != nil {
		return nil, err
	}
	var list []*compute.Matrix
	for h := range heads {
		m := all.Part(h*rows, rows)
		m.Hidden = false
		list = append(list, m)
	}
	return list, nil
}

// rowsOf returns how many rows a tensor has of which sets select some number.
func rowsOf(sets []arch.RowSet, selected int) int {
	perPeriod := 0
	for _, s := range sets {
		perPeriod += s.Count
	}
	return selected / max(perPeriod, 1) * sets[0].Period
}

// fused describes the matrices of all experts within one tensor.
func (c *Loader) fused(t tensor, view arch.View, layer, experts, rows, cols int) ([]*compute.Matrix, error) {
	var sets []arch.RowSet
	all := rows
	if view.Rows != nil {
		if sets = view.Rows(c.h, layer); len(sets) > 0 {
			all = rowsOf(sets, rows)
		}
	}
	want := []int64{int64(experts), int64(all), int64(cols)}
	if view.Turned {
		want[1], want[2] = want[2], want[1]
	}
	if !slices.Equal(t.Shape, want) || !t.DType.Float() {
		return nil, c.at(t).Corrupt("shape %v should be %v", t.Shape, want)
	}
	if t.DType.Bits() == 8 {
		return nil, c.at(t).Unsupported("experts fused in FP8")
	}
	var list []*compute.Matrix
	for e := range experts {
		m := c.stored(t, e*all, all, cols)
		if view.Turned {
			m = c.turned(t, e*cols, all, cols)
		}
		if sets != nil {
			var err error
			if m, err = c.selected(t, m, sets, rows); err != nil {
				return nil, err
			}
		}
		list = append(list, m)
	}
	return list, nil
}
