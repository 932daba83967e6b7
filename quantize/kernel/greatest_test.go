package kernel

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"
)

func TestGreatestBitsEqualTheirSpecification(t *testing.T) {
	r := rand.New(rand.NewPCG(21, 22))
	for size := 0; size <= 1200; size += 4 {
		src, floats := make([]byte, size), make([]float32, size/4)
		for i := range src {
			src[i] = byte(r.Uint32())
		}
		for i := range floats {
			floats[i] = math.Float32frombits(binary.LittleEndian.Uint32(src[4*i:]))
		}
		var want16, want32 uint32
		got16, n := GreatestBits(src, 2)
		for i := 0; i < n; i += 2 {
			want16 = max(want16, uint32(binary.LittleEndian.Uint16(src[i:])&0x7fff))
		}
		got32, n := GreatestBits(src, 4)
		for i := 0; i < n; i += 4 {
			want32 = max(want32, binary.LittleEndian.Uint32(src[i:])&0x7fffffff)
		}
		if got16 != want16 || got32 != want32 {
			t.Fatalf("%d bytes: greatest bits %#x, %#x, want %#x, %#x", size, got16, got32, want16, want32)
		}
		if f, n := GreatestFloat(floats); n > 0 && math.Float32bits(f) != want32 {
			t.Fatalf("%d floats: greatest %v, want %#x", len(floats), f, want32)
		}
	}
}
