package kernel

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"testing"
)

var minSearches = []MinSearch{
	NewMinSearch(3, -0.5, 0.1, 16, true),
	NewMinSearch(3, -0.9, 0.05, 37, false),
	NewMinSearch(15, -1, 0.1, 21, false),
	NewMinSearch(31, -0.5, 0.1, 16, false),
	NewMinSearch(15, -0.9, 0.05, 37, true),
	{NMax: 7},
}

// fill loads groups of every kind of sample side by side.
func fill(s *Scratch, r *rand.Rand, n, groups int) (x, w []float32) {
	x, w = make([]float32, n*groups), make([]float32, n*groups)
	first := r.IntN(len(samples))
	same := r.IntN(2) == 0
	for j := range groups {
		sample := samples[first]
		if !same {
			sample = samples[r.IntN(len(samples))]
		}
		sample.fill(r, x[j*n:][:n])
		weighings[r.IntN(len(weighings))].fill(r, w[j*n:][:n], x[j*n:][:n])
	}
	s.Load(x, n)
	s.LoadWeights(w, n)
	return x, w
}

// forEachCase runs f for every variant but the specification itself.
func forEachCase(t *testing.T, f func(t *testing.T, r *rand.Rand, n, groups int)) {
	held := active
	defer func() { active = held }()
	for _, v := range variants() {
		if v.name == pure.name {
			continue
		}
		active = v
		t.Run(v.name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, 2))
			for _, n := range []int{16, 32} {
				for range 60 {
					f(t, r, n, 1+r.IntN(Lanes))
				}
				f(t, r, n, Lanes)
			}
		})
	}
}

// equal compares the bits of the groups in use of two fields.
func equal(t *testing.T, what string, x, w []float32, n int, got, want Each) {
	t.Helper()
	for j := range len(x) / n {
		if !same(got[j], want[j]) {
			t.Errorf("%s of group %d is %v, specified is %v; values %v, weights %v",
				what, j, got[j], want[j], x[j*n:][:n], w[j*n:][:n])
			return
		}
	}
}

// same reports whether two floats have the same bits or both are NaN.
func same(a, b float32) bool {
	return math.Float32bits(a) == math.Float32bits(b) || a != a && b != b
}

func equalTiles(t *testing.T, what string, n, groups int, got, want *Tile) {
	t.Helper()
	for i := range n {
		for j := range groups {
			if g, w := got[i*Lanes+j], want[i*Lanes+j]; !same(g, w) {
				t.Fatalf("%s: value %d of group %d is %v, specified is %v", what, i, j, g, w)
			}
		}
	}
}

func TestLoadPutsGroupsInLanes(t *testing.T) {
	forEachCase(t, func(t *testing.T, r *rand.Rand, n, groups int) {
		got, want := new(Scratch), new(Scratch)
		x, _ := fill(got, r, n, groups)
		for j := range groups {
			for i := range n {
				want.X[i*Lanes+j] = x[j*n+i]
			}
		}
		equalTiles(t, "load", n, groups, &got.X, &want.X)
	})
}

func TestWeighEqualsItsSpecification(t *testing.T) {
	for how := range active.weigh {
		forEachCase(t, func(t *testing.T, r *rand.Rand, n, groups int) {
			got := new(Scratch)
			x, w := fill(got, r, n, groups)
			for j := range got.Variance {
				got.Variance[j] = float32(r.ExpFloat64())
			}
			want := *got
			got.Weigh(Weighing(how), n)
			want.weigh(Weighing(how), n)
			equalTiles(t, fmt.Sprint("weighing ", how), n, groups, &got.W, &want.W)
			if Weighing(how) == Given {
				equal(t, "sum of weights", x, w, n, got.Sum, want.Sum)
			}
		})
	}
}

func TestSearchMinEqualsItsSpecification(t *testing.T) {
	for i := range minSearches {
		forEachCase(t, func(t *testing.T, r *rand.Rand, n, groups int) {
			got := new(Scratch)
			x, w := fill(got, r, n, groups)
			want := *got
			got.SearchMin(&minSearches[i], n)
			want.searchMin(&minSearches[i], n, 1<<Lanes-1)
			equalMin(t, x, w, n, got, &want)
		})
	}
}

func equalMin(t *testing.T, x, w []float32, n int, got, want *Scratch) {
	t.Helper()
	equal(t, "scale", x, w, n, got.Scale, want.Scale)
	equal(t, "offset", x, w, n, got.Offset, want.Offset)
	equal(t, "inverse", x, w, n, got.Inverse, want.Inverse)
	equal(t, "start of rounding", x, w, n, got.From, want.From)
}

