package block

import (
	"encoding/binary"

	"github.com/f190792d/mq/quantize/kernel"
)

// Types with sixteen levels that are not evenly spaced.

// values4 are the values of levels.
var values4 = kernel.NonLinear()

func expand4(dst []float32, src []byte, d float32) {
	low, high, src := dst[:16], dst[16:32], src[:16]
	for i, b := range src {
		low[i] = d * values4[b&15]
		high[i] = d * values4[b>>4]
	}
}

// search4 finds the scales of groups of 32 values. Weights are spread by twice
// the mean square of each n values.
func (s *strip) search4(x, w []float32, n int) {
	var variances []float32
	if w != nil {
		variances = s.sumSquares(x, n)
		for i := range variances {
			variances[i] *= 2 / float32(n)
		}
	}
	s.eachTile(x, w, 32, func(first int) {
		if w == nil {
			s.Weigh(kernel.Squares, 32)
		} else {
			s.spreadBy(variances, first, n/32)
			s.Weigh(kernel.Given, 32)
		}
		s.SearchNonLinear(32)
	})
}

// QuantizeIQ4_NL quantizes one row to blocks of 32 values in 18 bytes: a
// float16 scale and levels of four bits.
func QuantizeIQ4_NL(dst []byte, src, weights []float32) {
	eachStrip(src, weights, func(s *strip, at int, x, w []float32) {
		n := len(x) / 32
		s.search4(x, w, 32)
		dst := dst[at/32*18:]
		for j, d := range s.fitScale[:n] {
			putHalf(dst[18*j:], d)
			s.inverse[j] = inverse(d)
		}
		kernel.NonLinearLevels(dst[2:], 18, x, s.inverse[:n])
	})
}

// QuantizeIQ4_XS quantizes one row to super-blocks of 256 values in 136
// bytes: a float16 scale, scales of six bits for 32 values each (high pairs,
// 2, then low nibbles, 4) and levels of four bits (128).
func QuantizeIQ4_XS(dst []byte, src, weights []float32) {
	eachStrip(src, weights, func(s *strip, at int, x, w []float32) {
		s.search4(x, w, superLen)
		for b := range len(x) / superLen {
			block, scales := dst[(at/superLen+b)*136:][:136], s.fitScale[8*b:][:8]
			d := -extreme(scales) / 32
			putHalf(block, d)
			clear(block[2:8])
			inv := inverse(d)
			var high uint16
			for j, scale := range scales {
				l := min(max(nearest(inv*scale), -32), 31)
				s.inverse[j] = inverse(d * float32(l))
				block[4+j/2] |= uint8(l+32) & 15 << (j % 2 * 4)
				high |= uint16(l+32) >> 4 << (2 * j)
			}
			binary.LittleEndian.PutUint16(block[2:], high)
			kernel.NonLinearLevels(block[8:], 16, x[b*superLen:][:superLen], s.inverse[:8])
		}
	})
}

// DequantizeIQ4_NL restores one row of IQ4_NL.
func DequantizeIQ4_NL(dst []float32, src []byte) {
	for i := 0; i+32 <= len(dst); i += 32 {
		block := src[i/32*18:][:18]
		expand4(dst[i:], block[2:], half(block))
	}
}

// DequantizeIQ4_XS restores one row of IQ4_XS.
func DequantizeIQ4_XS(dst []float32, src []byte) {
	for i := 0; i+superLen <= len(dst); i += superLen {
		block := src[i/superLen*136:][:136]
		d, high := half(block), binary.LittleEndian.Uint16(block[2:])
		for j := range superLen / 32 {
			l := int(block[4+j/2]>>(j%2*4)&15) | int(high>>(2*j)&3)<<4
			expand4(dst[i+32*j:], block[8+16*j:], d*float32(l-32))
		}
	}
}
