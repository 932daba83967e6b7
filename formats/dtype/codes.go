package dtype

// ScaleCodes computes (code - offset) · scale for a row of whole numbers. Each
// run of size codes has a scale and an offset; the last one may be shorter.
func ScaleCodes(dst []float32, codes []byte, scale, offset []float32, size int) {
	dst, codes, scale, offset = inVectors(fast.scale, dst, codes, scale, offset, size)
	eachGroup(dst, codes, size, func(dst []float32, codes []byte, g int) {
		s, o := scale[g], offset[g]
		for i, c := range codes {
			dst[i] = float32(float32(c)-o) * s
		}
	})
}

// MoveCodes computes code · scale + offset, with two roundings, of the like.
func MoveCodes(dst []float32, codes []byte, scale, offset []float32, size int) {
	dst, codes, scale, offset = inVectors(fast.move, dst, codes, scale, offset, size)
	eachGroup(dst, codes, size, func(dst []float32, codes []byte, g int) {
		s, o := scale[g], offset[g]
		for i, c := range codes {
			dst[i] = float32(float32(c)*s) + o
		}
	})
}

// inVectors computes whole groups with a kernel and returns what is left.
func inVectors(kernel func(*float32, *byte, *float32, *float32, int, int), dst []float32, codes []byte, scale, offset []float32, size int) ([]float32, []byte, []float32, []float32) {
	groups := len(dst) / size
	if kernel == nil || groups == 0 || size%run != 0 {
		return dst, codes, scale, offset
	}
	n := groups * size
	_, _, _ = codes[n-1], scale[groups-1], offset[groups-1]
	kernel(&dst[0], &codes[0], &scale[0], &offset[0], groups, size)
	return dst[n:], codes[n:], scale[groups:], offset[groups:]
}

func eachGroup(dst []float32, codes []byte, size int, f func(dst []float32, codes []byte, g int)) {
	for g := 0; len(dst) > 0; g++ {
		n := min(size, len(dst))
		f(dst[:n:n], codes[:n:n], g)
		dst, codes = dst[n:], codes[n:]
	}
}
