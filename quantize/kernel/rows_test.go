package kernel

import (
	"math"
	"math/rand/v2"
)

// samples make the values of a group: well-behaved, degenerate and extreme.
var samples = []struct {
	name string
	fill func(r *rand.Rand, x []float32)
}{
	{"bell", each(func(r *rand.Rand) float32 { return float32(r.NormFloat64()) })},
	{"positive", each(func(r *rand.Rand) float32 { return r.Float32() })},
	{"negative", each(func(r *rand.Rand) float32 { return -r.Float32() })},
	{"offset", each(func(r *rand.Rand) float32 { return 3 + r.Float32()/16 })},
	{"offset down", each(func(r *rand.Rand) float32 { return -3 - r.Float32()/16 })},
	{"sparse", each(func(r *rand.Rand) float32 { return float32(r.NormFloat64()) * float32(max(0, r.IntN(8)-6)) })},
	{"zeros of both signs", each(func(r *rand.Rand) float32 { return math.Float32frombits(r.Uint32() & (1 << 31)) })},
	{"one value", func(r *rand.Rand, x []float32) {
		v := float32(r.NormFloat64())
		for i := range x {
			x[i] = v
		}
	}},
	{"ties", each(func(r *rand.Rand) float32 { return float32(r.IntN(32)-16) / 2 })},
	{"opposites", each(func(r *rand.Rand) float32 { return float32(r.IntN(2)*2-1) * 0.3 })},
	{"ternary", each(func(r *rand.Rand) float32 { return float32(r.IntN(3)-1) / 32 })},
	{"near 1", each(func(r *rand.Rand) float32 { return math.Float32frombits(0x3f800000 + r.Uint32N(4)) })},
	{"near -1", each(func(r *rand.Rand) float32 { return math.Float32frombits(0xbf800000 + r.Uint32N(4)) })},
	{"binades", each(func(r *rand.Rand) float32 {
		return float32(math.Ldexp(r.NormFloat64(), r.IntN(32)-16))
	})},
	{"outlier", func(r *rand.Rand, x []float32) {
		for i := range x {
			x[i] = r.Float32() * 1e-4
		}
		x[r.IntN(len(x))] = float32(r.NormFloat64()) * 1e4
	}},
	{"negligible", each(func(r *rand.Rand) float32 { return float32(r.NormFloat64()) * 0x1p-49 })},
	{"tiny", each(func(r *rand.Rand) float32 { return float32(r.NormFloat64()) * 0x1p-102 })},
	{"denormal", each(func(r *rand.Rand) float32 { return math.Float32frombits(r.Uint32() & 0x807fffff) })},
	{"huge", each(func(r *rand.Rand) float32 { return float32(r.NormFloat64()) * 0x1p99 })},
	{"any finite", each(func(r *rand.Rand) float32 { return finite(r.Uint32()) })},
}

func each(value func(r *rand.Rand) float32) func(*rand.Rand, []float32) {
	return func(r *rand.Rand, x []float32) {
		for i := range x {
			x[i] = value(r)
		}
	}
}

// finite makes any bits those of a finite number.
func finite(bits uint32) float32 {
	if bits&0x7f800000 == 0x7f800000 {
		bits &^= 1 << 23
	}
	return math.Float32frombits(bits)
}

// weighings make the weights of a group from its values.
var weighings = []struct {
	name string
	fill func(r *rand.Rand, w, x []float32)
}{
	{"squares", func(_ *rand.Rand, w, x []float32) {
		for i, v := range x {
			w[i] = v * v
		}
	}},
	{"uneven", func(r *rand.Rand, w, _ []float32) {
		for i := range w {
			w[i] = float32(math.Ldexp(r.Float64(), -r.IntN(12)))
		}
	}},
	{"mostly zero", func(r *rand.Rand, w, _ []float32) {
		for i := range w {
			w[i] = float32(max(0, r.IntN(5)-3))
		}
	}},
}
