package block

import (
	"encoding/binary"

	"github.com/f190792d/mq/quantize/kernel"
)

// A legacy type stores blocks of 32 values as a float16 scale, a float16
// minimum for the types "_1", the fifth bits for 5-bit types, and nibbles:
// value j in the low half of byte j, value j+16 in the high half.
type legacy struct {
	fifth  bool // 5 bits a value, not 4
	min    bool // value = level·scale + min, not (level-zero)·scale
	form   kernel.Form
	search kernel.MinSearch
	scale  kernel.ScaleSearch
}

var (
	q4_0 = legacy{form: kernel.Q4_0, scale: kernel.NewScaleSearch(8)}
	q4_1 = legacy{form: kernel.Q4_1, min: true, search: kernel.NewMinSearch(15, -0.9, 0.05, 37, false)}
	q5_0 = legacy{form: kernel.Q5_0, fifth: true, scale: kernel.NewScaleSearch(16)}
	q5_1 = legacy{form: kernel.Q5_1, fifth: true, min: true, search: kernel.NewMinSearch(31, -0.9, 0.05, 37, false)}
)

// QuantizeQ4_0 quantizes one row to blocks of 32 values in 18 bytes.
func QuantizeQ4_0(dst []byte, src, weights []float32) { q4_0.quantize(dst, src, weights) }

// QuantizeQ4_1 quantizes one row to blocks of 32 values in 20 bytes.
func QuantizeQ4_1(dst []byte, src, weights []float32) { q4_1.quantize(dst, src, weights) }

// QuantizeQ5_0 quantizes one row to blocks of 32 values in 22 bytes.
func QuantizeQ5_0(dst []byte, src, weights []float32) { q5_0.quantize(dst, src, weights) }

// QuantizeQ5_1 quantizes one row to blocks of 32 values in 24 bytes.
func QuantizeQ5_1(dst []byte, src, weights []float32) { q5_1.quantize(dst, src, weights) }

// DequantizeQ4_0 is the inverse of QuantizeQ4_0.
func DequantizeQ4_0(dst []float32, src []byte) { q4_0.dequantize(dst, src) }

// DequantizeQ4_1 is the inverse of QuantizeQ4_1.
func DequantizeQ4_1(dst []float32, src []byte) { q4_1.dequantize(dst, src) }

// DequantizeQ5_0 is the inverse of QuantizeQ5_0.
func DequantizeQ5_0(dst []float32, src []byte) { q5_0.dequantize(dst, src) }

// DequantizeQ5_1 is the inverse of QuantizeQ5_1.
func DequantizeQ5_1(dst []float32, src []byte) { q5_1.dequantize(dst, src) }

// zero is the level of value 0 of the symmetric types.
func (t *legacy) zero() int32 {
	if t.fifth {
		return 16
	}
	return 8
}

// offsets returns where the fifth bits and the nibbles start, and the size.
func (t *legacy) offsets() (high, low, size int) {
	high = 2
	if t.min {
		high += 2
	}
	low = high
	if t.fifth {
		low += 4
	}
	return high, low, low + 16
}

func (t *legacy) quantize(dst []byte, src, weights []float32) {
	if weights == nil {
		_, _, size := t.offsets()
		whole(t.form, dst, src, 32, size, t.quantizePlain)
	} else {
		t.quantizeWeighted(dst, src, weights)
	}
}

// quantizePlain spans each block with its scale and rounds every value.
func (t *legacy) quantizePlain(dst []byte, src []float32) {
	eachStrip(src, nil, func(s *strip, at int, x, _ []float32) {
		n := len(x) / 32
		zero := t.zero()
		levels := t.levels()
		scale, lo, offset := s.fitScale[:n], s.from[:n], s.readOffset[:n]
		if t.min {
			kernel.Bounds(lo, scale, x)
		} else {
			kernel.Extremes(scale, x, 32)
		}
		for j := range n {
			if t.min {
				scale[j] = (scale[j] - lo[j]) / float32(2*zero-1)
				offset[j] = -lo[j]
			} else {
				scale[j] /= float32(-zero)
				offset[j] = 0
			}
			s.inverse[j] = inverse(scale[j])
		}
		levels.HalfUp(s.levels[:], x, s.inverse[:], offset)
		t.put(dst, at/32, s, scale, lo)
	})
}

// levels is the range of levels.
func (t *legacy) levels() kernel.Rounding {
	if t.min {
		return kernel.Rounding{High: 2*t.zero() - 1}
	}
	return kernel.Rounding{Low: -t.zero(), High: t.zero() - 1}
}

