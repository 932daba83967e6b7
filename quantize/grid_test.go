package quantize

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/f190792d/mq/quantize/block"
)

// gridSaysWhatIsRead: what a grid says of a block is what the block's reader
// makes of it, and a block that was taken apart comes together to the byte.
func gridSaysWhatIsRead(t *testing.T, typ Type, _ facts) {
	g := typ.Grid
	if g == nil {
		return
	}
	random := rand.New(rand.NewPCG(5, 6))
	src, back := make([]float32, typ.Block), make([]float32, typ.Block)
	encoded, again := make([]byte, typ.Bytes), make([]byte, typ.Bytes)
	for range 50 {
		for i := range src {
			src[i] = float32(random.NormFloat64()) * 0.03
		}
		typ.Quantize(encoded, src, nil)
		typ.Dequantize(back, encoded)
		var c block.Codes
		g.Unpack(&c, encoded)
		for i, want := range back {
			j := i / g.Sub
			scale := float32(c.Scale[j])
			if g.Scales != nil {
				scale = g.Scales[c.Scale[j]]
			}
			got := float32(float32(c.D*scale)*g.Levels[c.Level[i]]) - float32(c.DMin*float32(c.Min[j]))
			if d := got - want; d*d > 1e-12*want*want {
				t.Fatalf("value %d is %v, the reader says %v", i, got, want)
			}
			if c.Scale[j] < g.ScaleLow || c.Scale[j] > g.ScaleHigh || c.Min[j] < g.MinLow || c.Min[j] > g.MinHigh {
				t.Fatalf("scale %d and minimum %d lie outside the grid", c.Scale[j], c.Min[j])
			}
		}
		g.Pack(again, &c)
		if !bytes.Equal(again, encoded) {
			t.Fatal("a block changes when it is taken apart and put together")
		}
	}
}
