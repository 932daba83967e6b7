package decode

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/formats/hf"
)

// mlx: weight = scale · code + bias, or the 4- and 8-bit floats of its modes.
func mlx(p *parts) (*matrix, error) {
	set := p.config
	if own, ok := set.Sub(p.prefix); ok {
		set = own
	}
	mode := word(set, "mode", "affine")
	if p.codes.DType != dtype.U32 || len(p.codes.Shape) < 2 {
		return nil, nil
	}
	last := len(p.codes.Shape) - 1
	shape := slices.Clone(p.codes.Shape)
	switch mode {
	case "mxfp4", "nvfp4":
		shape[last] *= 8
		return p.floats4(shape, ".scales", map[string]int64{"mxfp4": 32, "nvfp4": 16}[mode], nil)
	case "mxfp8":
		shape[last] *= 4
		return p.floats8(shape, ".scales")
	}
	b, size := int(number(set, "bits", 4)), number(set, "group_size", 64)
	scales, _, err := p.numbers(".scales")
	if err != nil {
		return nil, err
	}
	biases, _, err := p.numbers(".biases")
	if err != nil {
		return nil, err
	}
	if b < 1 || b > 8 || size < 1 {
		return nil, p.wrong()
	}
	words := shape[last]
	shape[last] = words * 32 / int64(b)
	cols := shape[last]
	count := int64(1)
	for _, n := range shape[:last] {
		count *= n
	}
	if cols%size != 0 || int64(len(scales)) != count*(cols/size) || len(biases) != len(scales) {
		return nil, p.wrong()
	}
	return &matrix{shape, func(ctx context.Context, dst []float32, first, n int64) error {
		raw := make([]byte, 4*words*n)
		if _, err := p.codes.ReadAt(ctx, raw, 4*words*first); err != nil {
			return err
		}
		for i := range dst {
			r, k := int64(i)/cols, int64(i)%cols
			g := (first+r)*(cols/size) + k/size
			dst[i] = float32(float32(bitsAt(raw[4*words*r:], int(k)*b, b))*scales[g]) + biases[g]
		}
		return nil
	}}, nil
}

// packQuantized: weight = scale · (code - zero), codes less half their range.
func packQuantized(p *parts) (*matrix, error) {
	dims, _, err := p.numbers(".weight_shape")
	if err != nil {
		return nil, err
	}
	b, size := p.target()
	if len(dims) < 2 || len(dims) != len(p.codes.Shape) || b < 1 || b > 8 {
		return nil, p.wrong()
	}
	shape := make([]int64, len(dims))
	for i, d := range dims {
		shape[i] = int64(d)
	}
	last := len(shape) - 1
	words, cols := p.codes.Shape[last], shape[last]
	at := func(i int64) int { return int(i) * b }
	tight := func(n int64) bool { return words == (n*int64(b)+31)/32 }
	if !tight(cols) { // as many as fit whole into each word
		at = func(i int64) int { return int(i)/(32/b)*32 + int(i)%(32/b)*b }
	}
	if cols < 1 || int64(at(cols-1)+b) > 32*words {
		return nil, p.wrong()
	}
	read := func(ctx context.Context, dst []float32, first, n int64) error {
		raw := make([]byte, 4*words*n)
		if _, err := p.codes.ReadAt(ctx, raw, 4*words*first); err != nil {
			return err
		}
		for i := range dst {
			dst[i] = float32(bitsAt(raw[4*words*(int64(i)/cols):], at(int64(i)%cols), b) - 1<<(b-1))
		}
		return nil
	}
	return p.grouped(shape, size, b, at, read)
}

// naive: weight = scale · (code - zero), with 8 bits. 8-bit floats are left
// to the forward pass, unless their scales are exponents.
func naive(p *parts) (*matrix, error) {
	if len(p.codes.Shape) < 2 {
		return nil, nil
	}
	if scale, ok := p.files.Lookup(p.prefix + ".weight_scale"); ok && scale.DType == dtype.U8 && p.codes.DType == dtype.F8E4M3 {
		return p.floats8(p.codes.Shape, ".weight_scale")
	}
	if p.codes.DType != dtype.I8 {
		return nil, nil
	}
	cols := p.codes.Shape[len(p.codes.Shape)-1]
	return p.grouped(p.codes.Shape, 0, 0, nil, func(ctx context.Context, dst []float32, first, n int64) error {
		raw := make([]byte, n*cols)
		_, err := p.codes.ReadAt(ctx, raw, first*cols)
		for i, v := range raw {
			dst[i] = float32(int8(v))
		}
		return err
	})
}

