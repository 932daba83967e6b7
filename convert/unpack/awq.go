package unpack

import (
	"context"
	"encoding/binary"
)

// awqCodecs read AWQ (Lin et al. 2023, arXiv:2306.00978) as AutoAWQ writes it
// for its two plain kernels.
var awqCodecs = []codec{{
	methods: []string{"awq"}, main: ".qweight", types: words32, plain: ".weight", open: openAWQ,
	parts: []string{".qzeros", ".scales"},
}}

// awqShifts are where the columns of eight stand in a word of the gemm layout:
// the even ones come first.
var awqShifts = [8]int{0, 16, 4, 20, 8, 24, 12, 28}

func openAWQ(m *module) (Tensor, error) {
	config := m.method.Config
	version, err := config.StringOr("version", "gemm")
	if err != nil {
		return Tensor{}, err
	}
	bits, err := config.IntOr("bits", 4)
	if err != nil {
		return Tensor{}, err
	}
	size, err := config.IntOr("group_size", 128)
	if err != nil {
		return Tensor{}, err
	}
	if bits, size, err = m.own(bits, size); err != nil {
		return Tensor{}, err
	}
	if bits != 4 {
		return Tensor{}, m.unsupported("AWQ with %d bits; its kernels know 4", bits)
	}
	if len(m.main.Shape) != 2 {
		return Tensor{}, m.corrupt("shape %v is not that of a matrix", m.main.Shape)
	}
	a := &affine{high: 15, zeros: true, tiles: m.tiles}
	if version == "gemv" {
		a.rows, a.cols = m.main.Shape[0], m.main.Shape[1]*8
	} else {
		a.rows, a.cols, a.across = m.main.Shape[1]*8, m.main.Shape[0], true
	}
	if a.size = size; size <= 0 {
		a.size = a.cols
	}
	if a.rows == 0 || a.cols == 0 || a.cols%a.size != 0 {
		return Tensor{}, m.corrupt("%d columns are not whole groups of %d", a.cols, a.size)
	}
	a.groups = a.cols / a.size
	if version == "gemv" {
		err = m.awqGemv(a)
	} else {
		err = m.awqGemm(a)
	}
	return a.tensor([]int64{a.rows, a.cols}), err
}

// awqGemm reads codes packed along the outputs.
func (m *module) awqGemm(a *affine) error {
	scales, err := m.part(".scales", floats...)
	if err != nil {
		return err
	}
	zeros, err := m.part(".qzeros", words32...)
	if err != nil {
		return err
	}
	if err := m.shaped(scales, a.groups, a.rows); err != nil {
		return err
	}
	if err := m.shaped(zeros, a.groups, a.rows/8); err != nil {
		return err
	}
	a.codes = func(ctx context.Context, first, n int64, dst []int16) error {
		low, high := first/8, (first+n+7)/8
		words, err := band(ctx, m.main, a.rows/8, low, high-low)
		if err != nil {
			return err
		}
		turnedNibbles(dst, words, first-8*low, n)
		return nil
	}
	a.params = func(ctx context.Context, first, n int64, scale, _ []float32, zero []int16) error {
		if err := turnedFloats(ctx, scales, scale, a.rows, first, n); err != nil {
			return err
		}
		low, high := first/8, (first+n+7)/8
		words, err := band(ctx, zeros, a.rows/8, low, high-low)
		if err != nil {
			return err
		}
		turnedNibbles(zero, words, first-8*low, n)
		return nil
	}
	return nil
}

// awqGemv reads codes packed along the inputs, with scales and zero points in
// lines that are filled up for the kernel.
func (m *module) awqGemv(a *affine) error {
	scales, err := m.part(".scales", floats...)
	if err != nil {
		return err
	}
	zeros, err := m.part(".qzeros", words32...)
	if err != nil {
		return err
	}
	if len(zeros.Shape) != 2 || zeros.Shape[0] != a.rows || 8*zeros.Shape[1] < a.groups {
		return m.corrupt("%q has shape %v, want %d rows of at least %d zero points", zeros.Name, zeros.Shape, a.rows, a.groups)
	}
	words := zeros.Shape[1]
	if err := m.shaped(scales, a.rows, 8*words); err != nil {
		return err
	}
	natural := stream(4)
	a.codes = func(ctx context.Context, first, n int64, dst []int16) error {
		raw, err := readRaw(ctx, m.main, first*a.cols/8, n*a.cols/8)
		if err == nil {
			natural.line(dst, raw)
		}
		return err
	}
	a.params = func(ctx context.Context, first, n int64, scale, _ []float32, zero []int16) error {
		wide, err := readFloats(ctx, scales, first*8*words, n*8*words)
		if err != nil {
			return err
		}
		raw, err := readRaw(ctx, zeros, first*words, n*words)
		if err != nil {
			return err
		}
		codes := make([]int16, n*8*words)
		natural.line(codes, raw)
		for r := range n {
			copy(scale[r*a.groups:(r+1)*a.groups], wide[r*8*words:])
			copy(zero[r*a.groups:(r+1)*a.groups], codes[r*8*words:])
		}
		return nil
	}
	return nil
}

// turnedNibbles unpacks lines of words that hold a code for each of eight rows:
// dst has n rows, from one on, with a code of every line.
func turnedNibbles(dst []int16, words []byte, from, n int64) {
	lines := int64(len(dst)) / n
	width := int64(len(words)) / lines
	for at := range width / 4 {
		for i, shift := range awqShifts {
			row := 8*at + int64(i) - from
			if row < 0 || row >= n {
				continue
			}
			out := dst[row*lines : (row+1)*lines]
			for k := range out {
				out[k] = int16(binary.LittleEndian.Uint32(words[int64(k)*width+4*at:]) >> shift & 15)
			}
		}
	}
}
