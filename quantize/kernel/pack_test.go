package kernel

import (
	"math/rand/v2"
	"testing"
)

func TestPackBitsEqualsItsSpecification(t *testing.T) {
	forEachCase(t, func(t *testing.T, r *rand.Rand, _, _ int) {
		var levels [256]uint8
		for i := range levels {
			levels[i] = uint8(r.Uint32())
		}
		for _, bit := range []int{2, 4} {
			var got, want [32]uint8
			PackBits(&got, &levels, bit)
			inGo(func() { PackBits(&want, &levels, bit) })
			if got != want {
				t.Fatalf("bit %d: %v, specified is %v", bit, got, want)
			}
		}
	})
}
