package decode

import (
	"context"
	"encoding/binary"

	"github.com/f190792d/mq/formats/dtype"
)

// hqq: weight = (code - zero) · scale, with both of the group of an element of
// the flat matrix: groups follow each other (axis 1), or an element's group is
// its place among as many as there are (axis 0). Codes lie in rows of a group,
// or of one element of all groups; a byte has those of rows as far apart as
// there are bytes, the first in the highest bits.
func hqq(p *parts) (*matrix, error) {
	var set [3]int64
	for i, suffix := range []string{".nbits", ".group_size", ".axis"} {
		v, _, err := p.numbers(suffix)
		if err != nil {
			return nil, err
		}
		if len(v) != 1 {
			return nil, p.wrong()
		}
		set[i] = int64(v[0])
	}
	bits, size, axis := set[0], set[1], set[2]
	dims, _, err := p.numbers(".shape")
	if err != nil {
		return nil, err
	}
	scale, _, err := p.numbers(".scale")
	if err != nil {
		return nil, err
	}
	zero, _, err := p.numbers(".zero")
	if err != nil {
		return nil, err
	}
	shape, n := make([]int64, len(dims)), int64(1)
	for i, d := range dims {
		shape[i] = int64(d)
		n *= shape[i]
	}
	width := int64(1) // bytes of an element
	per := 8 / max(bits, 1)
	if p.codes.DType == dtype.I32 {
		width, per = 4, 10
	}
	stored := p.codes.Size / width
	if len(shape) < 2 || bits < 1 || bits > 8 || size < 1 || n < 1 || n%size != 0 || int64(len(scale)) != n/size || len(zero) != len(scale) || stored*per < n {
		return nil, p.wrong()
	}
	cols := shape[len(shape)-1]
	return &matrix{shape, func(ctx context.Context, dst []float32, first, _ int64) error {
		for f := first * cols; len(dst) > 0; { // as far as codes have one place in their elements
			n := min(int64(len(dst)), stored-f%stored)
			raw := make([]byte, n*width)
			if _, err := p.codes.ReadAt(ctx, raw, f%stored*width); err != nil {
				return err
			}
			for i := range dst[:n] {
				word := uint32(raw[int64(i)*width])
				if width == 4 {
					word = binary.LittleEndian.Uint32(raw[4*i:])
				}
				at := f + int64(i)
				g := at / size
				if axis == 0 {
					g = at % int64(len(scale))
				}
				dst[i] = (float32(word>>(bits*(per-1-f/stored))&(1<<bits-1)) - zero[g]) * scale[g]
			}
			dst, f = dst[n:], f+n
		}
		return nil
	}}, nil
}

// bytes8: weight = scale · (code - zero) with 8 bits, of quanto and torchao.
func bytes8(p *parts) (*matrix, error) {
	scaleName, zeroName := ".weight._scale", ""
	if _, ok := p.known("._weight_scale"); ok {
		scaleName, zeroName = "._weight_scale", "._weight_zero_point"
	}
	scale, _, err := p.numbers(scaleName)
	if err != nil {
		return nil, err
	}
	var zero []float32
	if zeroName != "" {
		if zero, _, err = p.numbers(zeroName); err != nil {
			return nil, err
		}
	}
	shape := p.codes.Shape
	if len(shape) != 2 || p.codes.DType.Bits() != 8 || shape[0]*shape[1] == 0 || len(scale) == 0 || shape[0]*shape[1]%int64(len(scale)) != 0 || zero != nil && len(zero) != len(scale) {
		return nil, p.wrong()
	}
	size := shape[0] * shape[1] / int64(len(scale))
	return &matrix{shape, func(ctx context.Context, dst []float32, first, n int64) error {
		raw := make([]byte, n*shape[1])
		if _, err := p.codes.ReadAt(ctx, raw, first*shape[1]); err != nil {
			return err
		}
		for i, c := range raw {
			g := (first*shape[1] + int64(i)) / size
			v := float32(int8(c))
			if p.codes.DType == dtype.F8E4M3 {
				v = dtype.F8E4M3ToF32(c)
			}
			if zero != nil {
				v -= zero[g]
			}
			dst[i] = v * scale[g]
		}
		return nil
	}}, nil
}