// grouped takes zero points off codes and multiplies with scales, both of the
// tensor, of rows or of groups.
func (p *parts) grouped(shape []int64, size int64, b int, at func(int64) int, codes func(context.Context, []float32, int64, int64) error) (*matrix, error) {
	scales, _, err := p.numbers(".weight_scale")
	if err != nil {
		return nil, err
	}
	last := len(shape) - 1
	cols, count := shape[last], int64(1)
	for _, n := range shape[:last] {
		count *= n
	}
	groups := int64(len(scales)) / max(count, 1)
	single := len(scales) == 1
	if single {
		groups = 1
	}
	if count == 0 || cols == 0 || groups == 0 || !single && int64(len(scales)) != groups*count {
		return nil, p.wrong()
	}
	if size <= 0 || groups == 1 {
		size = (cols + groups - 1) / groups
	}
	zeros, err := p.zeroPoints(shape, groups, b, at)
	if err != nil {
		return nil, err
	}
	index, _, err := p.numbers(".weight_g_idx")
	if err != nil {
		return nil, err
	}
	groupOf := func(k int64) int64 {
		if index != nil {
			return int64(index[k])
		}
		return k / size
	}
	if index != nil && int64(len(index)) != cols {
		return nil, p.wrong()
	}
	for k := range cols {
		if g := groupOf(k); g < 0 || g >= groups {
			return nil, p.wrong()
		}
	}
	return &matrix{shape, func(ctx context.Context, dst []float32, first, n int64) error {
		if err := codes(ctx, dst, first, n); err != nil {
			return err
		}
		for i := range dst {
			g := (first+int64(i)/cols)*groups + groupOf(int64(i)%cols)
			if zeros != nil {
				dst[i] -= zeros[g%int64(len(zeros))]
			}
			dst[i] *= scales[g%int64(len(scales))]
		}
		return nil
	}}, nil
}

// zeroPoints reads the zero points of all groups, row by row: as they are, or
// packed along the rows of each matrix.
func (p *parts) zeroPoints(shape []int64, groups int64, b int, at func(int64) int) ([]float32, error) {
	t, ok := p.files.Lookup(p.prefix + ".weight_zero_point")
	if !ok {
		return nil, nil
	}
	last := len(shape) - 1
	rows, count := shape[last-1], int64(1)
	for _, n := range shape[:last] {
		count *= n
	}
	if t.DType == dtype.I8 || at == nil {
		zeros, _, err := p.numbers(".weight_zero_point")
		if len(zeros) != 1 && int64(len(zeros)) != count*groups {
			return nil, p.wrong()
		}
		return zeros, err
	}
	raw, err := p.bytes(".weight_zero_point")
	if err != nil {
		return nil, err
	}
	matrices := count / rows
	each := int64(len(raw)) / max(matrices, 1)
	if each%(4*groups) != 0 || int64(at(rows-1)+b) > 8*each/groups {
		return nil, p.wrong()
	}
	zeros := make([]float32, count*groups)
	for m := range matrices {
		for g, column := range columns(raw[m*each:(m+1)*each], groups, 0, groups) {
			for r := range rows {
				zeros[(m*rows+r)*groups+int64(g)] = float32(bitsAt(column, at(r), b) - 1<<(b-1))
			}
		}
	}
	return zeros, nil
}

// target finds bits and group size of the group of modules that this one is in.
func (p *parts) target() (bits int, size int64) {
	all, _ := p.config.Sub("config_groups")
	var names []string
	for name := range all.Values() {
		names = append(names, name)
	}
	slices.Sort(names)
	byName := false
	for _, name := range names {
		group, _ := all.Sub(name)
		targets, err := group.Strings("targets")
		if err != nil {
			continue
		}
		for _, target := range targets {
			pattern, isPattern := strings.CutPrefix(target, "re:")
			re, err := regexp.Compile("^(?:" + pattern + ")")
			means := isPattern && err == nil && re.MatchString(p.prefix) || target == p.prefix
			class := !isPattern && !strings.Contains(target, ".")
			if means && !byName || class && bits == 0 {
				bits, size, byName = int(number(group, "weights.num_bits", 0)), number(group, "weights.group_size", 0), means
			}
		}
	}
	return bits, size
}

// known reports whether a tensor is there.
func (p *parts) known(suffix string) (hf.Tensor, bool) { return p.files.Lookup(p.prefix + suffix) }
