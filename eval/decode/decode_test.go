package decode

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/formats/hf"
	"github.com/f190792d/mq/internal/fixtures/quantized"
)

// TestWeightsEqualTheLibrarys decodes every matrix of every method, as a whole
// and in runs of elements.
func TestWeightsEqualTheLibrarys(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, f := range quantized.All(t) {
		t.Run(f.Name, func(t *testing.T) {
			files, err := hf.Open(t.Context(), f.Unpack(t))
			if err != nil {
				t.Fatal(err)
			}
			defer files.Close()
			tensors, err := Tensors(t.Context(), files)
			if err != nil {
				t.Fatal(err)
			}
			for name, want := range f.Decoded {
				i := slices.IndexFunc(tensors, func(w hf.Tensor) bool { return w.Name == name })
				if i < 0 || !slices.Equal(tensors[i].Shape, want.Shape) {
					t.Errorf("%s: not there, or not of shape %v", name, want.Shape)
					continue
				}
				if tensors[i].DType == dtype.F8E4M3 {
					continue // the forward pass multiplies these with their scales
				}
				raw := make([]byte, tensors[i].Size)
				if _, err := tensors[i].ReadAt(t.Context(), raw, 0); err != nil {
					t.Fatal(err)
				}
				if got := digest(raw); got != want.Digest {
					t.Errorf("%s: other weights than the library's", name)
				}
				from := 4 * random.IntN(len(raw)/4)
				some := make([]byte, 4*(1+random.IntN(min(300, (len(raw)-from)/4))))
				if _, err := tensors[i].ReadAt(t.Context(), some, int64(from)); err != nil || !slices.Equal(some, raw[from:from+len(some)]) {
					t.Errorf("%s: %d bytes from %d differ from the whole: %v", name, len(some), from, err)
				}
			}
		})
	}
}

// digest is the sha256 of weights, zeros without a sign.
func digest(raw []byte) string {
	h := sha256.New()
	var b [4]byte
	for i := 0; i < len(raw); i += 4 {
		v := math.Float32frombits(binary.LittleEndian.Uint32(raw[i:]))
		binary.LittleEndian.PutUint32(b[:], math.Float32bits(v+0))
		h.Write(b[:])
	}
	return hex.EncodeToString(h.Sum(nil))
}
