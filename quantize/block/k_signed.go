package block

import (
	"math"

	"github.com/f190792d/mq/quantize/kernel"
)

// K types without minima: x ≈ d·scale·(level-zero), with a float16 d in a
// super-block of 256 and a signed integer scale in a sub-block of 16.

var (
	levels3, levels6 = kernel.Rounding{Low: -4, High: 3}, kernel.Rounding{Low: -32, High: 31}
	levels8          = kernel.Rounding{Low: -128, High: 127}
	search3, search6 = kernel.NewScaleSearch(4), kernel.NewScaleSearch(32)
	noOffset         [stripLen / 16]float32
)

// QuantizeQ3_K quantizes one row to super-blocks of 256 values in 110 bytes:
// the third bits (32), low bit pairs (64), 16 scales of six bits (12), d (2).
func QuantizeQ3_K(dst []byte, src, weights []float32) {
	fit, keep := fitWeighted3, (*strip).keepRounded
	if weights == nil {
		fit, keep = fitPlain3, (*strip).keepDescended
	}
	eachStrip(src, weights, func(s *strip, at int, x, w []float32) {
		dst := dst[at/superLen*110:][:len(x)/superLen*110]
		fit(s, x, w)
		for b := range len(x) / superLen {
			block, codes := dst[110*b:][:110], (*[16]uint8)(s.codes[16*b:])
			putScales3(block[96:108], codes)
			d := putHalf(block[108:], s.d[b])
			read := s.readScale[16*b:][:16]
			for j, l := range codes {
				read[j] = d * float32(int32(l)-32)
			}
		}
		levels3.Divide(s.levels[:], x, 16, s.readScale[:], noOffset[:])
		keep(s, levels3, x, s.zeros(len(x)/16))
		for b := range len(x) / superLen {
			block, levels := dst[110*b:][:110], (*[superLen]uint8)(s.levels[superLen*b:])
			kernel.PackBits((*[32]uint8)(block), levels, 2)
			kernel.PackPairs((*[64]uint8)(block[32:]), levels)
		}
	})
}

// fitPlain3 finds scales by descent, and spans the largest of each super-block.
func fitPlain3(s *strip, x, _ []float32) {
	s.descendEach(x)
	n := len(x) / 16
	kernel.Extremes(s.inverse[:], s.fitScale[:n], 16)
	for b := range n / 16 {
		s.inverse[b] = -32 / s.inverse[b]
		s.d[b] = 1 / s.inverse[b]
	}
	levels6.Multiply(s.codes[:], s.fitScale[:n], 16, s.inverse[:], noOffset[:])
	for b := range n / 16 {
		// All are 0, or so small that the quotient overflows.
		if math.IsInf(float64(s.inverse[b]), 0) {
			s.d[b] = spanSigned(s.fitScale[16*b:][:16], s.codes[16*b:][:16])
		}
	}
}

// fitWeighted3 searches scales under the importance weights, and then each
// super-block's d under the sums of these.
func fitWeighted3(s *strip, x, w []float32) {
	variances := s.variances(x, 2)
	s.eachTile(x, w, 16, func(first int) {
		s.spreadBy(variances, first, 16)
		s.Weigh(kernel.Given, 16)
		s.SearchScale(&search3, 16)
	})
	n := len(x) / 16
	s.Load(s.fitScale[:n], 16)
	s.LoadWeights(s.sum[:n], 16)
	s.SearchScale(&search6, 16)
	levels6.Multiply(s.codes[:], s.fitScale[:n], 16, s.Inverse[:], noOffset[:])
	for b := range n / 16 {
		s.d[b] = s.Scale[b]
		if s.Inverse[b] == 0 {
			clear(s.codes[16*b:][:16])
		}
	}
}

// spanSigned rounds scales to six bits so that the one of largest magnitude
// becomes -32 (stored as 0).
func spanSigned(scales []float32, levels []uint8) float32 {
	top := extreme(scales)
	if top == 0 {
		clear(levels)
		return 0
	}
	inv := -32 / top
	for j, s := range scales {
		levels[j] = uint8(min(max(int32(int8(nearest(inv*s))), -32), 31) + 32)
	}
	return 1 / inv
}

// keepRounded gives sub-blocks of 16 values the levels of their search. Those
// of a negligible one are stored as 0.
func (s *strip) keepRounded(r kernel.Rounding, x []float32, groups []uint8) {
	for _, j := range groups {
		levels := s.levels[16*int(j):][:16]
		if s.inverse[j] == 0 {
			clear(levels)
			continue
		}
		r.Multiply(levels, x[16*int(j):][:16], 16, s.inverse[j:], noOffset[:])
	}
}

// putScales3 stores 16 scales of six bits in 12 bytes: low nibbles j and j+8
// in byte j, high pairs j, j+4, j+8, j+12 in byte 8+j.
func putScales3(dst []byte, scales *[16]uint8) {
	le.PutUint64(dst, pick(scales[:], 0, 15)|pick(scales[8:], 0, 15)<<4)
	low, high := pick(scales[:], 4, 3), pick(scales[8:], 4, 3)
	le.PutUint32(dst[8:], uint32(low)|uint32(low>>32)<<2|uint32(high)<<4|uint32(high>>32)<<6)
}

