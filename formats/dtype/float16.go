package dtype

import "math"

// F16ToF32 gives the exact value of an IEEE half. A NaN comes out quiet.
func F16ToF32(h uint16) float32 {
	sign := uint32(h&0x8000) << 16
	magnitude := uint32(h & 0x7fff)
	switch {
	case magnitude < 0x0400: // zero and subnormals: multiples of 2^-24
		return math.Float32frombits(math.Float32bits(float32(magnitude)*0x1p-24) | sign)
	case magnitude < 0x7c00:
		return math.Float32frombits((magnitude<<13 + 112<<23) | sign)
	case magnitude == 0x7c00:
		return math.Float32frombits(0x7f800000 | sign)
	}
	return math.Float32frombits(0x7fc00000 | magnitude<<13 | sign)
}

// F32ToF16 rounds to the nearest half, ties to even. Values of 65520 and more
// become infinity; every NaN becomes 0x7e00 with its sign, as in ggml.
func F32ToF16(f float32) uint16 {
	bits := math.Float32bits(f)
	sign := uint16(bits >> 16 & 0x8000)
	magnitude := bits & 0x7fffffff
	switch {
	case magnitude > 0x7f800000:
		return sign | 0x7e00
	case magnitude >= 0x47800000: // 2^16
		return sign | 0x7c00
	case magnitude >= 0x38800000: // 2^-14, the least normal half
		magnitude += 0x0fff + magnitude>>13&1
		return sign | uint16((magnitude-112<<23)>>13)
	}
	// In [0.5, 1) a float32 has the spacing 2^-24 of a subnormal half, so
	// the addition does the rounding.
	sum := math.Float32frombits(magnitude) + 0.5
	return sign | uint16(math.Float32bits(sum)-0x3f000000)
}

// BF16ToF32 gives the exact value of a bfloat16.
func BF16ToF32(b uint16) float32 { return math.Float32frombits(uint32(b) << 16) }

// F32ToBF16 rounds to the nearest bfloat16, ties to even. A NaN keeps the top
// of its payload and is made quiet, as in ggml.
func F32ToBF16(f float32) uint16 {
	bits := math.Float32bits(f)
	if bits&0x7fffffff > 0x7f800000 {
		return uint16(bits>>16) | 0x40
	}
	return uint16((bits + 0x7fff + bits>>16&1) >> 16)
}
