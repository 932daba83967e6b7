package block

// sumSquares is Σx², added in order.
func sumSquares(x []float32) (sum float32) {
	for _, v := range x {
		sum += float32(v * v)
	}
	return sum
}

// importance sets w = weights·√(variance + x²): what an importance matrix
// says of a column, times how much this value stands out. It returns Σw.
func importance(w, x, weights []float32, variance float32) (sum float32) {
	w, weights = w[:len(x)], weights[:len(x)]
	for i, v := range x {
		w[i] = float32(weights[i] * sqrt(variance+float32(v*v)))
		sum += w[i]
	}
	return sum
}

// squares sets w = x².
func squares(w, x []float32) {
	w = w[:len(x)]
	for i, v := range x {
		w[i] = v * v
	}
}

// magnitudes sets w = floor + |x|.
func magnitudes(w, x []float32, floor float32) {
	w = w[:len(x)]
	for i, v := range x {
		w[i] = floor + abs(v)
	}
}