func scales3(scales *[16]uint8, src []byte) {
	for j := range 8 {
		scales[j], scales[j+8] = src[j]&15, src[j]>>4
	}
	for j := range 16 {
		scales[j] |= src[8+j&3] >> (j >> 2 * 2) & 3 << 4
	}
}

// DequantizeQ3_K is the inverse of QuantizeQ3_K.
func DequantizeQ3_K(dst []float32, src []byte) {
	var levels [superLen]uint8
	var scales [16]uint8
	for i := 0; i+superLen <= len(dst); i += superLen {
		block := src[i/superLen*110:][:110]
		unpackPairs(&levels, block[32:96])
		unpackBits(&levels, block, 2)
		scales3(&scales, block[96:108])
		d := half(block[108:])
		for j, s := range scales {
			scaleSigned(dst[i+16*j:][:16], levels[16*j:], d*float32(int32(s)-32), 4)
		}
	}
}

func scaleSigned(y []float32, levels []uint8, scale float32, zero int32) {
	levels = levels[:len(y)]
	for i, l := range levels {
		y[i] = scale * float32(int32(l)-zero)
	}
}

// signs8 turns eight bytes from 0 up into signed ones from -128 up.
const signs8 = 0x8080808080808080

// QuantizeQ6_K quantizes one row to super-blocks of 256 values in 210 bytes:
// low nibbles (128), high bit pairs (64), 16 signed scales (16), d (2). A
// super-block of negligible scales is all zero bytes.
func QuantizeQ6_K(dst []byte, src, weights []float32) {
	eachStrip(src, weights, func(s *strip, at int, x, w []float32) {
		dst := dst[at/superLen*210:][:len(x)/superLen*210]
		s.eachTile(x, w, 16, func(int) {
			if w == nil {
				s.Weigh(kernel.Squares, 16)
			}
			s.SearchScale(&search6, 16)
		})
		s.spanScales8(len(x) / 16)
		for b := range len(x) / superLen {
			s.putScales8(dst[210*b+192:][:18], b)
		}
		levels6.Divide(s.levels[:], x, 16, s.readScale[:], noOffset[:])
		s.keepRounded(levels6, x, s.zeros(len(x)/16))
		for b := range len(x) / superLen {
			block := dst[210*b:][:210]
			if s.d[b] == 0 {
				clear(block)
				continue
			}
			kernel.PackSix((*[192]uint8)(block), (*[superLen]uint8)(s.levels[superLen*b:]))
		}
	})
}

// spanScales8 rounds n scales to bytes so that the one of largest magnitude of
// each super-block becomes -128. The d of a super-block where all is negligible is 0.
func (s *strip) spanScales8(n int) {
	inverses := s.dmin[:n/16]
	kernel.Extremes(inverses, s.fitScale[:n], 16)
	for b, top := range inverses {
		inverses[b] = -128 / top
		s.d[b] = 1 / inverses[b]
		if abs(top) < negligible {
			s.d[b] = 0
		}
	}
	levels8.Multiply(s.codes[:], s.fitScale[:n], 16, inverses, noOffset[:])
}

// putScales8 stores the 16 scales of super-block b as signed bytes, and d.
func (s *strip) putScales8(dst []byte, b int) {
	d := putHalf(dst[16:], s.d[b])
	codes := s.codes[16*b:][:16]
	le.PutUint64(dst, le.Uint64(codes)^signs8)
	le.PutUint64(dst[8:], le.Uint64(codes[8:])^signs8)
	read := s.readScale[16*b:][:16]
	for j, l := range codes {
		read[j] = d * float32(int32(l)-128)
	}
}

// unpack6 is the inverse of kernel.PackSix.
func unpack6(levels *[superLen]uint8, block []byte) {
	for h := range 2 {
		levels := levels[128*h:][:128]
		low, high := block[64*h:][:64], block[128+32*h:][:32]
		for b, v := range low {
			levels[b], levels[b+64] = v&15, v>>4
		}
		for b, v := range high {
			levels[b] |= v & 3 << 4
			levels[b+32] |= v >> 2 & 3 << 4
			levels[b+64] |= v >> 4 & 3 << 4
			levels[b+96] |= v >> 6 << 4
		}
	}
}

// DequantizeQ6_K is the inverse of QuantizeQ6_K.
func DequantizeQ6_K(dst []float32, src []byte) {
	var levels [superLen]uint8
	for i := 0; i+superLen <= len(dst); i += superLen {
		block := src[i/superLen*210:][:210]
		unpack6(&levels, block)
		d := half(block[208:])
		for j, s := range block[192:208] {
			scaleSigned(dst[i+16*j:][:16], levels[16*j:], d*float32(int8(s)), 32)
		}
	}
}
