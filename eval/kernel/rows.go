package kernel

// Exp stores e^(src-shift) in dst and returns the sum. Terms below e^-87.3
// are 0. Partial sums of 256 elements are float32, their sum is float64.
// dst and src may be the same slice.
func Exp(dst, src []float32, shift float32) float64 {
	dst = dst[:len(src)]
	total := 0.0
	for len(src) > 0 {
		n := min(len(src), 256)
		fast := 0
		if active.exp != nil && n >= 8 {
			fast = n &^ 7
			total += float64(active.exp(&dst[0], &src[0], fast, shift))
		}
		sum := float32(0)
		for i := fast; i < n; i++ {
			dst[i] = expGeneric(src[i] - shift)
			sum += dst[i]
		}
		total += float64(sum)
		dst, src = dst[n:], src[n:]
	}
	return total
}

// SwiGLU replaces gate by silu(gate)·up, where silu(x) = x / (1 + e^-x).
func SwiGLU(gate, up []float32) {
	up = up[:len(gate)]
	fast := 0
	if active.swiglu != nil && len(gate) >= 8 {
		fast = len(gate) &^ 7
		active.swiglu(&gate[0], &up[0], fast)
	}
	for i := fast; i < len(gate); i++ {
		gate[i] = gate[i] / (1 + expGeneric(-gate[i])) * up[i]
	}
}

// Max returns the largest element of a row that is not empty.
func Max(row []float32) float32 {
	m, fast := row[0], 0
	if active.max != nil && len(row) >= 8 {
		fast = len(row) &^ 7
		m = active.max(&row[0], fast)
	}
	for _, v := range row[fast:] {
		m = max(m, v)
	}
	return m
}

// AddSquares adds the square of each element of a row to its sum. Squares of
// float32 are exact in float64, so each addition rounds once.
func AddSquares(sums []float64, row []float32) {
	sums = sums[:len(row)]
	fast := 0
	if active.squares != nil && len(row) >= 8 {
		fast = len(row) &^ 7
		active.squares(&sums[0], &row[0], fast)
	}
	for i := fast; i < len(row); i++ {
		sums[i] += float64(float64(row[i]) * float64(row[i]))
	}
}
