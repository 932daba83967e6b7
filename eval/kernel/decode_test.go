package kernel

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/quantize"
)

// plainDecoder is the decoder that is the specification of a type.
func plainDecoder(t *testing.T, name string) quantize.Type {
	t.Helper()
	for _, typ := range quantize.Types() {
		if typ.ID.String() == name {
			return typ
		}
	}
	t.Fatalf("no type %s", name)
	return quantize.Type{}
}

func TestDecodersGiveTheValuesOfTheirTypes(t *testing.T) {
	each(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(13, 14))
		for name := range active.decode {
			typ := plainDecoder(t, name)
			for n := 1; n <= 20; n++ {
				src := make([]byte, n*typ.Bytes)
				for i := range src {
					src[i] = byte(r.Uint32())
				}
				want, got := make([]float32, n*typ.Block), make([]float32, n*typ.Block)
				typ.Dequantize(want, src)
				Decoder(name, typ.Dequantize)(got, src)
				for i := range want {
					a, b := want[i], got[i]
					if math.Float32bits(a) != math.Float32bits(b) && !(a != a && b != b) {
						t.Fatalf("%s: value %d of %d is %v, want %v", name, i, len(want), b, a)
					}
				}
			}
		}
	})
}

func TestHalvesDecodeWhole(t *testing.T) {
	each(t, func(t *testing.T) {
		src := make([]byte, 2<<16)
		for i := range 1 << 16 {
			binary.LittleEndian.PutUint16(src[2*i:], uint16(i))
		}
		for name, value := range map[string]func(uint16) float32{"F16": dtype.F16ToF32, "BF16": dtype.BF16ToF32} {
			got := make([]float32, 1<<16)
			Decoder(name, plainDecoder(t, name).Dequantize)(got, src)
			for i, v := range got {
				if want := value(uint16(i)); math.Float32bits(v) != math.Float32bits(want) {
					t.Fatalf("%s %#04x is %v, want %v", name, i, v, want)
				}
			}
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	for name := range active.decode {
		for _, typ := range quantize.Types() {
			if typ.ID.String() == name {
				b.Run(name, func(b *testing.B) {
					dst, src := make([]float32, 4096), make([]byte, 4096/typ.Block*typ.Bytes)
					run := Decoder(name, typ.Dequantize)
					b.SetBytes(4 * 4096)
					for b.Loop() {
						run(dst, src)
					}
				})
			}
		}
	}
}
