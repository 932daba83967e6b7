package dtype

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestRowsAreConvertedLikeSingleElements(t *testing.T) {
	all := make([]byte, 2<<16+6)
	for i := range len(all) / 2 {
		le.PutUint16(all[2*i:], uint16(i))
	}
	got := make([]float32, len(all)/2)
	for _, c := range []struct {
		d   DType
		one func(uint16) float32
	}{{F16, F16ToF32}, {BF16, BF16ToF32}} {
		if err := ToFloat32(got, all, c.d); err != nil {
			t.Fatal(err)
		}
		for i, v := range got {
			if want := c.one(uint16(i)); math.Float32bits(v) != math.Float32bits(want) {
				t.Errorf("%s %#04x is %v in a row, %v alone", c.d, uint16(i), v, want)
			}
		}
	}
}

func TestRowsAreRoundedLikeSingleElements(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	special := []uint32{0x7f800001, 0xffc12345, 0x7f800000, 0x477fefff, 0x477ff000, 0x80000001, 0x38800000, 0x33000000, 0x33000001}
	for n := range 200 {
		src, dst := make([]float32, n), make([]byte, 2*n)
		for i := range src {
			src[i] = math.Float32frombits(r.Uint32())
			switch r.IntN(8 + n) {
			case 0:
				src[i] = math.Float32frombits(special[r.IntN(len(special))])
			case 1: // a tie
				src[i] = math.Float32frombits(r.Uint32()&^0x7fff | 0x1000)
			case 2: // in the range of subnormal halves
				src[i] *= 0x1p-20 / max(1, src[i])
			}
		}
		for _, c := range []struct {
			d   DType
			one func(float32) uint16
		}{{F16, F32ToF16}, {BF16, F32ToBF16}} {
			if err := FromFloat32(dst, src, c.d); err != nil {
				t.Fatal(err)
			}
			for i, v := range src {
				if got, want := le.Uint16(dst[2*i:]), c.one(v); got != want {
					t.Fatalf("%v (%#08x) rounds to %s %#04x in a row, %#04x alone", v, math.Float32bits(v), c.d, got, want)
				}
			}
		}
	}
}

func TestFloatsAreSeenWhereTheyLie(t *testing.T) {
	whole := make([]byte, 4*9)
	for i := range 9 {
		le.PutUint32(whole[4*i:], math.Float32bits(float32(i)+0.25))
	}
	for from := range 8 {
		seen := AsFloat32(whole[from:])
		if from%4 != 0 && seen != nil {
			t.Errorf("%d bytes are seen as %d floats", len(whole)-from, len(seen))
		}
		for i, v := range seen {
			if v != float32(from/4+i)+0.25 {
				t.Errorf("float %d from byte %d is %v", i, from, v)
			}
		}
	}
}
