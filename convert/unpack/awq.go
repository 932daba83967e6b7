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
	const wide = 128 // columns whose codes lie apart before rows get them
	whole, deep := n&^15, count&^7
	var lines [16][wide]byte
	for at := int64(0); at < whole; at += 16 {
		for k := int64(0); k < deep; k += wide {
			some := min(wide, deep-k)
			for i := int64(0); i < some; i += 8 {
				turn16(&lines, words[(k+i)*n/2+at/2:], n/2, i)
			}
			for r := range lines {
				copy(dst[(at+int64(r))*count+k:][:some], lines[r][:])
			}
		}
	}
	for at := int64(0); at < n; at += 8 {
		from := int64(0)
		if at < whole {
			from = deep
		}
		for k := from; k < count; k++ {
			w := binary.LittleEndian.Uint32(words[k*n/2+at/2:])
			for i, row := range awqRows {
				dst[(at+row)*count+k] = byte(w >> (4 * i) & 15)
			}
		}
	}
}

// turn16 unpacks the codes of sixteen rows and eight columns, whose words lie
// apart bytes from each other, as columns from one on.
func turn16(lines *[16][128]byte, words []byte, apart, column int64) {
	le := binary.LittleEndian
	words = words[:7*apart+8]
	a, b, c, d := le.Uint64(words), le.Uint64(words[apart:]), le.Uint64(words[2*apart:]), le.Uint64(words[3*apart:])
	e, f, g, h := le.Uint64(words[4*apart:]), le.Uint64(words[5*apart:]), le.Uint64(words[6*apart:]), le.Uint64(words[7*apart:])
	a, e = exchange(a, e, 32, 0x00000000ffffffff)
	b, f = exchange(b, f, 32, 0x00000000ffffffff)
	c, g = exchange(c, g, 32, 0x00000000ffffffff)
	d, h = exchange(d, h, 32, 0x00000000ffffffff)
	a, c = exchange(a, c, 16, 0x0000ffff0000ffff)
	b, d = exchange(b, d, 16, 0x0000ffff0000ffff)
	e, g = exchange(e, g, 16, 0x0000ffff0000ffff)
	f, h = exchange(f, h, 16, 0x0000ffff0000ffff)
	a, b = exchange(a, b, 8, 0x00ff00ff00ff00ff)
	c, d = exchange(c, d, 8, 0x00ff00ff00ff00ff)
	e, f = exchange(e, f, 8, 0x00ff00ff00ff00ff)
	g, h = exchange(g, h, 8, 0x00ff00ff00ff00ff)
	halves(&lines[0], &lines[2], column, a)
	halves(&lines[4], &lines[6], column, b)
	halves(&lines[1], &lines[3], column, c)
	halves(&lines[5], &lines[7], column, d)
	halves(&lines[8], &lines[10], column, e)
	halves(&lines[12], &lines[14], column, f)
	halves(&lines[9], &lines[11], column, g)
	halves(&lines[13], &lines[15], column, h)
}

// halves gives eight columns of two rows the halves of bytes.
func halves(low, high *[128]byte, column int64, x uint64) {
	const half = 0x0f0f0f0f0f0f0f0f
	binary.LittleEndian.PutUint64(low[column:], x&half)
	binary.LittleEndian.PutUint64(high[column:], x>>4&half)
}

// exchange swaps the bits of a that lie by above those of a mask with b's under
// the mask.
func exchange(a, b uint64, by int, mask uint64) (uint64, uint64) {
	t := (a>>by ^ b) & mask
	return a ^ t<<by, b ^ t
}
