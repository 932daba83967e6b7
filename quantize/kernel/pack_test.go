package kernel

import (
	"math/rand/v2"
	"testing"
)

func TestPackBitsEqualsItsSpecification(t *testing.T) {
	forEachLevels(t, func(t *testing.T, levels *[256]uint8) {
		for _, bit := range []int{2, 4} {
			var got, want [32]uint8
			PackBits(&got, levels, bit)
			inGo(func() { PackBits(&want, levels, bit) })
			if got != want {
				t.Fatalf("bit %d: %v, specified is %v", bit, got, want)
			}
		}
	})
}

func TestPackSixEqualsItsSpecification(t *testing.T) { forEachLevels(t, checkPackSix) }

// forEachLevels calls check with levels of any bits.
func forEachLevels(t *testing.T, check func(t *testing.T, levels *[256]uint8)) {
	forEachCase(t, func(t *testing.T, r *rand.Rand, _, _ int) {
		var levels [256]uint8
		for i := range levels {
			levels[i] = uint8(r.Uint32())
		}
		check(t, &levels)
	})
}

func checkPackSix(t *testing.T, levels *[256]uint8) {
	t.Helper()
	var got, want [192]uint8
	PackSix(&got, levels)
	inGo(func() { PackSix(&want, levels) })
	if got != want {
		t.Fatalf("%s: six bits of %v are %x, specified are %x", active.name, levels, got, want)
	}
}

func TestPackPairsEqualsItsSpecification(t *testing.T) { forEachLevels(t, checkPackPairs) }

func checkPackPairs(t *testing.T, levels *[256]uint8) {
	t.Helper()
	var got, want [64]uint8
	PackPairs(&got, levels)
	inGo(func() { PackPairs(&want, levels) })
	if got != want {
		t.Fatalf("%s: pairs of %v are %x, specified are %x", active.name, levels, got, want)
	}
}
