package kernel

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

func TestPrepareEqualsItsSpecification(t *testing.T) {
	for _, even := range []bool{false, true} {
		forEachCase(t, func(t *testing.T, r *rand.Rand, n, groups int) {
			x, w := fill(new(Scratch), r, n, groups)
			if r.IntN(4) == 0 {
				for i := range w { // ties
					w[i] = 1
					x[i] = float32(r.IntN(5) - 2)
				}
			}
			split := func() Signed {
				return Signed{Magnitude: make([]float32, len(x)), Root: make([]float32, len(x)), Minus: make([]uint8, len(x)/8)}
			}
			got, want := split(), split()
			top, reach := got.Prepare(x, w, even)
			wantTop, wantReach := want.prepare(x, w, even)
			if top != wantTop || reach != wantReach || !bytes.Equal(got.Minus, want.Minus) {
				t.Fatalf("greatest %v and %v, signs %x, specified are %v and %v, %x; values %v, weights %v",
					top, reach, got.Minus, wantTop, wantReach, want.Minus, x, w)
			}
			for i := range x {
				if !same(got.Magnitude[i], want.Magnitude[i]) || !same(got.Root[i], want.Root[i]) {
					t.Fatalf("value %d is %v, root %v, specified are %v and %v; values %v, weights %v",
						i, got.Magnitude[i], got.Root[i], want.Magnitude[i], want.Root[i], x, w)
				}
			}
		})
	}
}

func TestImportanceEqualsItsSpecification(t *testing.T) {
	forEachCase(t, func(t *testing.T, r *rand.Rand, n, groups int) {
		x, weights := fill(new(Scratch), r, n, groups)
		variance := float32(r.ExpFloat64())
		got, want := make([]float32, len(x)), make([]float32, len(x))
		Importance(got, x, weights, variance)
		importance(want, x, weights, variance)
		for i := range x {
			if !same(got[i], want[i]) {
				t.Fatalf("weight of %v by %v is %v, specified is %v", x[i], weights[i], got[i], want[i])
			}
		}
	})
}
