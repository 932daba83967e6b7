package kernel

import (
	"math/rand/v2"
	"testing"
)

func TestTriesSpreadAsSpecified(t *testing.T) {
	forEachCase(t, func(t *testing.T, r *rand.Rand, _, groups int) {
		n := min(groups, MaxTries)
		var numerators Numerators
		for i := range numerators {
			numerators[i] = float32(15 + float64(i-15)*0.2)
		}
		limit := Abs(finite(r.Uint32()))
		var tries Tries
		tries.Spread(&numerators, n, limit)
		for i, top := range numerators[:n] {
			if inverse := top / limit; !same(tries.Inverse[i], inverse) || !same(tries.Scale[i], 1/inverse) {
				t.Fatalf("try %d of limit %v is %v, %v, specified is %v, %v", i, limit, tries.Inverse[i], tries.Scale[i], inverse, 1/inverse)
			}
		}
	})
}
