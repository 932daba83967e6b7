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

// Extreme returns the value of largest magnitude; the first one on a tie.
func Extreme(x []float32) float32 {
	var magnitude, value float32
	for _, v := range x {
		if a := Abs(v); a > magnitude {
			magnitude, value = a, v
		}
	}
	return value
}

// level is the nearest integer within bounds, as a float.
func level(f float32, low, high int32) float32 {
	return float32(min(max(Nearest(f), low), high))
}
