package quantize

import (
	"math"
	"slices"
	"testing"

	"github.com/f190792d/mq/formats/gguf"
)

// errorLimit bounds the root mean square error of a type over a row of "bell",
// relative to that of the row. A type far below its limit is mistaken for
// another one.
var errorLimit = map[gguf.Type]float64{
	gguf.TypeF32: 0, gguf.TypeF16: 0.00022, gguf.TypeQ4_0: 0.083, gguf.TypeQ4_1: 0.077,
	gguf.TypeQ5_0: 0.042, gguf.TypeQ5_1: 0.037, gguf.TypeQ8_0: 0.0053, gguf.TypeQ2_K: 0.3,
	gguf.TypeQ3_K: 0.15, gguf.TypeQ4_K: 0.071, gguf.TypeQ5_K: 0.036, gguf.TypeQ6_K: 0.018,
	gguf.TypeIQ2_XXS: 0.35, gguf.TypeIQ2_XS: 0.31, gguf.TypeIQ3_XXS: 0.22, gguf.TypeIQ1_S: 0.49,
	gguf.TypeIQ4_NL: 0.077, gguf.TypeIQ3_S: 0.17, gguf.TypeIQ2_S: 0.27, gguf.TypeIQ4_XS: 0.077,
	gguf.TypeI8: 0.016, gguf.TypeI16: 0.016, gguf.TypeI32: 0.016, gguf.TypeI64: 0.016,
	gguf.TypeF64: 0, gguf.TypeIQ1_M: 0.6, gguf.TypeBF16: 0.0017, gguf.TypeTQ1_0: 0.79,
	gguf.TypeTQ2_0: 0.79, gguf.TypeMXFP4: 0.115, gguf.TypeNVFP4: 0.098, gguf.TypeQ1_0: 0.61,
	gguf.TypeQ2_0: 0.72,
}

func TestRoundTripStaysWithinTheErrorOfTheType(t *testing.T) {
	x := bellRow()
	flat := slices.Repeat([]float32{1}, len(x))
	for _, typ := range types {
		limit, ok := errorLimit[typ.ID]
		if !ok {
			t.Errorf("%s has no error limit", typ.Name)
		}
		var weights []float32
		if typ.NeedsWeights {
			weights = flat
		}
		got := relativeError(x, reread(typ, x, weights), flat)
		t.Logf("%-8s %.5f of %.5f", typ.Name, got, limit)
		if got > limit || got < limit*0.9 {
			t.Errorf("%s: relative error is %.5f, the limit %.5f", typ.Name, got, limit)
		}
	}
}

// reread returns what is left of x after a trip through typ.
func reread(typ Type, x, weights []float32) []float32 {
	blocks := make([]byte, len(x)/typ.Block*typ.Bytes)
	typ.Quantize(blocks, x, weights)
	y := make([]float32, len(x))
	typ.Dequantize(y, blocks)
	return y
}

// relativeError is √(Σw·(y-x)² / Σw·x²).
func relativeError(x, y, w []float32) float64 {
	var diff, total float64
	for i := range x {
		d, v := float64(y[i])-float64(x[i]), float64(x[i])
		diff += float64(w[i]) * d * d
		total += float64(w[i]) * v * v
	}
	return math.Sqrt(diff / total)
}

// bellRow is a row between -64 and 64, so that integers can hold it.
func bellRow() []float32 {
	x := makeRow(0, 4096, 1)
	for i := range x {
		x[i] *= 64
	}
	return x
}

func TestIntegersSaturate(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, c := range []struct {
		id   gguf.Type
		want []float32
	}{
		{gguf.TypeI8, []float32{0, 2, -2, 127, -128, 127}},
		{gguf.TypeI16, []float32{0, 2, -2, 32767, -32768, 300}},
		{gguf.TypeI32, []float32{0, 2, -2, 1 << 31, -1 << 31, 300}},
		{gguf.TypeI64, []float32{0, 2, -2, 1 << 63, -1 << 63, 300}},
	} {
		typ, _ := ByID(c.id)
		got := reread(typ, []float32{nan, 1.5, -2.5, inf, -inf, 300}, nil)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", typ.Name, got, c.want)
		}
	}
}

// TestWeightsLowerTheWeightedError holds for the types that search with
// weights; over many rows, since one block can do worse.
func TestWeightsLowerTheWeightedError(t *testing.T) {
	searching := []gguf.Type{
		gguf.TypeQ4_0, gguf.TypeQ4_1, gguf.TypeQ5_0, gguf.TypeQ5_1,
		gguf.TypeQ2_K, gguf.TypeQ3_K, gguf.TypeQ4_K, gguf.TypeQ5_K, gguf.TypeQ6_K,
		gguf.TypeIQ4_NL, gguf.TypeIQ4_XS, gguf.TypeIQ3_XXS, gguf.TypeIQ3_S, gguf.TypeIQ2_S, gguf.TypeIQ1_M,
	}
	x, w := bellRow(), makeWeights(4096, 1)
	for _, id := range searching {
		typ, ok := ByID(id)
		if !ok {
			t.Errorf("no %s", id)
			continue
		}
		plain, weighted := relativeError(x, reread(typ, x, nil), w), relativeError(x, reread(typ, x, w), w)
		if weighted >= plain {
			t.Errorf("%s: weighted error is %.5f with weights, %.5f without", typ.Name, weighted, plain)
		}
	}
}
