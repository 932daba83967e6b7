package block

// sumSquares is Σx², added in order.
func sumSquares(x []float32) (sum float32) {
	for _, v := range x {
		sum += float32(v * v)
	}
	return sum
}

// sumSquaresEach is sumSquares of each n values. Four at a time wait for each
// other's additions less than one alone.
func sumSquaresEach(sums, x []float32, n int) {
	for ; len(sums) >= 4; sums, x = sums[4:], x[4*n:] {
		a, b, c, d := x[:n], x[n:][:n], x[2*n:][:n], x[3*n:][:n]
		var sa, sb, sc, sd float32
		for i := range a {
			sa += float32(a[i] * a[i])
			sb += float32(b[i] * b[i])
			sc += float32(c[i] * c[i])
			sd += float32(d[i] * d[i])
		}
		sums[0], sums[1], sums[2], sums[3] = sa, sb, sc, sd
	}
	for i := range sums {
		sums[i] = sumSquares(x[i*n:][:n])
	}
}

// squares sets w = x².
func squares(w, x []float32) {
	w = w[:len(x)]
	for i, v := range x {
		w[i] = v * v
	}
}
