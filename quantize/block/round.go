package block

import (
	"encoding/binary"
	"math"

	"github.com/f190792d/mq/formats/dtype"
)

// nearest rounds to the nearest integer, ties to even. Adding 1.5·2^23 moves
// the integer into the low mantissa bits. Beyond ±2^22, at infinities and at
// NaN the result is what those bits happen to say: it is part of the format,
// since degenerate blocks reach it. The conversion keeps a product
// passed in from being fused with the addition.
func nearest(f float32) int32 {
	return int32(math.Float32bits(float32(f)+12582912)&0x7fffff) - 0x400000
}

// truncate converts toward zero. What does not fit, NaN included, becomes
// the lowest int32 on every machine, as on x86-64.
func truncate(f float32) int32 {
	if f >= -0x1p31 && f < 0x1p31 {
		return int32(f)
	}
	return math.MinInt32
}

// roundAway rounds to the nearest integer, ties away from zero; what does
// not fit becomes the lowest int32.
func roundAway(f float32) int32 {
	i := truncate(f)
	if i == math.MinInt32 {
		return i
	}
	switch rest := float32(f) - float32(i); {
	case rest >= 0.5:
		i++
	case rest <= -0.5:
		i--
	}
	return i
}

func abs(f float32) float32 { return math.Float32frombits(math.Float32bits(f) &^ (1 << 31)) }

func sqrt(f float32) float32 { return float32(math.Sqrt(float64(f))) }

// inverse is 1/d, and 0 for 0.
func inverse(d float32) float32 {
	if d == 0 {
		return 0
	}
	return 1 / d
}

// extreme returns the value of largest magnitude; the first one on a tie.
func extreme(x []float32) float32 {
	var magnitude, value float32
	for _, v := range x {
		if a := abs(v); a > magnitude {
			magnitude, value = a, v
		}
	}
	return value
}

// bounds returns the least and the greatest value.
func bounds(x []float32) (lo, hi float32) {
	lo, hi = math.MaxFloat32, -math.MaxFloat32
	for _, v := range x {
		if v < lo {
			lo = v
		}
		if v > hi {
			hi = v
		}
	}
	return lo, hi
}

func half(src []byte) float32 { return dtype.F16ToF32(binary.LittleEndian.Uint16(src)) }

// putHalf stores f as float16 and returns the value stored. A NaN, which only
// overflowing sums give, gets the sign that x86-64 gives to new NaNs.
func putHalf(dst []byte, f float32) float32 {
	h := dtype.F32ToF16(f)
	if f != f {
		h |= 0x8000
	}
	binary.LittleEndian.PutUint16(dst, h)
	return dtype.F16ToF32(h)
}

// signed negates f if the lowest bit of minus is set.
func signed(f float32, minus uint8) float32 {
	return math.Float32frombits(math.Float32bits(f) ^ uint32(minus)<<31)
}
