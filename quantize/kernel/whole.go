package kernel

import "math"

// A Form is a block type that a variant may write whole, without a search.
type Form uint8

// The forms, by the names of their types.
const (
	Q8_0 Form = iota
	Q4_0
	Q4_1
	Q5_0
	Q5_1
	TQ1_0
	TQ2_0
	Q2_0
	Signs // the bits of Q1_0: not its scales
	forms
)

var shapes = [forms]struct{ values, bytes int }{
	Q8_0: {32, 34},
	Q4_0: {32, 18}, Q4_1: {32, 20}, Q5_0: {32, 22}, Q5_1: {32, 24},
	TQ1_0: {256, 54}, TQ2_0: {256, 66},
	Q2_0: {64, 18}, Signs: {128, 18},
}

type (
	wholeKernel  func(dst *byte, src *float32, blocks int) int
	floatsKernel func(dst *byte, src *float32, blocks int, scale *float32)
)

// Whole writes blocks of src until one is degenerate: its scale is zero or
// extremely small or large, or the sign of a zero matters. It returns how
// many it wrote, and how many the caller has to write before Whole can go on:
// that one, or all where there is no kernel. Without assembly the caller is
// the specification.
func Whole(f Form, dst []byte, src []float32) (done, rest int) {
	shape := &shapes[f]
	blocks := len(src) / shape.values
	kernel := active.whole[f]
	if kernel == nil || blocks == 0 {
		return 0, blocks
	}
	_ = dst[blocks*shape.bytes-1]
	done = kernel(&dst[0], &src[0], blocks)
	return done, min(1, blocks-done)
}

// FourBitFloats writes the codes of MXFP4 (32 values to a scale) or NVFP4
// (16) in their blocks: the first of the codes whose value, in units of the
// scale, is nearest. It holds for scales above zero that have at most four bits
// and at least a millionth of the magnitude of their values, and for magnitudes
// up to 2^126. The caller writes the scales, and is the specification where
// this returns false, for there is no kernel.
func FourBitFloats(n int, dst []byte, src, scale []float32) bool {
	kernel, values, bytes := active.mxfp4, 32, 17
	if n == 16 {
		kernel, values, bytes = active.nvfp4, 64, 36
	}
	blocks := len(src) / values
	if kernel == nil || blocks == 0 {
		return false
	}
	_, _ = dst[blocks*bytes-1], scale[blocks*values/n-1]
	kernel(&dst[0], &src[0], blocks, &scale[0])
	return true
}

// Greatest sets dst to the greatest magnitude of each n values, 16 or 32.
func Greatest(dst, src []float32, n int) {
	kernel := active.magnitudes32
	if n == 16 {
		kernel = active.magnitudes16
	}
	if groups := len(src) / n; kernel != nil && groups > 0 {
		_ = dst[groups-1]
		kernel(&dst[0], &src[0], groups)
		return
	}
	for g := range len(src) / n {
		dst[g] = Magnitude(src[g*n:][:n])
	}
}

// Magnitude returns the greatest magnitude. Magnitudes compare like their
// bits.
func Magnitude(x []float32) float32 {
	var top uint32
	for _, v := range x {
		top = max(top, math.Float32bits(v)&^(1<<31))
	}
	return math.Float32frombits(top)
}
