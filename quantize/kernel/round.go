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
	// one maximum finds both; as arithmetic, for no jump could guess it. Four
	// run side by side, since each step waits for the last.
	var tops [4]int64
	i := 0
	for ; i+4 <= len(x); i += 4 {
		four := x[i:][:4]
		tops[0] = higher(tops[0], four[0], i)
		tops[1] = higher(tops[1], four[1], i+1)
		tops[2] = higher(tops[2], four[2], i+2)
		tops[3] = higher(tops[3], four[3], i+3)
	}
	for ; i < len(x); i++ {
		tops[0] = higher(tops[0], x[i], i)
	}
	top := max(max(tops[0], tops[1]), max(tops[2], tops[3]))
	if top>>32 == 0 {
		return 0
	}
	return x[^uint32(top)]
}

// higher is the greater of top and the magnitude of v before its place, unless that is NaN.
func higher(top int64, v float32, place int) int64 {
	magnitude := math.Float32bits(v) &^ (1 << 31)
	if magnitude > 0xff<<23 {
		magnitude = 0
	}
	less := top - (int64(magnitude)<<32 | int64(^uint32(place)))
	return top - less&(less>>63)
}

// level is the nearest integer within bounds, as a float.
func level(f float32, low, high int32) float32 {
	return float32(min(max(Nearest(f), low), high))
}
