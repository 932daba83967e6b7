package kernel

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
