package kernel

import "math"

// Nearest rounds to the nearest integer, ties to even. Adding 1.5·2^23 moves
// the integer into the low mantissa bits. Beyond ±2^22, at infinities and at
// NaN the result is what those bits happen to say: it is part of the formats,
// since degenerate blocks reach it. The conversion keeps a product
// passed in from being fused with the addition.
func Nearest(f float32) int32 {
	return int32(math.Float32bits(float32(f)+12582912)&0x7fffff) - 0x400000
}

// Abs is |f|.
func Abs(f float32) float32 { return math.Float32frombits(math.Float32bits(f) &^ (1 << 31)) }

// Extreme returns the value of largest magnitude; the first one on a tie, and
// 0 where there is none but NaN.
func Extreme(x []float32) float32 {
	// Magnitudes have the order of their bits. With the place after them
	// one maximum finds both; as arithmetic, for no jump could guess it.
	var top int64
	for i, v := range x {
		magnitude := math.Float32bits(v) &^ (1 << 31)
		if magnitude > 0xff<<23 { // NaN
			magnitude = 0
		}
		less := top - (int64(magnitude)<<32 | int64(^uint32(i)))
		top -= less & (less >> 63)
	}
	if top>>32 == 0 {
		return 0
	}
	return x[^uint32(top)]
}

// level is the nearest integer within bounds, as a float.
func level(f float32, low, high int32) float32 {
	return float32(min(max(Nearest(f), low), high))
}
