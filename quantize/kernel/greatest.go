package kernel

import (
	"math"
	"unsafe"
)

// GreatestBits returns the greatest magnitude, by its bits, of the floats of
// 2 or 4 bytes in the first n bytes of src. n is 0 without assembly.
func GreatestBits(src []byte, width int) (bits uint32, n int) {
	n = len(src) &^ 127
	switch {
	case n == 0:
	case width == 2 && active.greatest16 != nil:
		return uint32(active.greatest16(&src[0], n)), n
	case width == 4 && active.greatest32 != nil:
		return active.greatest32(&src[0], n), n
	}
	return 0, 0
}

// GreatestFloat returns the greatest magnitude of the first n values of x, NaN
// above all. n is 0 without assembly.
func GreatestFloat(x []float32) (greatest float32, n int) {
	n = len(x) &^ 31
	if n == 0 || active.greatest32 == nil {
		return 0, 0
	}
	return math.Float32frombits(active.greatest32((*byte)(unsafe.Pointer(&x[0])), 4*n)), n
}
