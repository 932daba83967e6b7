package kernel

import "math"

// gemmGeneric is the specification of the product. It is also what runs
// where no assembly does, in blocks of four columns.
func gemmGeneric(rows, depth int, a []float32, lda int, b []float32, width int, c []float32, ldc int, add bool) {
	for r := range rows {
		x := a[r*lda : r*lda+depth]
		y := c[r*ldc : r*ldc+width]
		for n := 0; n < width; n += 4 {
			var s0, s1, s2, s3 float32
			column := b[n:]
			for _, v := range x {
				w := column[:4]
				s0 += v * w[0]
				s1 += v * w[1]
				s2 += v * w[2]
				s3 += v * w[3]
				if len(column) > width {
					column = column[width:]
				}
			}
			if add {
				s0, s1, s2, s3 = s0+y[n], s1+y[n+1], s2+y[n+2], s3+y[n+3]
			}
			y[n], y[n+1], y[n+2], y[n+3] = s0, s1, s2, s3
		}
	}
}

// transposeGeneric writes element [r][k] of src to dst[k·dstStride+r].
func transposeGeneric(dst []float32, dstStride int, src []float32, srcStride, rows, columns int) {
	for r := range rows {
		for k, v := range src[r*srcStride:][:columns] {
			dst[k*dstStride+r] = v
		}
	}
}

// expGeneric is Cephes' expf with the limits of its normal range: 0 below
// -87.3, the largest finite values above 88.3.
func expGeneric(x float32) float32 {
	switch {
	case x < -87.33654:
		return 0
	case x > 88.37626:
		x = 88.37626
	case x != x:
		return x
	}
	n := float32(math.RoundToEven(float64(x * 1.44269504088896341)))
	x -= float32(n * 0.693359375)
	x -= float32(n * -2.12194440e-4)
	p := float32(1.9875691500e-4)
	for _, c := range [...]float32{1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1} {
		p = float32(p*x) + c
	}
	return (float32(p*(x*x)) + x + 1) * math.Float32frombits(uint32(int32(n)+127)<<23)
}
