package unpack

import (
	"context"
	"encoding/binary"
	"slices"

	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/formats/hf"
)

// compressedCodecs read what the library compressed-tensors writes beside
// scaled 8-bit floats: packed and plain whole numbers, and 4-bit floats.
var compressedCodecs = []codec{
	{methods: compressed, main: ".weight_packed", types: words32, plain: ".weight", open: openPackQuantized,
		parts: []string{".weight_scale", ".weight_zero_point", ".weight_shape", ".weight_g_idx"}},
	{methods: compressed, main: ".weight_packed", types: []dtype.DType{dtype.U8}, plain: ".weight", open: openCompressedFour,
		parts: []string{".weight_scale", ".weight_global_scale"}},
	{methods: compressed, main: ".weight", types: []dtype.DType{dtype.I8}, with: []string{".weight_scale"}, plain: ".weight", open: openWhole,
		parts: []string{".weight_scale", ".weight_zero_point", ".weight_g_idx"}},
}

var compressed = []string{"compressed-tensors", "modelopt", "auto-round"}

// openPackQuantized reads codes that are packed into words along the inputs.
func openPackQuantized(m *module) (Tensor, error) {
	shapes, err := m.part(".weight_shape", dtype.I64, dtype.I32)
	if err != nil {
		return Tensor{}, err
	}
	shape, err := m.integers(shapes, 4)
	if err != nil {
		return Tensor{}, err
	}
	d := len(shape) - 1
	if d < 1 || len(m.main.Shape) != d+1 || !slices.Equal(m.main.Shape[:d], shape[:d]) || elements(shape) <= 0 {
		return Tensor{}, m.corrupt("words of shape %v are not those of the matrix of shape %v that %q tells", m.main.Shape, shape, shapes.Name)
	}
	s, err := m.scheme()
	if err != nil {
		return Tensor{}, err
	}
	a := &affine{rows: elements(shape[:d]), cols: shape[d], high: 1<<s.bits - 1, tiles: m.tiles}
	words := stream(int(s.bits))
	if width := m.main.Shape[d]; width != words.words(a.cols) {
		per := 32 / s.bits // how the library packed before its version 0.13
		if width != (a.cols+per-1)/per {
			return Tensor{}, m.corrupt("rows of %d words cannot hold %d codes of %d bits", width, a.cols, s.bits)
		}
		words = padded(int(s.bits))
	}
	a.codes = func(ctx context.Context, first, n int64, dst []byte) error {
		width := m.main.Shape[d]
		return withRaw(ctx, m.main, first*width, n*width, func(raw []byte) error {
			for r := range n {
				words.line(dst[r*a.cols:(r+1)*a.cols], raw[r*4*width:(r+1)*4*width])
			}
			return nil
		})
	}
	return m.compressedGroups(a, s, shape, words)
}

// openWhole reads codes of 8 bits as they are.
func openWhole(m *module) (Tensor, error) {
	shape := m.main.Shape
	if len(shape) < 2 || elements(shape) == 0 {
		return Tensor{}, m.corrupt("shape %v is not that of a matrix", shape)
	}
	cols := shape[len(shape)-1]
	a := &affine{rows: elements(shape) / cols, cols: cols, high: 255, tiles: m.tiles}
	a.codes = signed(RowsOf(m.main))
	return m.wholeGroups(a, shape)
}

// wholeGroups completes a matrix of such codes.
func (m *module) wholeGroups(a *affine, shape []int64) (Tensor, error) {
	s := scheme{bits: 8}
	if m.method.Config.Has("config_groups") {
		var err error
		if s, err = m.scheme(); err != nil {
			return Tensor{}, err
		}
	}
	return m.compressedGroups(a, s, shape, nil)
}

// compressedGroups completes a matrix by its scales, zero points and groups.
// Codes that are packed into words are moved by half their range.
func (m *module) compressedGroups(a *affine, s scheme, shape []int64, words *layout) (Tensor, error) {
	scales, err := m.part(".weight_scale", floats...)
	if err != nil {
		return Tensor{}, err
	}
	count := elements(scales.Shape)
	perRow := count%a.rows == 0 && count > 0
	if a.groups = 1; perRow {
		a.groups = count / a.rows
	}
	if !perRow && count != 1 || a.groups > a.cols {
		return Tensor{}, m.corrupt("%q has shape %v, want scales for the tensor, or for groups of each of %d rows", scales.Name, scales.Shape, a.rows)
	}
	a.size = (a.cols + a.groups - 1) / a.groups
	if s.size > 0 && a.groups > 1 {
		if a.size = s.size; a.groups != (a.cols+a.size-1)/a.size {
			return Tensor{}, m.corrupt("%d groups of scales for %d columns in groups of %d, want %d", a.groups, a.cols, a.size, (a.cols+a.size-1)/a.size)
		}
	} else if a.cols%a.groups != 0 {
		return Tensor{}, m.corrupt("%d scales for rows of %d weights", a.groups, a.cols)
	}
	if err := m.actOrder(a, s); err != nil {
		return Tensor{}, err
	}
	zeroAt, err := m.zeroPoints(a, s, shape, words)
	if err != nil {
		return Tensor{}, err
	}
	a.params = func(ctx context.Context, first, n int64, scale, offset []float32) error {
		from, some := first*a.groups, n*a.groups
		if !perRow {
			from, some = 0, 1
		}
		v, err := readFloats(ctx, scales, from, some)
		if err != nil {
			return err
		}
		for i := range scale {
			scale[i] = v[i%len(v)]
		}
		return zeroAt(ctx, first, n, offset)
	}
	return a.tensor(shape), nil
}

