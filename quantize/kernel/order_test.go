package kernel

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestOrderKeepsThatOfEqualValues(t *testing.T) {
	held := active
	defer func() { active = held }()
	for _, v := range variants() {
		active = v
		r := rand.New(rand.NewPCG(3, 4))
		for trial := range 3000 {
			x := make([]float32, splitLen)
			for i := range x {
				switch trial % 3 {
				case 0:
					x[i] = float32(r.NormFloat64())
				case 1:
					x[i] = float32(r.IntN(5)-2) * 0.5
				default:
					x[i] = finite(r.Uint32())
				}
				if x[i] == 0 && r.IntN(2) == 0 {
					x[i] = -x[i]
				}
			}
			var o Order
			o.Sort(x)
			want := make([]uint32, splitLen)
			for i := range want {
				want[i] = uint32(i)
			}
			slices.SortStableFunc(want, func(a, b uint32) int {
				switch {
				case x[a] < x[b]:
					return -1
				case x[a] > x[b]:
					return 1
				}
				return 0
			})
			if !slices.Equal(o.Numbers[:], want) {
				t.Fatalf("%s: the order of %v is %v, want %v", v.name, x, o.Numbers[:], want)
			}
		}
	}
}

func TestSplitsAreSetAsSpecified(t *testing.T) {
	forEachCase(t, func(t *testing.T, r *rand.Rand, _, _ int) {
		var e Ends
		for i := range splitLen {
			e.X[i+1] = e.X[i] + float32(r.NormFloat64())
			e.W[i+1] = e.W[i] + float32(r.ExpFloat64())
		}
		var got, want Splits
		got.Set(&e)
		inGo(func() { want.Set(&e) })
		for i := range splitLen + 1 {
			for c := range 2 {
				if got.EndX[i] != want.EndX[i] || got.Begin[c][i] != want.Begin[c][i] || got.EndW[c][i] != want.EndW[c][i] || got.X[c] != want.X[c] {
					t.Fatalf("end %d of choice %d differs from what is specified", i, c)
				}
			}
		}
	})
}

// inGo runs f without assembly.
func inGo(f func()) {
	held := active
	defer func() { active = held }()
	active = pure
	f()
}
