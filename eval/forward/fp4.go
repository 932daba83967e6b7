package forward

import (
	"context"
	"encoding/binary"
	"math"
	"strings"

	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
)

// fourBitGroup is how many numbers of 4 bits share an exponent.
const fourBitGroup = 32

// exponents finds the exponents of a matrix of 4-bit numbers, two in a byte.
func (c *checkpoint) exponents(t tensor) (tensor, bool) {
	if t.DType != dtype.I8 && t.DType != dtype.U8 {
		return tensor{}, false
	}
	s, ok := c.files.Lookup(strings.TrimSuffix(t.Name, ".weight") + ".scale")
	return s, ok && s.DType == dtype.F8E8M0
}

// fourBits describes a matrix of 4-bit numbers as published: a line is its
// codes, the even number in the low half of a byte, and behind them its
// exponents. The two are fetched from their tensors together.
func (c *checkpoint) fourBits(t, exponents tensor, rows, cols int) (*matrix, error) {
	groups := cols / fourBitGroup
	if cols%fourBitGroup != 0 || len(t.Shape) != 2 || t.Shape[0] != int64(rows) || t.Shape[1] != int64(cols/2) ||
		len(exponents.Shape) != 2 || exponents.Shape[0] != int64(rows) || exponents.Shape[1] != int64(groups) {
		return nil, fault.Corrupt("forward: %s: tensor %q: shape %v with exponents %v should be %d × %d numbers of 4 bits",
			c.files.Name(), t.Name, t.Shape, exponents.Shape, rows, cols)
	}
	const block = fourBitGroup/2 + 1
	m := &matrix{rows: rows, cols: cols, line: cols, block: fourBitGroup, bytes: block, decode: decodeFourBits}
	m.raw = func(ctx context.Context, buf []byte, first, lines int) ([]byte, error) {
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

// decodeFourBits decodes groups of codes with their exponent behind them.
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

func (c *checkpoint) integers(name string, layer, n int) ([]int32, error) {
	t, ok := c.find(name, layer, 0)
	if !ok {
		return nil, nil
	}
	size := t.DType.Bits() / 8
	if t.DType != dtype.I32 && t.DType != dtype.I64 || t.Size != int64(n)*int64(size) {
		return nil, fault.Corrupt("forward: %s: tensor %q: shape %v and type %s should be %d whole numbers", c.files.Name(), t.Name, t.Shape, t.DType, n)
	}
	raw := make([]byte, t.Size)
	if _, err := t.ReadAt(c.ctx, raw, 0); err != nil {
		return nil, err
	}
	v := make([]int32, n)
	for i := range v {
		if size == 4 {
			v[i] = int32(binary.LittleEndian.Uint32(raw[4*i:]))
		} else if wide := int64(binary.LittleEndian.Uint64(raw[8*i:])); wide >= 0 && wide <= math.MaxInt32 {
			v[i] = int32(wide)
		} else {
			v[i] = -1 // nothing's number
		}
	}
	return v, nil
}

func (g *ggufSource) integers(name string, layer, n int) ([]int32, error) {
	t, ok := g.file.Lookup(arch.Fill(name, layer, 0))
	if !ok {
		return nil, nil
	}
	if t.Type != gguf.TypeI32 || t.Size() != 4*int64(n) {
		return nil, fault.Corrupt("forward: %s: tensor %q: shape %v and type %s should be %d whole numbers of 32 bits", g.name, t.Name, t.Shape, t.Type, n)
	}
	raw := make([]byte, t.Size())
	if _, err := g.file.ReadTensorAt(g.ctx, t, raw, 0); err != nil {
		return nil, err
	}
	v := make([]int32, n)
	for i := range v {
		v[i] = int32(binary.LittleEndian.Uint32(raw[4*i:]))
	}
	return v, nil
}
