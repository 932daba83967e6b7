package block

import (
	"math"
	"testing"
)

// iqTypes are the types that this file measures.
var iqTypes = []struct {
	name       string
	quantize   func(dst []byte, src, weights []float32)
	dequantize func(dst []float32, src []byte)
}{
	{"IQ1_S", QuantizeIQ1_S, DequantizeIQ1_S},
	{"IQ1_M", QuantizeIQ1_M, DequantizeIQ1_M},
	{"IQ2_XXS", QuantizeIQ2_XXS, DequantizeIQ2_XXS},
	{"IQ2_XS", QuantizeIQ2_XS, DequantizeIQ2_XS},
	{"IQ2_S", QuantizeIQ2_S, DequantizeIQ2_S},
	{"IQ3_XXS", QuantizeIQ3_XXS, DequantizeIQ3_XXS},
	{"IQ3_S", QuantizeIQ3_S, DequantizeIQ3_S},
	{"IQ4_NL", QuantizeIQ4_NL, DequantizeIQ4_NL},
	{"IQ4_XS", QuantizeIQ4_XS, DequantizeIQ4_XS},
}

// bell returns n values that are nearly normal, the same each time, and
// importances of columns that spread over several binades.
func bell(n int) (x, weights []float32) {
	state := uint64(1)
	uniform := func() float64 {
		state = state*6364136223846793005 + 1442695040888963407
		return float64(state>>40) / (1 << 24)
	}
	x, weights = make([]float32, n), make([]float32, n)
	for i := range x {
		r, phi := math.Sqrt(-2*math.Log(1-uniform())), 2*math.Pi*uniform()
		x[i] = float32(0.02 * r * math.Cos(phi))
		weights[i] = float32(0.01 + r*math.Sin(phi)*r*math.Sin(phi))
	}
	return x, weights
}

func BenchmarkIQ(b *testing.B) {
	x, weights := bell(4096)
	y, block := make([]float32, len(x)), make([]byte, 2*len(x))
	for _, t := range iqTypes {
		t.quantize(block, x, weights) // builds its tables
		b.Run("quantize/"+t.name, func(b *testing.B) {
			b.SetBytes(int64(4 * len(x)))
			b.ReportAllocs()
			for b.Loop() {
				t.quantize(block, x, weights)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(x)), "ns/value")
		})
		b.Run("dequantize/"+t.name, func(b *testing.B) {
			b.SetBytes(int64(4 * len(x)))
			for b.Loop() {
				t.dequantize(y, block)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(x)), "ns/value")
		})
	}
}

func BenchmarkNewCoder(b *testing.B) {
	for _, c := range []struct {
		name   string
		book   *codebook
		shape  lattice
		shells int
	}{
		{"1x2048", codes1x2048(), ternary, 3},
		{"2x1024", codes2x1024(), ternary, 1},
		{"2x512", codes2x512(), ternary, 2},
		{"2x256", codes2x256(), ternary, 2},
		{"3x512", codes3x512(), octal, 3},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				newCoder(c.book, c.shape, c.shells)
			}
		})
	}
}