func TestSearchScaleEqualsItsSpecification(t *testing.T) {
	for _, nmax := range []int32{4, 8, 16, 32} {
		c := NewScaleSearch(nmax)
		forEachCase(t, func(t *testing.T, r *rand.Rand, n, groups int) {
			got := new(Scratch)
			x, w := fill(got, r, n, groups)
			want := *got
			got.SearchScale(&c, n)
			want.searchScale(&c, n)
			equal(t, "scale", x, w, n, got.Scale, want.Scale)
			equal(t, "inverse", x, w, n, got.Inverse, want.Inverse)
		})
	}
}

func TestDescendEqualsItsSpecification(t *testing.T) {
	for _, nmax := range []int32{4, 32} {
		forEachCase(t, func(t *testing.T, r *rand.Rand, n, groups int) {
			got := new(Scratch)
			x, w := fill(got, r, n, groups)
			want := *got
			got.Descend(nmax, n)
			want.descend(nmax, n)
			equal(t, "scale", x, w, n, got.Scale, want.Scale)
			equalTiles(t, "levels", n, groups, &got.L, &want.L)
		})
	}
}

func TestGroupsSettleWhereDescentEnds(t *testing.T) {
	for _, nmax := range []int32{4, 32} {
		forEachCase(t, func(t *testing.T, r *rand.Rand, n, groups int) {
			got := new(Scratch)
			x, _ := fill(got, r, n, groups)
			want := *got
			want.descend(nmax, n)
			equalSettled(t, x, n, got.Settle(nmax, n), got, &want)
		})
	}
}

// equalSettled compares the scales of groups that do not move.
func equalSettled(t *testing.T, x []float32, n int, moving uint32, got, want *Scratch) {
	t.Helper()
	for j := range len(x) / n {
		if moving>>j&1 == 0 && !same(got.Scale[j], want.Scale[j]) {
			t.Fatalf("%v settle at %v, descent ends at %v", x[j*n:][:n], got.Scale[j], want.Scale[j])
		}
	}
}

// TestFewGroupsMove holds what settling is for.
func TestFewGroupsMove(t *testing.T) {
	forEachCase(t, func(t *testing.T, r *rand.Rand, n, _ int) {
		s, x := new(Scratch), make([]float32, n*Lanes)
		samples[0].fill(r, x)
		s.Load(x, n)
		if moving := bits.OnesCount32(s.Settle(4, n)); moving > Lanes/2+4 {
			t.Errorf("%d of %d groups of %d move", moving, Lanes, n)
		}
		for i := range x {
			x[i] = float32(i%8 - 4)
		}
		s.Load(x, n)
		if moving := s.Settle(4, n); moving != 0 {
			t.Errorf("groups %b move from an exact grid", moving)
		}
	})
}

func TestRoundingEqualsItsSpecification(t *testing.T) {
	for _, c := range []Rounding{{0, 3}, {0, 31}, {-4, 3}, {-32, 31}, {-128, 127}} {
		forEachCase(t, func(t *testing.T, r *rand.Rand, n, groups int) {
			groups = (groups + 1) &^ 1
			x, _ := fill(new(Scratch), r, n, groups)
			scale, offset := make([]float32, groups), make([]float32, groups)
			for j := range scale {
				scale[j] = Extreme(x[j*n:][:n]) / float32(c.High)
				offset[j] = -x[j*n]
				switch r.IntN(8) {
				case 0:
					scale[j] = 0
				case 1:
					scale[j] = finite(r.Uint32())
				}
			}
			got, want := make([]uint8, len(x)), make([]uint8, len(x))
			c.Divide(got, x, n, scale, offset)
			c.divide(want, x, n, scale, offset)
			if !bytes.Equal(got, want) {
				t.Errorf("%v: dividing gives %v, specified is %v", c, got, want)
			}
			c.Multiply(got, x, n, scale, offset)
			c.multiply(want, x, n, scale, offset)
			if !bytes.Equal(got, want) {
				t.Errorf("%v: multiplying gives %v, specified is %v", c, got, want)
			}
		})
	}
}

func TestSearchPositiveEqualsItsSpecification(t *testing.T) {
	for _, nmax := range []int32{15, 63} {
		c := NewPositiveSearch(nmax)
		for _, signed := range []bool{false, true} {
			forEachCase(t, func(t *testing.T, r *rand.Rand, n, groups int) {
				got := new(Scratch)
				x, w := fill(got, r, n, groups)
				if !signed {
					for i := range got.X {
						got.X[i] = Abs(got.X[i])
					}
				}
				want := *got
				got.SearchPositive(&c, n/2)
				want.searchPositive(&c, n/2)
				equal(t, "scale", x, w, n, got.Scale, want.Scale)
				equalTiles(t, "levels", n/2, groups, &got.L, &want.L)
			})
		}
	}
}

