package block

import (
	"math"
	"testing"
)

func TestRounding(t *testing.T) {
	const lowest = math.MinInt32
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, c := range []struct {
		f                        float32
		nearest, away, truncated int32
	}{
		{0, 0, 0, 0},
		{0.49999997, 0, 0, 0},
		{0.5, 0, 1, 0},
		{1.5, 2, 2, 1},
		{2.5, 2, 3, 2},
		{-0.5, 0, -1, 0},
		{-2.5, -2, -3, -2},
		{-2.75, -3, -3, -2},
		{-0.49999997, 0, 0, 0},
		{1.4999999, 1, 1, 1},
		{1<<21 + 0.5, 1 << 21, 1<<21 + 1, 1 << 21},
		{1 << 20, 1 << 20, 1 << 20, 1 << 20},
		{nan, 0, lowest, lowest},
		{inf, -1 << 22, lowest, lowest},
		{-inf, -1 << 22, lowest, lowest},
	} {
		if got := nearest(c.f); got != c.nearest {
			t.Errorf("nearest(%v) is %d, want %d", c.f, got, c.nearest)
		}
		if got := roundAway(c.f); got != c.away {
			t.Errorf("roundAway(%v) is %d, want %d", c.f, got, c.away)
		}
		if got := truncate(c.f); got != c.truncated {
			t.Errorf("truncate(%v) is %d, want %d", c.f, got, c.truncated)
		}
	}
}

func TestUE4M3ReadsBack(t *testing.T) {
	for code := range uint8(15 << 3) { // the last binade saturates
		if got := toUE4M3(2 * halfUE4M3(code)); got != code {
			t.Errorf("%#02x reads as %v and comes back as %#02x", code, 2*halfUE4M3(code), got)
		}
	}
	for _, f := range []float32{248, 256, 448, 1e9, float32(math.Inf(1))} {
		if got := toUE4M3(f); got != 0x7e {
			t.Errorf("%v becomes %#02x, not the largest 0x7e", f, got)
		}
	}
	for _, f := range []float32{0, -1, float32(math.NaN())} {
		if got := toUE4M3(f); got != 0 {
			t.Errorf("%v becomes %#02x, not 0", f, got)
		}
	}
}

// TestExponentTakesTheNextPowerOfTwo holds what float32 does to a logarithm:
// just below a power of two it rounds up to a whole number.
func TestExponentTakesTheNextPowerOfTwo(t *testing.T) {
	below := func(f float32, ulps uint32) float32 {
		return math.Float32frombits(math.Float32bits(f) - ulps)
	}
	for _, c := range []struct {
		top  float32
		want uint8
	}{
		{0, 0},
		{1, 125},
		{4, 127},
		{6, 127},
		{8, 128},
		{below(8, 1), 128},
		{below(8, 4), 127},
		{below(0x1p100, 8), 225},
		{below(0x1p100, 64), 224},
		{0x1p-126, 255}, // wraps
	} {
		if got := exponentE8M0(c.top); got != c.want {
			t.Errorf("exponent of %v is %d, want %d", c.top, got, c.want)
		}
	}
}
