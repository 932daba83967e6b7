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
			n := 16 << (trial & 1)
			x := make([]float32, n)
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
			want := make([]uint32, n)
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
			if !slices.Equal(o.Numbers[:n], want) {
				t.Fatalf("%s: the order of %v is %v, want %v", v.name, x, o.Numbers[:n], want)
			}
		}
	}
}

func TestSplitsAreSetAsSpecified(t *testing.T) {
	values := [2][3]float32{{-0.875, 0.125, 1.125}, {-1.125, -0.125, 0.875}}
	forEachCase(t, func(t *testing.T, r *rand.Rand, n, _ int) {
		var e Ends
		e.Clip(n)
		for half := range 2 {
			for i := range n {
				e.X[half][i+1] = e.X[half][i] + float32(r.NormFloat64())
				e.W[half][i+1] = e.W[half][i] + float32(r.ExpFloat64())
			}
		}
		first := &values[r.IntN(2)]
		var got, want Splits
		got.Set(&e, n, first, &values)
		v := active
		active = pure
		want.Set(&e, n, first, &values)
		active = v
		for i := range n + 1 {
			for c := range 2 {
				if got.EndX[i] != want.EndX[i] || got.Begin[c][i] != want.Begin[c][i] || got.EndW[c][i] != want.EndW[c][i] || got.X[c] != want.X[c] {
					t.Fatalf("end %d of choice %d differs from what is specified", i, c)
				}
			}
		}
	})
}
