package unpack

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/f190792d/mq/formats/hf"
	"github.com/f190792d/mq/internal/fixtures/quantized"
	"github.com/f190792d/mq/quantize"
)

// fixture opens one checkpoint of internal/fixtures/quantized.
func fixture(t *testing.T, f quantized.Fixture) *Checkpoint {
	t.Helper()
	ckpt, err := hf.Open(t.Context(), f.Unpack(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ckpt.Close() })
	c, err := Open(t.Context(), ckpt)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// digest is the sha256 of weights, zeros without a sign.
func digest(weights []float32) string {
	h := sha256.New()
	var b [4]byte
	for _, v := range weights {
		binary.LittleEndian.PutUint32(b[:], math.Float32bits(v+0))
		h.Write(b[:])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// TestWeightsEqualTheLibrarys decodes every matrix of every method.
func TestWeightsEqualTheLibrarys(t *testing.T) {
	for _, f := range quantized.All(t) {
		t.Run(f.Name, func(t *testing.T) {
			c := fixture(t, f)
			if c.Quantized != len(f.Decoded) {
				t.Errorf("%d quantized matrices, want %d", c.Quantized, len(f.Decoded))
			}
			for name, want := range f.Decoded {
				w := c.find(t, name)
				if !slices.Equal(w.Shape, want.Shape) {
					t.Errorf("%s: shape %v, want %v", name, w.Shape, want.Shape)
				} else if got := digest(values(t, w)); got != want.Digest {
					t.Errorf("%s: other weights than the library's: %v …", name, values(t, w)[:8])
				}
			}
		})
	}
}

// TestPartsOfAMatrixEqualTheWhole reads runs of elements from here and there.
func TestPartsOfAMatrixEqualTheWhole(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, f := range quantized.All(t) {
		c := fixture(t, f)
		for name := range f.Decoded {
			w := c.find(t, name)
			size := w.Rows.ElementBytes()
			all := make([]byte, size*w.Rows.Elements())
			if err := w.Rows.Read(t.Context(), all, 0); err != nil {
				t.Fatal(f.Name, name, err)
			}
			for range 20 {
				from := size * random.Int64N(w.Rows.Elements())
				some := make([]byte, size*(1+random.Int64N(min(300, (int64(len(all))-from)/size))))
				if err := w.Rows.Read(t.Context(), some, from); err != nil {
					t.Fatal(f.Name, name, err)
				}
				if !slices.Equal(some, all[from:from+int64(len(some))]) {
					t.Fatalf("%s: %s: %d bytes from %d differ from the whole", f.Name, name, len(some), from)
				}
			}
		}
	}
}

// TestPackedMatricesKeepEveryWeight compares what the file's block type holds
// with the weights, by the decoders of package quantize.
func TestPackedMatricesKeepEveryWeight(t *testing.T) {
	for _, f := range quantized.All(t) {
		t.Run(f.Name, func(t *testing.T) {
			c, types := fixture(t, f), map[string]int{}
			for name := range f.Decoded {
				w := c.find(t, name)
				if w.Exact == nil {
					types[""]++
					continue
				}
				p, ok, err := w.Exact(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if !ok {
					types[""]++
					continue
				}
				types[p.Type.String()]++
				if p.Rounded != (f.Name == "ct-nvfp4") {
					t.Errorf("%s: rounded %v", name, p.Rounded)
				}
				line := make([]byte, p.Rows.Columns*p.Rows.Count)
				if err := p.Rows.Read(t.Context(), line, 0); err != nil {
					t.Fatal(err)
				}
				row, _ := quantize.ByID(p.Type)
				got := make([]float32, w.Rows.Elements())
				row.Dequantize(got, line)
				for i, want := range values(t, w) {
					if p.Factors != nil {
						got[i] *= p.Factors[int64(i)/w.Rows.Columns*int64(len(p.Factors))/w.Rows.Count]
					}
					if !near(got[i], want, p.Rounded) {
						t.Fatalf("%s: weight %d is %v as %s, want %v", name, i, got[i], p.Type, want)
					}
				}
			}
			if want, ok := nvfp4Matrices[f.Name]; ok && types["NVFP4"] != want {
				t.Errorf("types %v, want %d of NVFP4", types, want)
			}
			if types[f.Lossless] != len(f.Decoded) && !mixedTypes[f.Name] {
				t.Errorf("types %v, want %d of %q", types, len(f.Decoded), f.Lossless)
			}
		})
	}
}

// mixedTypes are fixtures whose matrices differ in their settings, or in their
// rows, of which those of 96 are no blocks of NVFP4.
var mixedTypes = map[string]bool{"mlx-4-float16": true, "modelopt-nvfp4": true, "mlx-nvfp4": true, "ct-nvfp4": true}

var nvfp4Matrices = map[string]int{"modelopt-nvfp4": 6, "mlx-nvfp4": 8, "ct-nvfp4": 6}
