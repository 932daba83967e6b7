package kernel

// A Rounding bounds levels: each is low…high, stored as level - low.
type Rounding struct{ Low, High int32 }

// Divide rounds (x+offset)/scale to levels. Each run of n values, 16 or 32,
// has its scale and offset.
func (r Rounding) Divide(levels []uint8, x []float32, n int, scale, offset []float32) {
	done := r.run(active.divide, levels, x, n, scale, offset)
	r.divide(levels[done:], x[done:], n, scale[done/n:], offset[done/n:])
}

// Multiply rounds (x+offset)·scale to levels, else as Divide.
func (r Rounding) Multiply(levels []uint8, x []float32, n int, scale, offset []float32) {
	done := r.run(active.multiply, levels, x, n, scale, offset)
	r.multiply(levels[done:], x[done:], n, scale[done/n:], offset[done/n:])
}

// run lets an assembly kernel do what it can, 32 values at a time.
func (r Rounding) run(kernel roundKernel, levels []uint8, x []float32, n int, scale, offset []float32) (done int) {
	if done = len(x) &^ 31; kernel == nil || done == 0 {
		return 0
	}
	_, _, _ = levels[done-1], scale[done/n-1], offset[done/n-1]
	kernel(&levels[0], &x[0], done, n, &scale[0], &offset[0], r.Low, r.High)
	return done
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
