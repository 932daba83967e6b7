package kernel

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"
)

func TestHalvesEqualTheirSpecification(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 60 {
		var s Scratch
		x, w := fill(&s, r, halvesLen, 1+r.IntN(Lanes))
		sameHalves(t, x, w)
	}
}

// FuzzHalves searches for the splits of arbitrary finite values and weights.
func FuzzHalves(f *testing.F) {
	f.Add(bytes.Repeat([]byte{0, 0, 0x80, 0x3f, 0, 0, 0, 0xbf, 0, 0, 0x40, 0x3f}, 32))
	f.Add(bytes.Repeat([]byte{0, 0, 0, 0x80, 0xff, 0xff, 0x7f, 0x7f}, 16))
	f.Add(bytes.Repeat([]byte{1, 0, 0, 0x3f, 0xff, 0xff, 0xff, 0x3f, 3, 0, 0, 0x40, 7, 1, 2, 0x3e, 5}, 17))
	f.Fuzz(func(t *testing.T, data []byte) {
		x, w := make([]float32, 2*halvesLen), make([]float32, 2*halvesLen)
		for i := range x {
			var word [8]byte
			copy(word[:], data[min(8*i, len(data)):])
			x[i] = finite(binary.LittleEndian.Uint32(word[:]))
			w[i] = Abs(finite(binary.LittleEndian.Uint32(word[4:])))
		}
		sameHalves(t, x, w)
	})
}

// sameHalves compares every variant with the specification, whose search is
// exhaustive.
func sameHalves(t *testing.T, x, w []float32) {
	t.Helper()
	held := active
	defer func() { active = held }()
	search := func() (h Halves, found uint32) {
		h.Load(x, w)
		found = h.Search()
		for j := range h.Factor {
			h.Factor[j], h.Bias[0][j], h.Bias[1][j] = float32(1+j%8*2), Shifted[j%2][0], Shifted[j/2%2][0]
		}
		h.Project()
		return h, found
	}
	active = pure
	want, wanted := search()
	for _, v := range variants() {
		active = v
		got, found := search()
		for j := range want.groups {
			if math.IsNaN(float64(want.best[j])) {
				continue // sums overflow, and every split is one of NaN
			}
			is := [...]any{found >> j & 1, got.Scale[j], got.Choice[j], got.Codes[0][j], got.Codes[1][j], got.best[j]}
			should := [...]any{wanted >> j & 1, want.Scale[j], want.Choice[j], want.Codes[0][j], want.Codes[1][j], want.best[j]}
			if wanted>>j&1 != 0 && is != should || is[0] != should[0] {
				t.Fatalf("%s: values %v, weights %v: %v, specified is %v", v.name, x[16*j:][:16], w[16*j:][:16], is, should)
			}
			if wanted>>j&1 == 0 {
				continue
			}
			if !same(got.SumX[j], want.SumX[j]) || !same(got.SumL[j], want.SumL[j]) {
				t.Fatalf("%s: sums %v and %v, specified are %v and %v", v.name, got.SumX[j], got.SumL[j], want.SumX[j], want.SumL[j])
			}
			for i := range halvesLen {
				if !same(got.TermX[i][j], want.TermX[i][j]) || !same(got.TermL[i][j], want.TermL[i][j]) {
					t.Fatalf("%s: terms %v and %v, specified are %v and %v", v.name, got.TermX[i][j], got.TermL[i][j], want.TermX[i][j], want.TermL[i][j])
				}
			}
		}
	}
}
