package kernel

// A Rounding bounds levels: each is low…high, stored as level - low.
type Rounding struct{ Low, High int32 }

// Divide rounds (x+offset)/scale to levels. Each run of n values, 16 or 32,
// has its scale and offset; len(x) is a multiple of 32.
func (r Rounding) Divide(levels []uint8, x []float32, n int, scale, offset []float32) {
	if active.divide != nil {
		r.run(active.divide, levels, x, n, scale, offset)
		return
	}
	r.divide(levels, x, n, scale, offset)
}

// Multiply rounds (x+offset)·scale to levels, else as Divide.
func (r Rounding) Multiply(levels []uint8, x []float32, n int, scale, offset []float32) {
	if active.multiply != nil {
		r.run(active.multiply, levels, x, n, scale, offset)
		return
	}
	r.multiply(levels, x, n, scale, offset)
}

// run calls an assembly kernel, which takes 32 values at a time.
func (r Rounding) run(kernel roundKernel, levels []uint8, x []float32, n int, scale, offset []float32) {
	runs := len(x) / n
	_, _, _ = levels[len(x)-1], scale[runs-1], offset[runs-1]
	kernel(&levels[0], &x[0], len(x), n, &scale[0], &offset[0], r.Low, r.High)
}

func (r Rounding) divide(levels []uint8, x []float32, n int, scale, offset []float32) {
	for i, v := range x {
		j := i / n
		levels[i] = r.level((v + offset[j]) / scale[j])
	}
}

func (r Rounding) multiply(levels []uint8, x []float32, n int, scale, offset []float32) {
	for i, v := range x {
		j := i / n
		levels[i] = r.level((v + offset[j]) * scale[j])
	}
}

func (r Rounding) level(f float32) uint8 {
	return uint8(min(max(Nearest(f), r.Low), r.High) - r.Low)
}
