package dtype

import (
	"math"
	"testing"
)

// half is the definition of the format, slow and separate from the code.
func half(h uint16) float64 {
	sign, exponent, fraction := 1.0, int(h>>10&31), float64(h&1023)
	if h>>15 == 1 {
		sign = -1
	}
	switch {
	case exponent == 31 && fraction == 0:
		return math.Inf(int(sign))
	case exponent == 31:
		return math.NaN()
	case exponent == 0:
		return math.Copysign(math.Ldexp(fraction, -24), sign)
	}
	return sign * math.Ldexp(1024+fraction, exponent-25)
}

func same(a, b float32) bool {
	return a != a && b != b || math.Float32bits(a) == math.Float32bits(b)
}

func TestEveryHalfHasItsExactValue(t *testing.T) {
	for i := range 1 << 16 {
		h := uint16(i)
		want := float32(half(h))
		if got := F16ToF32(h); !same(got, want) {
			t.Fatalf("F16ToF32(%#04x) = %v, want %v", h, got, want)
		}
		back := F32ToF16(want)
		if want != want {
			if back&0x7fff != 0x7e00 {
				t.Fatalf("NaN %#04x came back as %#04x", h, back)
			}
		} else if back != h {
			t.Fatalf("%#04x came back as %#04x", h, back)
		}
	}
}

func TestHalvesRoundToNearestEven(t *testing.T) {
	for i := range 0x7c00 {
		low, high := half(uint16(i)), half(uint16(i+1))
		if i+1 == 0x7c00 {
			high = 65536
		}
		middle := float32((low + high) / 2) // has one bit more than a half: exact
		even := uint16(i + i&1)
		for _, c := range []struct {
			in   float32
			want uint16
		}{
			{math.Nextafter32(middle, 0), uint16(i)},
			{middle, even},
			{math.Nextafter32(middle, 1e9), uint16(i + 1)},
		} {
			if got := F32ToF16(c.in); got != c.want {
				t.Fatalf("F32ToF16(%x) = %#04x, want %#04x", c.in, got, c.want)
			}
			if got := F32ToF16(-c.in); got != c.want|0x8000 {
				t.Fatalf("F32ToF16(%x) = %#04x, want %#04x", -c.in, got, c.want|0x8000)
			}
		}
	}
}

func TestHalvesAtTheEnds(t *testing.T) {
	for _, c := range []struct {
		bits uint32
		want uint16
	}{
		{0x00000000, 0x0000}, {0x80000000, 0x8000}, {0x00000001, 0}, {0x807fffff, 0x8000},
		{0x7f7fffff, 0x7c00}, {0x7f800000, 0x7c00}, {0xff800000, 0xfc00},
		{0x7f800001, 0x7e00}, {0xffc12345, 0xfe00}, {0x477fefff, 0x7bff}, {0x477ff000, 0x7c00},
	} {
		if got := F32ToF16(math.Float32frombits(c.bits)); got != c.want {
			t.Errorf("F32ToF16(%#08x) = %#04x, want %#04x", c.bits, got, c.want)
		}
	}
}

func TestEveryBF16HasItsExactValue(t *testing.T) {
	for i := range 1 << 16 {
		b := uint16(i)
		f := BF16ToF32(b)
		if math.Float32bits(f) != uint32(b)<<16 {
			t.Fatalf("BF16ToF32(%#04x) = %v", b, f)
		}
		want := b
		if f != f {
			want |= 0x40
		}
		if got := F32ToBF16(f); got != want {
			t.Fatalf("%#04x came back as %#04x", b, got)
		}
	}
}

func TestBF16RoundsToNearestEven(t *testing.T) {
	for i := range 0x7f80 {
		base := uint32(i) << 16
		for _, c := range []struct {
			low  uint32
			want uint16
		}{{0, uint16(i)}, {0x7fff, uint16(i)}, {0x8000, uint16(i + i&1)}, {0x8001, uint16(i + 1)}, {0xffff, uint16(i + 1)}} {
			if got := F32ToBF16(math.Float32frombits(base | c.low)); got != c.want {
				t.Fatalf("F32ToBF16(%#08x) = %#04x, want %#04x", base|c.low, got, c.want)
			}
		}
	}
	if got := F32ToBF16(math.Float32frombits(0x7f800001)); got != 0x7fc0 {
		t.Errorf("a signalling NaN became %#04x, want a quiet one", got)
	}
}