func TestRunsEqualTheirSpecification(t *testing.T) {
	forEachCase(t, func(t *testing.T, r *rand.Rand, _, groups int) {
		x, _ := fill(new(Scratch), r, runLen, groups)
		low, high := make([]float32, groups), make([]float32, groups)
		Bounds(low, high, x)
		scale := make([]float32, groups)
		Extremes(scale, x, runLen)
		for j := range groups {
			run := x[j*runLen:][:runLen]
			if l, h := bounds(run); !same(low[j], l) || !same(high[j], h) {
				t.Errorf("bounds of %v are %v, %v, specified is %v, %v", run, low[j], high[j], l, h)
			}
			if e := Extreme(run); !same(scale[j], e) {
				t.Errorf("extreme of %v is %v, specified is %v", run, scale[j], e)
			}
		}
		for j := range scale {
			scale[j] = float32([]float64{7.5, 127, 1000, 1e30}[r.IntN(4)]) / scale[j]
			low[j] = -low[j]
		}
		got, want := make([]uint8, len(x)), make([]uint8, len(x))
		for _, c := range []Rounding{{-8, 7}, {0, 31}} {
			c.HalfUp(got, x, scale, low)
			c.halfUp(want, x, scale, low)
			if !bytes.Equal(got, want) {
				t.Errorf("%v: half up gives %v, specified is %v", c, got, want)
			}
		}
		Away(got, x, scale)
		away(want, x, scale)
		if !bytes.Equal(got, want) {
			t.Errorf("away from zero gives %v, specified is %v; values %v, scales %v", got, want, x, scale)
		}
	})
}

// FuzzSearches runs every search on arbitrary finite groups.
func FuzzSearches(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8, 9})
	f.Add(bytes.Repeat([]byte{0, 0, 0x80, 0x3f, 0, 0, 0x80, 0xbf}, 300))
	f.Add(bytes.Repeat([]byte{1, 0, 0, 0x80, 0xff, 0xff, 0x7f, 0x7f}, 40))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) == 0 {
			return
		}
		n := 16 << (data[0] & 1)
		x, w := make([]float32, n*Lanes), make([]float32, n*Lanes)
		for i := range x {
			at := 8 * i % len(data)
			var word [8]byte
			copy(word[:], data[at:])
			x[i] = finite(binary.LittleEndian.Uint32(word[:]))
			w[i] = Abs(finite(binary.LittleEndian.Uint32(word[4:])))
		}
		got := new(Scratch)
		got.Load(x, n)
		got.LoadWeights(w, n)
		want := *got
		m := &minSearches[int(data[0]>>1)%len(minSearches)]
		got.SearchMin(m, n)
		want.searchMin(m, n, 1<<Lanes-1)
		equalMin(t, x, w, n, got, &want)

		c := NewScaleSearch(4 << (data[0] >> 6))
		got.SearchScale(&c, n)
		want.searchScale(&c, n)
		equal(t, "scale", x, w, n, got.Scale, want.Scale)

		p := NewPositiveSearch(15 << (data[0] >> 6))
		got.SearchPositive(&p, n)
		want.searchPositive(&p, n)
		equal(t, "positive scale", x, w, n, got.Scale, want.Scale)
		equalTiles(t, "positive levels", n, Lanes, &got.L, &want.L)

		got.SearchNonLinear(n)
		want.searchNonLinear(n)
		equal(t, "scale of values", x, w, n, got.Scale, want.Scale)

		moving := got.Settle(4, n)
		want.descend(4, n)
		equalSettled(t, x, n, moving, got, &want)

		got.Descend(4, n)
		equal(t, "scale of descent", x, w, n, got.Scale, want.Scale)
		equalTiles(t, "levels", n, Lanes, &got.L, &want.L)
	})
}

func TestGreatestEqualsItsSpecification(t *testing.T) {
	forEachCase(t, func(t *testing.T, r *rand.Rand, n, groups int) {
		x, _ := fill(new(Scratch), r, n, groups)
		got := make([]float32, groups)
		Greatest(got, x, n)
		for j, g := range got {
			if want := Magnitude(x[j*n:][:n]); !same(g, want) {
				t.Fatalf("greatest magnitude of %v is %v, specified is %v", x[j*n:][:n], g, want)
			}
		}
	})
}

// TestExtremesPassOverNaN holds what scales of overflowing sums depend on.
func TestExtremesPassOverNaN(t *testing.T) {
	nan := float32(math.NaN())
	forEachCase(t, func(t *testing.T, r *rand.Rand, n, groups int) {
		x, _ := fill(new(Scratch), r, n, groups)
		for range r.IntN(len(x)) {
			x[r.IntN(len(x))] = []float32{nan, -nan, float32(math.Inf(1))}[r.IntN(3)]
		}
		got := make([]float32, groups)
		Extremes(got, x, n)
		for j, g := range got {
			if want := Extreme(x[j*n:][:n]); !same(g, want) {
				t.Fatalf("extreme of %v is %v, specified is %v", x[j*n:][:n], g, want)
			}
		}
	})
}
