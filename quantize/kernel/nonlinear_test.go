package kernel

import (
	"bytes"
	"math"
	"math/rand/v2"
	"testing"
)

func TestNonLinearLevelIsTheNearestValue(t *testing.T) {
	nearest := func(v float32) (level uint8) {
		for l := 1; l < 16; l++ {
			if !(float64(v) < float64(nonLinear[l-1]+nonLinear[l])/2) {
				level = uint8(l)
			}
		}
		return level
	}
	for half := -300; half <= 300; half++ {
		v := float32(half) / 2
		for _, v := range []float32{math.Nextafter32(v, -1000), v, math.Nextafter32(v, 1000)} {
			if got, want := NonLinearLevel(v), nearest(v); got != want {
				t.Errorf("level of %v is %d, want %d", v, got, want)
			}
		}
	}
	for _, v := range []float32{float32(math.Inf(-1)), -1e30, 1e30, float32(math.Inf(1)), float32(math.NaN())} {
		if got, want := NonLinearLevel(v), nearest(v); got != want {
			t.Errorf("level of %v is %d, want %d", v, got, want)
		}
	}
}

func TestSearchNonLinearEqualsItsSpecification(t *testing.T) {
	forEachCase(t, func(t *testing.T, r *rand.Rand, n, groups int) {
		got := new(Scratch)
		x, w := fill(got, r, n, groups)
		want := *got
		got.SearchNonLinear(n)
		want.searchNonLinear(n)
		equal(t, "scale", x, w, n, got.Scale, want.Scale)
	})
}

// TestNonLinearLevelsEqualTheirSpecification takes values at and around every
// midpoint, where steps begin, and any others.
func TestNonLinearLevelsEqualTheirSpecification(t *testing.T) {
	forEachCase(t, func(t *testing.T, r *rand.Rand, _, groups int) {
		x, inverse := make([]float32, 32*groups), make([]float32, groups)
		for g := range inverse {
			inverse[g] = []float32{1, -1, 0.5, 1e30, float32(math.Inf(1)), finite(r.Uint32())}[r.IntN(6)]
			for i := range 32 {
				v := float32(r.IntN(1024)-512) / 4
				switch r.IntN(4) {
				case 0:
					v = math.Nextafter32(v, float32(r.IntN(3)-1)*1000)
				case 1:
					v = 14*float32(r.IntN(20)) - 108.8 + float32(r.NormFloat64()*1e-4)
				case 2:
					v = finite(r.Uint32())
				}
				if inverse[g] == 0.5 {
					v *= 2
				}
				x[32*g+i] = v
			}
		}
		stride := 16 + r.IntN(3)
		got, want := make([]byte, groups*stride), make([]byte, groups*stride)
		NonLinearLevels(got, stride, x, inverse)
		putNonLinearLevels(want, stride, x, inverse)
		if !bytes.Equal(got, want) {
			t.Fatalf("levels are %x, specified is %x; values %v, scales %v", got, want, x, inverse)
		}
	})
}