// quantizeWeighted searches under the importance weights.
func (t *legacy) quantizeWeighted(dst []byte, src, weights []float32) {
	variance := []float32{sumSquares(src) / float32(len(src))}
	eachStrip(src, weights, func(s *strip, at int, x, w []float32) {
		s.eachTile(x, w, 32, func(int) {
			s.spreadBy(variance, 0, 1)
			s.Weigh(kernel.Given, 32)
			if t.min {
				s.SearchMin(&t.search, 32)
			} else {
				s.SearchScale(&t.scale, 32)
			}
		})
		n := len(x) / 32
		offset, lo := s.readOffset[:n], s.fitOffset[:n]
		for j := range n {
			offset[j], lo[j] = 0, -lo[j]
			if t.min {
				offset[j] = -s.from[j]
			}
		}
		t.levels().Multiply(s.levels[:], x, 32, s.inverse[:], offset)
		for j := range n {
			if s.inverse[j] == 0 {
				clear(s.levels[32*j:][:32])
			}
		}
		t.put(dst, at/32, s, s.fitScale[:n], lo)
	})
}

// put writes blocks, from the one with the given number on.
func (t *legacy) put(dst []byte, first int, s *strip, scale, lo []float32) {
	_, _, size := t.offsets()
	for j := range scale {
		block := dst[(first+j)*size:][:size]
		putHalf(block, scale[j])
		if t.min {
			putHalf(block[2:], lo[j])
		}
		t.pack(block, (*[32]uint8)(s.levels[32*j:]))
	}
}

func (t *legacy) pack(block []byte, levels *[32]uint8) {
	high, low, _ := t.offsets()
	for j := 0; j < 16; j += 8 {
		le.PutUint64(block[low+j:], pick(levels[j:], 0, 15)|pick(levels[j+16:], 0, 15)<<4)
	}
	if !t.fifth {
		return
	}
	var fifth uint32
	for j := 0; j < 32; j += 8 {
		// The product gathers the lowest bits of eight bytes in the top one.
		fifth |= uint32(pick(levels[j:], 4, 1)*0x0102040810204080>>56) << j
	}
	le.PutUint32(block[high:], fifth)
}

func (t *legacy) dequantize(dst []float32, src []byte) {
	high, low, size := t.offsets()
	for i := 0; i+32 <= len(dst); i += 32 {
		y, block := dst[i:i+32], src[i/32*size:][:size]
		var fifth uint32
		if t.fifth {
			fifth = binary.LittleEndian.Uint32(block[high:])
		}
		scale := half(block)
		if t.min {
			lo := half(block[2:])
			for j, b := range block[low : low+16] {
				y[j] = float32(float32(uint32(b&15)|fifth>>j&1<<4)*scale) + lo
				y[j+16] = float32(float32(uint32(b>>4)|fifth>>(j+16)&1<<4)*scale) + lo
			}
			continue
		}
		zero := t.zero()
		for j, b := range block[low : low+16] {
			y[j] = float32(int32(uint32(b&15)|fifth>>j&1<<4)-zero) * scale
			y[j+16] = float32(int32(uint32(b>>4)|fifth>>(j+16)&1<<4)-zero) * scale
		}
	}
}

// QuantizeQ8_0 quantizes one row to blocks of 32 values in 34 bytes: a
// float16 scale and 32 signed bytes. Weights make no difference.
func QuantizeQ8_0(dst []byte, src, _ []float32) {
	whole(kernel.Q8_0, dst, src, 32, 34, quantizeQ8_0)
}

func quantizeQ8_0(dst []byte, src []float32) {
	eachStrip(src, nil, func(s *strip, at int, x, _ []float32) {
		n := len(x) / 32
		kernel.Extremes(s.fitScale[:n], x, 32)
		for j := range n {
			scale := abs(s.fitScale[j]) / 127
			putHalf(dst[(at/32+j)*34:], scale)
			s.inverse[j] = inverse(scale)
		}
		kernel.Away(s.levels[:], x, s.inverse[:])
		for j := range n {
			copy(dst[(at/32+j)*34+2:][:32], s.levels[32*j:])
		}
	})
}

// DequantizeQ8_0 is the inverse of QuantizeQ8_0.
func DequantizeQ8_0(dst []float32, src []byte) {
	for i := 0; i+32 <= len(dst); i += 32 {
		y, block := dst[i:i+32], src[i/32*34:][:34]
		scale := half(block)
		for j := range y {
			y[j] = float32(int8(block[2+j])) * scale
		}
	}
}
