package checkpoint

import (
	"context"
	"strings"

	"github.com/f190792d/mq/eval/forward/compute"
	"github.com/f190792d/mq/formats/dtype"
)

// fourBitGroup is how many numbers of 4 bits share an exponent.
const fourBitGroup = 32

// exponents finds the exponents of a matrix of 4-bit numbers, two in a byte.
func (c *Loader) exponents(t tensor) (tensor, bool) {
	if t.DType != dtype.I8 && t.DType != dtype.U8 {
		return tensor{}, false
	}
	s, ok := c.files.Lookup(strings.TrimSuffix(t.Name, ".weight") + ".scale")
	if !ok || s.DType != dtype.F8E8M0 {
		return tensor{}, false
	}
	c.taken[s.Name] = true
	return s, true
}

// fourBits describes a matrix of 4-bit numbers as published: a line is its
// codes, the even number in the low half of a byte, and after them its
// exponents. The two are fetched from their tensors together.
func (c *Loader) fourBits(t, exponents tensor, rows, cols int) (*compute.Matrix, error) {
	if rows == compute.AnyRows && len(t.Shape) > 0 {
		rows = int(t.Shape[0])
	}
	groups := cols / fourBitGroup
	if cols%fourBitGroup != 0 || len(t.Shape) != 2 || t.Shape[0] != int64(rows) || t.Shape[1] != int64(cols/2) ||
		len(exponents.Shape) != 2 || exponents.Shape[0] != int64(rows) || exponents.Shape[1] != int64(groups) {
		return nil, c.at(t).Corrupt("shape %v with exponents %v should be %d × %d numbers of 4 bits", t.Shape, exponents.Shape, rows, cols)
	}
	const block = fourBitGroup/2 + 1
	m := &compute.Matrix{Rows: rows, Cols: cols, Line: cols, Encoding: compute.Encoding{Block: fourBitGroup, Bytes: block, Decode: decodeFourBits}}
	m.Fetch = func(ctx context.Context, buf []byte, first, lines int) ([]byte, error) {
		size := lines * groups
		buf = buf[:size*block]
		fetched := make([]byte, size*block)
		codes, powers := fetched[:size*(block-1)], fetched[size*(block-1):]
		if _, err := t.ReadAt(ctx, codes, int64(first*groups*(block-1))); err != nil {
			return nil, err
		}
		if _, err := exponents.ReadAt(ctx, powers, int64(first*groups)); err != nil {
			return nil, err
		}
		for i, p := range powers {
			b := buf[i*block : (i+1)*block]
			b[copy(b, codes[i*(block-1):(i+1)*(block-1)])] = p
		}
		return buf, nil
	}
	return m, nil
}

// magnitudes are the numbers of type E2M1.
var magnitudes = [8]float32{0, 0.5, 1, 1.5, 2, 3, 4, 6}

// decodeFourBits decodes groups of codes with their exponent after them.
func decodeFourBits(dst []float32, src []byte) {
	const half = fourBitGroup / 2
	for len(dst) > 0 {
		scale := dtype.E8M0ToF32(src[half])
		for j, b := range src[:half] {
			dst[2*j], dst[2*j+1] = fourBit(b&15)*scale, fourBit(b>>4)*scale
		}
		dst, src = dst[fourBitGroup:], src[half+1:]
	}
}

func fourBit(code byte) float32 {
	if code > 7 {
		return -magnitudes[code&7]
	}
	return magnitudes[code]
}
