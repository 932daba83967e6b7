package block

import (
	"math"

	"github.com/f190792d/mq/quantize/kernel"
)

// e2m1 holds the sixteen values of a 4-bit float with two exponent bits and
// one mantissa bit, doubled to be integers. The scales below are halved.
var e2m1 = [16]float32{0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12}

// nearestE2M1 returns the code whose value times scale is closest to x, the
// lowest code on a tie. Only values of x's sign can be strictly closer than
// code 0, so eight are looked at.
func nearestE2M1(x, scale float32) (code uint8) {
	first := uint8(0)
	if x < 0 {
		first = 8
	}
	best := abs(x)
	for c := first + 1; c < first+8; c++ {
		if e := abs(float32(e2m1[c]*scale) - x); e < best {
			best, code = e, c
		}
	}
	return code
}

// packE2M1 encodes x in len(x)/2 bytes: value j low, value j+len(x)/2 high.
func packE2M1(dst []byte, x []float32, scale float32) {
	n := len(x) / 2
	for j := range n {
		dst[j] = nearestE2M1(x[j], scale) | nearestE2M1(x[n+j], scale)<<4
	}
}

// packBetween is packE2M1 for what kernel.FourBitFloats holds for: a code is how many
// midpoints between values a magnitude exceeds.
func packBetween(dst []byte, x []float32, scale float32) {
	p0, p1, p2, p3, p4, p5, p6 := scale*0.5, scale*1.5, scale*2.5, scale*3.5, scale*5, scale*7, scale*10
	code := func(x float32) uint8 {
		m := abs(x)
		c := more(m, p0) + more(m, p1) + more(m, p2) + more(m, p3) + more(m, p4) + more(m, p5) + more(m, p6)
		return c | more(0, x)&more(m, p0)<<3
	}
	n := len(x) / 2
	for j, v := range x[:n] {
		dst[j] = code(v) | code(x[n+j])<<4
	}
}

// more is 1 where a > b.
func more(a, b float32) uint8 {
	if a > b {
		return 1
	}
	return 0
}

func unpackE2M1(y []float32, src []byte, scale float32) {
	n := len(y) / 2
	for j, b := range src[:n] {
		y[j], y[n+j] = e2m1[b&15]*scale, e2m1[b>>4]*scale
	}
}

// QuantizeMXFP4 quantizes one row to blocks of 32 values in 17 bytes: a power
// of two (E8M0) and 4-bit floats (OCP Microscaling Formats v1.0). Weights
// make no difference.
func QuantizeMXFP4(dst []byte, src, _ []float32) {
	eachStrip(src, nil, func(s *strip, at int, x, _ []float32) {
		dst, tops := dst[at/32*17:], s.fitScale[:len(x)/32]
		kernel.Greatest(tops, x, 32)
		for j, top := range tops {
			e := exponentE8M0(top)
			dst[17*j], s.inverse[j] = e, halfE8M0(e)
		}
		s.putFloats(dst, x, 32)
	})
}

// putFloats writes the codes of MXFP4 or NVFP4, the scales of whose n values
// are in s.inverse, their magnitudes in s.fitScale.
func (s *strip) putFloats(dst []byte, x []float32, n int) {
	scales := s.inverse[:len(x)/n]
	done := kernel.FourBitFloats(n, dst, x, scales)
	for j, scale := range scales {
		pack := packE2M1
		// Near the end of the range the values of codes are infinite.
		if s.fitScale[j] <= min(scale*(1<<20), 0x1p126) {
			if done {
				continue
			}
			pack = packBetween
		}
		if n == 32 {
			pack(dst[17*j+1:], x[32*j:][:32], scale)
		} else {
			pack(dst[j/4*36+4+j%4*8:], x[16*j:][:16], scale)
		}
	}
}

// DequantizeMXFP4 is the inverse of QuantizeMXFP4.
func DequantizeMXFP4(dst []float32, src []byte) {
	for i := 0; i+32 <= len(dst); i += 32 {
		block := src[i/32*17:][:17]
		unpackE2M1(dst[i:i+32], block[1:], halfE8M0(block[0]))
	}
}

// exponentE8M0 is the biased exponent that puts top between 4 and 8 units.
// The logarithm is rounded to float32 before its floor is taken: a value just
// below a power of two counts as that power. Tiny values wrap around.
func exponentE8M0(top float32) uint8 {
	if !(top > 0) {
		return 0
	}
	if bits := math.Float32bits(top); bits >= 1<<23 && bits&0x7fffff < 0x7fff00 {
		return uint8(bits>>23 - 2) // the logarithm is not rounded up
	}
	log := float32(math.Log2(float64(top)))
	return uint8(truncate(float32(math.Floor(float64(log))) - 2 + 127))
}

// halfE8M0 is 2^(e-128).
func halfE8M0(e uint8) float32 {
	if e < 2 {
		return math.Float32frombits(0x200000 << e)
	}
	return math.Float32frombits(uint32(e-1) << 23)
}

// QuantizeNVFP4 quantizes one row to blocks of 64 values in 36 bytes: four
// unsigned E4M3 scales, one for 16 values, and 4-bit floats. Weights make no
// difference.
func QuantizeNVFP4(dst []byte, src, _ []float32) {
	eachStrip(src, nil, func(s *strip, at int, x, _ []float32) {
		dst, tops := dst[at/64*36:], s.fitScale[:len(x)/16]
		kernel.Greatest(tops, x, 16)
		for j, top := range tops {
			e := toUE4M3(top / 6)
			dst[j/4*36+j%4], s.inverse[j] = e, halvesUE4M3[e&0x7f]
		}
		s.putFloats(dst, x, 16)
	})
}

// DequantizeNVFP4 is the inverse of QuantizeNVFP4.
func DequantizeNVFP4(dst []float32, src []byte) {
	for i := 0; i+64 <= len(dst); i += 64 {
		block := src[i/64*36:][:36]
		for s := range 4 {
			unpackE2M1(dst[i+16*s:][:16], block[4+8*s:][:8], halfUE4M3(block[s]))
		}
	}
}

// halfUE4M3 is half the value of an unsigned 8-bit float with four exponent
// bits (bias 7) and three mantissa bits; 0x7f is none and reads as 0.
func halfUE4M3(v uint8) float32 {
	exp, man := int(v>>3&15), float32(v&7)
	switch {
	case v == 0x7f:
		return 0
	case exp == 0:
		return man * 0x1p-10
	}
	return float32(math.Ldexp(float64(1+man/8), exp-8))
}

// halvesUE4M3 holds what halfUE4M3 gives for what toUE4M3 gives. A scale of 0
// makes every code 0, and so does a scale that is large enough.
var halvesUE4M3 = func() (table [128]float32) {
	for i := range table {
		table[i] = halfUE4M3(uint8(i))
	}
	table[0] = math.MaxFloat32 / 16
	return table
}()

// toUE4M3 rounds to E4M3 with halves up. What is not positive becomes 0, and
// what rounds to 256 or more becomes 448: the last binade is not used.
func toUE4M3(f float32) uint8 {
	if !(f > 0) {
		return 0
	}
	const mantissa, bias = 3, 127 - 7
	bits := math.Float32bits(f)
	if bits>>23 <= bias {
		return uint8(min(int32(float32(f*512)+0.5), 7))
	}
	rounded := (bits>>(23-mantissa-1)+1)>>1 - bias<<mantissa
	if rounded >= 15<<mantissa {
		return 0x7e
	}
	return uint8(rounded)
}
