package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// paired returns rows prepared for products of pairs, of columns as they are.
func paired(x []float32, rows, depth int) []float32 {
	out := make([]float32, 0, rows*(depth+PairFigures))
	for r := range rows {
		out = append(append(out, x[r*depth:(r+1)*depth]...), make([]float32, PairFigures)...)
		Pair(out[r*(depth+PairFigures):])
	}
	return out
}

func checkPairs(t *testing.T, r *rand.Rand, rows, depth, ldc int, add bool) {
	t.Helper()
	width, lda := Width(), depth+PairFigures
	a, b := random(r, rows*depth), random(r, width*depth)
	for i := range a {
		a[i] *= float32(math.Ldexp(1, i/depth%40-20)) // rows of other sizes
	}
	for i := range b {
		b[i] *= float32(math.Ldexp(1, 30-i/depth))
	}
	panel := make([]float32, width*lda)
	Pack(panel, paired(b, width, depth), lda, width, lda)
	c := random(r, rows*ldc+1)
	before := slices.Clone(c)
	GemmPairs(rows, depth, paired(a, rows, depth), lda, panel, c, ldc, add)
	for i := range c {
		row, n := i/ldc, i%ldc
		if row >= rows || n >= width {
			if c[i] != before[i] {
				t.Fatalf("%d×%d: wrote outside the tile at row %d, column %d", rows, depth, row, n)
			}
			continue
		}
		want, x, y := 0.0, 0.0, 0.0
		for k := range depth {
			v, w := float64(a[row*depth+k]), float64(b[n*depth+k])
			want, x, y = want+v*w, x+v*v, y+w*w
		}
		if add {
			want += float64(before[i])
		}
		if diff := math.Abs(float64(c[i]) - want); diff > 1e-6*(math.Sqrt(x*y)+math.Abs(want)) {
			t.Fatalf("%d×%d: [%d][%d] = %v, want %v", rows, depth, row, n, c[i], want)
		}
	}
}

func TestProductOfPairsOfEveryTail(t *testing.T) {
	each(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(21, 22))
		for rows := 1; rows <= 25; rows++ {
			for _, depth := range []int{1, 7, 8, 23, 24, 25, 47, 48, 100, 256} {
				checkPairs(t, r, rows, depth, Width()+depth%5, rows%2 == 0)
			}
		}
	})
}

func TestProductOfPairsOfARowIsTheSameInEveryTile(t *testing.T) {
	each(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(23, 24))
		const rows, depth, lda = 23, 77, 77 + PairFigures
		width := Width()
		a, b := paired(random(r, rows*depth), rows, depth), paired(random(r, width*depth), width, depth)
		panel := make([]float32, width*lda)
		Pack(panel, b, lda, width, lda)
		c, alone := make([]float32, rows*width), make([]float32, width)
		GemmPairs(rows, depth, a, lda, panel, c, width, false)
		for i := range rows {
			GemmPairs(1, depth, a[i*lda:], lda, panel, alone, width, false)
			if !slices.Equal(alone, c[i*width:(i+1)*width]) {
				t.Fatalf("row %d is another by itself", i)
			}
		}
	})
}

// What prepares rows gives the same bits in Go and in assembly.
func TestPairedRowsAreTheSameEverywhere(t *testing.T) {
	saved := active
	defer func() { active = saved }()
	r := rand.New(rand.NewPCG(25, 26))
	for _, depth := range []int{1, 8, 23, 24, 100, 256} {
		for _, size := range []float64{1, 1e-30, 1e30, 0} {
			x := random(r, depth)
			for i := range x {
				x[i] *= float32(size)
			}
			active = pure
			want := paired(x, 1, depth)
			square := 0.0
			for i, v := range want[:depth] {
				square += float64(v) * float64(v)
				if v*want[depth+1] != x[i] {
					t.Fatalf("%d columns of %v: column %d is %v, times %v not %v", depth, size, i, v, want[depth+1], x[i])
				}
			}
			if square /= float64(depth); size > 0 && (square < 0.999 || square > 4.001) {
				t.Errorf("%d columns of %v: the mean square is %v", depth, size, square)
			}
			for _, v := range variants() {
				active = v
				if got := paired(x, 1, depth); !slices.Equal(got, want) {
					t.Fatalf("%s, %d columns of %v: %v, not %v", v.name, depth, size, got, want)
				}
			}
		}
	}
}

