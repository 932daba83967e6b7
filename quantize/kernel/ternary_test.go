package kernel

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestTernaryEqualsItsSpecification(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 60 {
		for _, f := range []*Shifts{OneShift, TwoShifts} {
			var s Scratch
			x, w := fill(&s, r, f.values, 1+r.IntN(Lanes))
			sameTernary(t, f, x, w)
			for i := range x { // many equal values
				x[i] = float32(int(x[i]*3)) / 3
				if r.IntN(3) == 0 {
					w[i] = 0
				}
			}
			sameTernary(t, f, x, w)
			for i := range w { // too small for approximations
				w[i] *= 1e-15
			}
			sameTernary(t, f, x, w)
		}
	}
}

// FuzzTernary searches for the splits of arbitrary finite values and weights.
func FuzzTernary(f *testing.F) {
	f.Add(bytes.Repeat([]byte{0, 0, 0x80, 0x3f, 0, 0, 0, 0xbf, 0, 0, 0x40, 0x3f}, 32))
	f.Add(bytes.Repeat([]byte{0, 0, 0, 0x80, 0xff, 0xff, 0x7f, 0x7f}, 16))
	f.Add(bytes.Repeat([]byte{1, 0, 0, 0x3f, 0xff, 0xff, 0xff, 0x3f, 3, 0, 0, 0x40, 7, 1, 2, 0x3e, 5}, 17))
	f.Fuzz(func(t *testing.T, data []byte) {
		x, w := make([]float32, 2*MaxLen), make([]float32, 2*MaxLen)
		for i := range x {
			var word [8]byte
			copy(word[:], data[min(8*i, len(data)):])
			x[i] = finite(binary.LittleEndian.Uint32(word[:]))
			w[i] = Abs(finite(binary.LittleEndian.Uint32(word[4:])))
		}
		sameTernary(t, OneShift, x, w)
		sameTernary(t, TwoShifts, x, w)
	})
}

// usedTernary has what groups of another kind left.
var usedTernary = new(Ternary)

// sameTernary compares every variant with the specification, and the splits of that with
// a search through all.
func sameTernary(t *testing.T, f *Shifts, x, w []float32) {
	t.Helper()
	held := active
	defer func() { active = held }()
	s := usedTernary
	search := func() (_ Ternary, found uint32) {
		s.Load(f, x, w)
		found = s.Search()
		for j := range s.Factor {
			s.Factor[j], s.Bias[0][j], s.Bias[1][j] = float32(1+j%8*2), Shifted[j%2][0], Shifted[j/2%2][0]
		}
		s.Project()
		return *s, found
	}
	n := f.values
	active = pure
	want, wanted := search()
	all := want
	for i := range all.near {
		all.near[i] = ^uint32(0)
	}
	some := all.choose() &^ wanted
	for j := range want.groups {
		if some>>j&1 != 0 && slices.ContainsFunc(x[n*j:][:n], func(v float32) bool { return Abs(v) >= f.least }) {
			t.Fatalf("values %v, weights %v have a split, and none is found", x[n*j:][:n], w[n*j:][:n])
		}
	}
	for _, v := range variants() {
		active = v
		got, found := search()
		for j := range want.groups {
			if math.IsNaN(float64(want.best[j])) {
				continue // sums overflow, and every split is one of NaN
			}
			has := wanted>>j&1 != 0
			if has && (all.begin[j] != got.begin[j] || all.end[j] != got.end[j] || all.Choice[j] != got.Choice[j]) {
				t.Fatalf("%s: values %v, weights %v: the split is %d to %d, want %d to %d", v.name, x[n*j:][:n], w[n*j:][:n], got.begin[j], got.end[j], all.begin[j], all.end[j])
			}
			is := [...]any{found>>j&1 != 0, got.Scale[j], got.Choice[j], got.best[j]}
			should := [...]any{has, want.Scale[j], want.Choice[j], want.best[j]}
			for octet := range n / 8 {
				if has && got.Codes[octet][j] != want.Codes[octet][j] {
					t.Fatalf("%s: values %v, weights %v: codes %x, specified is %x", v.name, x[n*j:][:n], w[n*j:][:n], got.Codes[octet][j], want.Codes[octet][j])
				}
			}
			if has && is != should || is[0] != should[0] {
				t.Fatalf("%s: values %v, weights %v: %v, specified is %v", v.name, x[n*j:][:n], w[n*j:][:n], is, should)
			}
			if !has {
				continue
			}
			if !same(got.SumX[j], want.SumX[j]) || !same(got.SumL[j], want.SumL[j]) {
				t.Fatalf("%s: sums %v and %v, specified are %v and %v", v.name, got.SumX[j], got.SumL[j], want.SumX[j], want.SumL[j])
			}
			for i := range n {
				if f.parts > 1 && (!same(got.TermX[i][j], want.TermX[i][j]) || !same(got.TermL[i][j], want.TermL[i][j])) {
					t.Fatalf("%s: terms %v and %v, specified are %v and %v", v.name, got.TermX[i][j], got.TermL[i][j], want.TermX[i][j], want.TermL[i][j])
				}
			}
		}
	}
}