// actOrder reads the group of every column where they do not follow each other.
func (m *module) actOrder(a *affine, s scheme) error {
	if _, ok := m.has(".weight_g_idx"); !ok && (!s.ordered || a.groups == 1) {
		return nil
	}
	index, err := m.part(".weight_g_idx", dtype.I32, dtype.I64)
	if err != nil {
		return err
	}
	groups, err := m.integers(index, a.cols)
	if err != nil {
		return err
	}
	if int64(len(groups)) != a.cols {
		return m.corrupt("%q has %d elements for %d columns", index.Name, len(groups), a.cols)
	}
	a.index = make([]int32, a.cols)
	for i, g := range groups {
		if g < 0 || g >= a.groups {
			return m.corrupt("%q puts column %d into group %d of %d", index.Name, i, g, a.groups)
		}
		a.index[i] = int32(g)
	}
	return nil
}

// zeroPoints returns what fills the zero points of rows: as numbers of 8 bits,
// or packed along the rows of each matrix. Codes in words count from half their
// range, as signed ones do once their sign is turned.
func (m *module) zeroPoints(a *affine, s scheme, shape []int64, words *layout) (func(context.Context, int64, int64, []float32) error, error) {
	bits := s.bits
	if words == nil {
		bits = 8 // whatever their range is
	}
	middle := float32(int(1) << (bits - 1))
	t, ok := m.has(".weight_zero_point")
	if !ok {
		if s.zeros {
			_, err := m.part(".weight_zero_point")
			return nil, err
		}
		return func(_ context.Context, _, _ int64, dst []float32) error {
			for i := range dst {
				dst[i] = middle
			}
			return nil
		}, nil
	}
	if t.DType == dtype.I8 {
		count := elements(t.Shape)
		if count != a.rows*a.groups && count != 1 {
			return nil, m.corrupt("%q has shape %v for %d rows in %d groups", t.Name, t.Shape, a.rows, a.groups)
		}
		return func(ctx context.Context, first, n int64, dst []float32) error {
			from, some := first*a.groups, n*a.groups
			if count == 1 {
				from, some = 0, 1
			}
			raw, err := readRaw(ctx, t, from, some)
			if err != nil {
				return err
			}
			for _, b := range raw {
				if z := int64(int8(b)); z < -1<<(s.bits-1) || z >= 1<<(s.bits-1) {
					return m.corrupt("%q has a zero point of %d, which codes of %d bits have not", t.Name, z, s.bits)
				}
			}
			for i := range dst {
				dst[i] = float32(int8(raw[i%len(raw)])) + middle
			}
			return nil
		}, nil
	}
	if err := m.typed(t, words32...); err != nil || words == nil {
		if err == nil {
			err = m.corrupt("%q is of type %s, want I8", t.Name, t.DType)
		}
		return nil, err
	}
	rows := shape[len(shape)-2] // of one matrix
	height := words.words(rows)
	if elements(t.Shape) != height*a.groups*(a.rows/rows) {
		return nil, m.corrupt("%q has shape %v, want %d words for %d rows in %d groups", t.Name, t.Shape, height, rows, a.groups)
	}
	return func(ctx context.Context, first, n int64, dst []float32) error {
		for len(dst) > 0 { // matrix by matrix
			matrix, within := first/rows, first%rows
			some := min(rows-within, n)
			from, to, skip := words.within(within, some, rows)
			raw, err := readRaw(ctx, t, (matrix*height+from)*a.groups, (to-from)*a.groups)
			if err != nil {
				return err
			}
			all := make([]byte, (skip+some)*a.groups)
			words.down(all, raw, a.groups, skip+some)
			for i := range some {
				for g := range a.groups {
					dst[i*a.groups+g] = float32(all[g*(skip+some)+skip+i])
				}
			}
			dst, first, n = dst[some*a.groups:], first+some, n-some
		}
		return nil
	}, nil
}

// openCompressedFour reads NVFP4, whose factor divides, and MXFP4.
func openCompressedFour(m *module) (Tensor, error) {
	scales, err := m.part(".weight_scale", dtype.F8E4M3, dtype.U8, dtype.F8E8M0)
	if err != nil {
		return Tensor{}, err
	}
	shape := doubled(m.main.Shape)
	if scales.DType != dtype.F8E4M3 {
		if err := m.stated(4, 32); err != nil {
			return Tensor{}, err
		}
		return m.fourBits(fourBits{codes: m.main, scales: scales, shape: shape, group: 32, exponents: true})
	}
	if err := m.stated(4, 16); err != nil {
		return Tensor{}, err
	}
	global, err := m.part(".weight_global_scale", dtype.F32)
	if err != nil {
		return Tensor{}, err
	}
	factor, err := m.small(global, 1<<16)
	if err != nil {
		return Tensor{}, err
	}
	return m.fourBits(fourBits{codes: m.main, scales: scales, shape: shape, group: 16, factor: factor, scaled: func(s, f float32) float32 { return s / f }})
}

// integers reads a short list of whole numbers.
func (m *module) integers(t hf.Tensor, most int64) ([]int64, error) {
	n := elements(t.Shape)
	if n > most {
		return nil, m.corrupt("%q has %d elements, want at most %d", t.Name, n, most)
	}
	raw, err := readRaw(m.ctx, t, 0, n)
	if err != nil {
		return nil, err
	}
	out := make([]int64, n)
	for i := range out {
		if t.DType == dtype.I64 {
			out[i] = int64(binary.LittleEndian.Uint64(raw[8*i:]))
		} else {
			out[i] = int64(int32(binary.LittleEndian.Uint32(raw[4*i:])))
		}
	}
	return out, nil
}
