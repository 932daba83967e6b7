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
	search kernel.MinSearch
	scale  kernel.ScaleSearch
}

var (
	q4_0 = legacy{scale: kernel.NewScaleSearch(8)}
	q4_1 = legacy{min: true, search: kernel.NewMinSearch(15, -0.9, 0.05, 37, false)}
	q5_0 = legacy{fifth: true, scale: kernel.NewScaleSearch(16)}
	q5_1 = legacy{fifth: true, min: true, search: kernel.NewMinSearch(31, -0.9, 0.05, 37, false)}
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
	if weights != nil {
		t.quantizeWeighted(dst, src, weights)
		return
	}
	_, _, size := t.offsets()
	var levels [32]uint8
	for i := 0; i+32 <= len(src); i += 32 {
		block := dst[i/32*size:][:size]
		scale, lo := t.round(src[i:i+32], &levels)
		t.put(block, scale, lo, &levels)
	}
}

// quantizeWeighted searches under the importance weights.
func (t *legacy) quantizeWeighted(dst []byte, src, weights []float32) {
	_, _, size := t.offsets()
	variance := []float32{sumSquares(src) / float32(len(src))}
	zero := t.zero()
	levels := kernel.Rounding{Low: -zero, High: zero - 1}
	if t.min {
		levels = kernel.Rounding{High: 2*zero - 1}
	}
	eachStrip(src, weights, stripLen, func(s *strip, at int, x, w []float32) {
		s.eachTile(x, w, 32, func(int) {
			s.spreadBy(variance, 0, 1)
			s.Weigh(kernel.Given, 32)
			if t.min {
				s.SearchMin(&t.search, 32)
			} else {
				s.SearchScale(&t.scale, 32)
			}
		})
		from := noOffset[:]
		if t.min {
			from = s.readOffset[:]
			for j, v := range s.from {
				from[j] = -v
			}
		}
		levels.Multiply(s.levels[:], x, 32, s.inverse[:], from)
		for j := range len(x) / 32 {
			block, levels := dst[(at/32+j)*size:][:size], (*[32]uint8)(s.levels[32*j:])
			if s.inverse[j] == 0 {
				clear(levels[:])
			}
			t.put(block, s.fitScale[j], -s.fitOffset[j], levels)
		}
	})
}

// put writes a block.
func (t *legacy) put(block []byte, scale, lo float32, levels *[32]uint8) {
	putHalf(block, scale)
	if t.min {
		putHalf(block[2:], lo)
	}
	t.pack(block, levels)
}

// round picks the scale that spans the block and rounds every value.
func (t *legacy) round(x []float32, levels *[32]uint8) (scale, lo float32) {
	top, bias := 2*t.zero()-1, float32(0.5)
	if t.min {
		var hi float32
		lo, hi = bounds(x)
		scale = (hi - lo) / float32(top)
	} else {
		scale = extreme(x) / float32(-t.zero())
		bias += float32(t.zero())
	}
	inv := inverse(scale)
	for j := range levels {
		l := int8(truncate(float32((x[j]-lo)*inv) + bias))
		levels[j] = uint8(min(l, int8(top)))
	}
	return scale, lo
}

func (t *legacy) pack(block []byte, levels *[32]uint8) {
	high, low, _ := t.offsets()
	nibbles := block[low : low+16]
	if !t.fifth {
		for j := range nibbles {
			nibbles[j] = levels[j] | levels[j+16]<<4
		}
		return
	}
	var fifth uint32
	for j := range nibbles {
		a, b := levels[j], levels[j+16]
		nibbles[j] = a&15 | b<<4
		fifth |= uint32(a>>4&1)<<j | uint32(b>>4&1)<<(j+16)
	}
	binary.LittleEndian.PutUint32(block[high:], fifth)
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
	for i := 0; i+32 <= len(src); i += 32 {
		x, block := src[i:i+32], dst[i/32*34:][:34]
		scale := abs(extreme(x)) / 127
		putHalf(block, scale)
		inv := inverse(scale)
		for j, v := range x {
			block[2+j] = byte(roundAway(v * inv))
		}
	}
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
