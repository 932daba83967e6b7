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

// awqRows are the rows of eight whose codes follow each other in a word of the
// gemm layout.
var awqRows = [8]int64{0, 2, 4, 6, 1, 3, 5, 7}

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
	a := &affine{high: 15, tiles: m.tiles}
	if version == "gemv" {
		a.rows, a.cols = m.main.Shape[0], m.main.Shape[1]*8
	} else {
		a.rows, a.cols = m.main.Shape[1]*8, m.main.Shape[0]
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
	a.codes = func(ctx context.Context, first, n int64, dst []byte) error {
		return m.strips.columns(ctx, m.main, a.rows/8, first/8, n/8, func(words []byte) error {
			turnedNibbles(dst, words, n, a.cols)
			return nil
		})
	}
	a.params = func(ctx context.Context, first, n int64, scale, offset []float32) error {
		if err := m.turnedFloats(ctx, scales, scale, a.rows, first, n); err != nil {
			return err
		}
		return m.strips.columns(ctx, zeros, a.rows/8, first/8, n/8, func(words []byte) error {
			codes := make([]byte, n*a.groups)
			turnedNibbles(codes, words, n, a.groups)
			widen(offset, codes)
			return nil
		})
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
	a.codes = func(ctx context.Context, first, n int64, dst []byte) error {
		return withRaw(ctx, m.main, first*a.cols/8, n*a.cols/8, func(raw []byte) error {
			natural.line(dst, raw)
			return nil
		})
	}
	a.params = func(ctx context.Context, first, n int64, scale, offset []float32) error {
		wide, err := readFloats(ctx, scales, first*8*words, n*8*words)
		if err != nil {
			return err
		}
		raw, err := readRaw(ctx, zeros, first*words, n*words)
		if err != nil {
			return err
		}
		codes := make([]byte, n*8*words)
		natural.line(codes, raw)
		for r := range n {
			copy(scale[r*a.groups:(r+1)*a.groups], wide[r*8*words:])
			widen(offset[r*a.groups:(r+1)*a.groups], codes[r*8*words:])
		}
		return nil
	}
	return nil
}

// widen writes codes as floats.
func widen(dst []float32, codes []byte) {
	for i := range dst {
		dst[i] = float32(codes[i])
	}
}

// turnedNibbles unpacks words that hold a code for each of eight rows, one line
// below the other: dst has n rows, a multiple of eight, with a code of each of
// count lines.
func turnedNibbles(dst, words []byte, n, count int64) {
	for at := int64(0); at < n; at += 8 {
		var x [8]uint32
		for k := int64(0); k < count; k += 8 {
			have := min(8, count-k)
			for i := range have {
				x[i] = binary.LittleEndian.Uint32(words[(k+i)*n/2+at/2:])
			}
			turn8(&x)
			for i, row := range awqRows {
				out := dst[(at+row)*count+k:]
				if have == 8 {
					binary.LittleEndian.PutUint64(out, spread(x[i]))
					continue
				}
				for b := range have {
					out[b] = byte(x[i] >> (4 * b) & 15)
				}
			}
		}
	}
}

// turn8 transposes a matrix of 4-bit numbers whose rows are words.
func turn8(x *[8]uint32) {
	for i := range 4 {
		t := (x[i]>>16 ^ x[i+4]) & 0x0000ffff
		x[i], x[i+4] = x[i]^t<<16, x[i+4]^t
	}
	for _, i := range [4]int{0, 1, 4, 5} {
		t := (x[i]>>8 ^ x[i+2]) & 0x00ff00ff
		x[i], x[i+2] = x[i]^t<<8, x[i+2]^t
	}
	for i := 0; i < 8; i += 2 {
		t := (x[i]>>4 ^ x[i+1]) & 0x0f0f0f0f
		x[i], x[i+1] = x[i]^t<<4, x[i+1]^t
	}
}