// A row of zeros has products of zero, whatever rounding the pairs of the other
// row lose.
func TestPairsOfZerosAreZero(t *testing.T) {
	each(t, func(t *testing.T) {
		const depth = 77
		r, width, lda := rand.New(rand.NewPCG(1, 2)), Width(), depth+PairFigures
		panel, c := make([]float32, width*lda), make([]float32, width)
		Pack(panel, paired(random(r, width*depth), width, depth), lda, width, lda)
		GemmPairs(1, depth, paired(make([]float32, depth), 1, depth), lda, panel, c, width, false)
		for n, v := range c {
			if v != 0 {
				t.Errorf("column %d of a row of zeros is %v", n, v)
			}
		}
	})
}

// A row with infinite elements or with none that is a number gives none.
func TestPairsKeepWhatIsNotFinite(t *testing.T) {
	each(t, func(t *testing.T) {
		for _, bad := range []float64{math.Inf(1), math.Inf(-1), math.NaN()} {
			for _, at := range []int{0, 8, 16, 24, 25} {
				const depth = 26
				width := Width()
				a, b := make([]float32, depth), make([]float32, width*depth)
				for i := range b {
					b[i] = 1
				}
				a[at] = float32(bad)
				panel, c := make([]float32, width*(depth+PairFigures)), make([]float32, width)
				Pack(panel, paired(b, width, depth), depth+PairFigures, width, depth+PairFigures)
				GemmPairs(1, depth, paired(a, 1, depth), depth+PairFigures, panel, c, width, false)
				for n, v := range c {
					if x := float64(v); !math.IsInf(x, 0) && !math.IsNaN(x) {
						t.Fatalf("%v in column %d: sum %d is %v", bad, at, n, v)
					}
				}
			}
		}
	})
}

func FuzzPairs(f *testing.F) {
	f.Add(uint64(1), uint8(6), uint8(16), uint8(0), true)
	f.Add(uint64(2), uint8(13), uint8(255), uint8(3), false)
	f.Fuzz(func(t *testing.T, seed uint64, rows, depth, pad uint8, add bool) {
		saved := active
		defer func() { active = saved }()
		for _, v := range variants() {
			active = v
			r := rand.New(rand.NewPCG(seed, 0))
			checkPairs(t, r, int(rows)%40+1, int(depth)+1, Width()+int(pad), add)
		}
	})
}

func BenchmarkPairs(b *testing.B) {
	saved := active
	defer func() { active = saved }()
	for _, v := range variants() {
		active = v
		b.Run(v.name, func(b *testing.B) {
			const rows, depth = 240, 256
			r := rand.New(rand.NewPCG(1, 1))
			a, panel := random(r, rows*(depth+PairFigures)), random(r, (depth+PairFigures)*Width())
			c := make([]float32, rows*Width())
			for b.Loop() {
				GemmPairs(rows, depth, a, depth+PairFigures, panel, c, Width(), true)
			}
			flops := 2 * float64(rows*depth*Width()) * float64(b.N)
			b.ReportMetric(flops/b.Elapsed().Seconds()/1e9, "GFLOP/s")
		})
	}
}

func ExampleGemmPairs() {
	// One row of two columns times the transposed rows (1, 2) and (3, 4), each
	// followed by its figures.
	row, columns := []float32{10, 1, 0, 0}, []float32{1, 2, 0, 0, 3, 4, 0, 0}
	Pair(row)
	Pair(columns[:4])
	Pair(columns[4:])
	panel := make([]float32, 4*Width())
	Pack(panel, columns, 4, 2, 4)
	c := make([]float32, Width())
	GemmPairs(1, 2, row, 4, panel, c, Width(), false)
	fmt.Println(c[:2])
	// Output: [12 34]
}
