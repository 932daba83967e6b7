package block

import (
	"encoding/binary"
	"math"

	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/quantize/kernel"
)

// negligible is the magnitude below which a group counts as all zero.
const negligible = kernel.Negligible

func nearest(f float32) int32 { return kernel.Nearest(f) }

func truncate(f float32) int32 { return kernel.Truncate(f) }

func roundAway(f float32) int32 { return kernel.RoundAway(f) }

func abs(f float32) float32 { return kernel.Abs(f) }

// inverse is 1/d, and 0 for 0.
func inverse(d float32) float32 {
	if d == 0 {
		return 0
	}
	return 1 / d
}

func extreme(x []float32) float32 { return kernel.Extreme(x) }

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
