package dtype

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestRowsOfCodesAreComputedLikeSingleOnes holds kernels and Go to the formula,
// each step rounded, for groups of any size with a short one at the end.
func TestRowsOfCodesAreComputedLikeSingleOnes(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		size := 1 + r.IntN(100)
		if r.IntN(2) == 0 {
			size = 32 * (1 + r.IntN(4))
		}
		n := 1 + r.IntN(5*size)
		codes, groups := make([]byte, n), (n+size-1)/size
		scale, offset, got := make([]float32, groups), make([]float32, groups), make([]float32, n)
		for i := range codes {
			codes[i] = byte(r.Uint32())
		}
		for g := range scale {
			scale[g], offset[g] = float32(r.NormFloat64()), float32(100*r.NormFloat64())
		}
		check := func(name string, one func(code, scale, offset float32) float32) {
			for i, c := range codes {
				if want := one(float32(c), scale[i/size], offset[i/size]); math.Float32bits(got[i]) != math.Float32bits(want) {
					t.Fatalf("%s: weight %d of %d in groups of %d is %v, want %v", name, i, n, size, got[i], want)
				}
			}
		}
		ScaleCodes(got, codes, scale, offset, size)
		check("ScaleCodes", func(c, s, o float32) float32 { return float32(c-o) * s })
		MoveCodes(got, codes, scale, offset, size)
		check("MoveCodes", func(c, s, o float32) float32 { return float32(c*s) + o })
	}
}
