package kernel

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"testing"
)

// each runs a test with every variant of this machine.
func each(t *testing.T, run func(t *testing.T)) {
	saved := active
	defer func() { active = saved }()
	for _, v := range variants() {
		active = v
		t.Run(v.name, run)
	}
}

func random(r *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

// exact is the product in float64 with the sum of absolute terms, which
// bounds the rounding error.
func exact(a []float32, b []float32, width, n int) (sum, size float64) {
	for k, v := range a {
		term := float64(v) * float64(b[k*width+n])
		sum += term
		size += math.Abs(term)
	}
	return sum, size
}

func checkGemm(t *testing.T, r *rand.Rand, rows, depth, lda, ldc int, add bool) {
	t.Helper()
	width := Width()
	a, b := random(r, rows*lda), random(r, depth*width)
	c := random(r, rows*ldc+1)
	before := append([]float32(nil), c...)
	Gemm(rows, depth, a, lda, b, c, ldc, add)
	for i := range c {
		row, n := i/ldc, i%ldc
		if row >= rows || n >= width {
			if c[i] != before[i] {
				t.Fatalf("%d×%d: wrote outside the tile at row %d, column %d", rows, depth, row, n)
			}
			continue
		}
		want, size := exact(a[row*lda:row*lda+depth], b, width, n)
		if add {
			want += float64(before[i])
		}
		if diff := math.Abs(float64(c[i]) - want); diff > 1e-6*(size+1) {
			t.Fatalf("%d×%d: [%d][%d] = %v, want %v", rows, depth, row, n, c[i], want)
		}
	}
}

func TestProductOfEveryTail(t *testing.T) {
	each(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 2))
		for rows := 1; rows <= 25; rows++ {
			for _, depth := range []int{1, 2, 3, 4, 5, 7, 8, 31, 64, 256} {
				checkGemm(t, r, rows, depth, depth+rows%3, Width()+depth%5, rows%2 == 0)
			}
		}
	})
}

func TestProductOfARowIsTheSameInEveryTile(t *testing.T) {
	each(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(3, 4))
		const rows, depth = 23, 77
		width := Width()
		a, b := random(r, rows*depth), random(r, depth*width)
		c, alone := make([]float32, rows*width), make([]float32, width)
		Gemm(rows, depth, a, depth, b, c, width, false)
		for i := range rows {
			Gemm(1, depth, a[i*depth:], depth, b, alone, width, false)
			for n, v := range alone {
				if v != c[i*width+n] {
					t.Fatalf("row %d, column %d: %v alone, %v in a batch", i, n, v, c[i*width+n])
				}
			}
		}
	})
}

func TestAssemblyVariantsAgreeBitForBit(t *testing.T) {
	var reference []float32
	each(t, func(t *testing.T) {
		if Name() == "go" {
			t.Skip("Go rounds twice where assembly fuses")
		}
		r := rand.New(rand.NewPCG(5, 6))
		const rows, columns, depth = 7, 64, 100
		a, w := random(r, rows*depth), random(r, columns*depth)
		c := make([]float32, rows*columns)
		panel := make([]float32, depth*Width())
		for n := 0; n < columns; n += Width() {
			Pack(panel, w[n*depth:], depth, Width(), depth)
			Gemm(rows, depth, a, depth, panel, c[n:], columns, false)
		}
		if reference == nil {
			reference = c
		}
		for i := range c {
			if c[i] != reference[i] {
				t.Fatalf("element %d: %v, and %v in another variant", i, c[i], reference[i])
			}
		}
	})
}

func TestPackTransposes(t *testing.T) {
	each(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(7, 8))
		width := Width()
		for rows := 1; rows <= width; rows++ {
			for _, depth := range []int{1, 5, 8, 9, 16, 100} {
				stride := depth + rows%4
				src, dst := random(r, rows*stride), random(r, depth*width)
				Pack(dst, src, stride, rows, depth)
				for i, v := range dst {
					want := float32(0)
					if n := i % width; n < rows {
						want = src[n*stride+i/width]
					}
					if v != want {
						t.Fatalf("%d rows of %d: [%d] = %v, want %v", rows, depth, i, v, want)
					}
				}
			}
		}
	})
}

func TestExpHasTheValuesOfExp(t *testing.T) {
	each(t, func(t *testing.T) {
		for n := 0; n < 300; n += 7 {
			src, dst := make([]float32, n), make([]float32, n)
			for i := range src {
				src[i] = float32(i*i%907)/5 - 100
			}
			sum, want := Exp(dst, src, 3), 0.0
			for i, x := range src {
				e := math.Exp(float64(x - 3))
				if x-3 < -87.33 {
					e = 0
				}
				want += e
				if math.Abs(float64(dst[i])-e) > 4e-7*e {
					t.Fatalf("exp(%v) = %v, want %v", x-3, dst[i], e)
				}
			}
			if math.Abs(sum-want) > 1e-6*want {
				t.Fatalf("sum of %d = %v, want %v", n, sum, want)
			}
		}
	})
}

func TestExpAtTheEnds(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	each(t, func(t *testing.T) {
		x := []float32{-inf, -1e30, -88, 0, inf, nan, 1, -1}
		Exp(x, x, 0)
		if x[0] != 0 || x[1] != 0 || x[2] != 0 || x[3] != 1 || x[4] < 2e38 || x[5] == x[5] {
			t.Errorf("got %v", x)
		}
	})
}

func TestSwiGLU(t *testing.T) {
	each(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(9, 10))
		for n := range 40 {
			gate, up := random(r, n), random(r, n)
			for i := range gate {
				gate[i] *= 20
			}
			got := append([]float32(nil), gate...)
			SwiGLU(got, up)
			for i, g := range gate {
				want := float64(g) / (1 + math.Exp(-float64(g))) * float64(up[i])
				if math.Abs(float64(got[i])-want) > 1e-6*(math.Abs(want)+1e-6) {
					t.Fatalf("silu(%v)·%v = %v, want %v", g, up[i], got[i], want)
				}
			}
		}
	})
}

func TestAssemblyGivesTheSameOnEveryMachine(t *testing.T) {
	each(t, func(t *testing.T) {
		if active.name == pure.name {
			return // Go fuses products where the machine does
		}
		r := rand.New(rand.NewPCG(19, 20))
		gate, up, x := random(r, 4096), random(r, 4096), random(r, 4096)
		for i := range gate {
			gate[i] *= 20
		}
		sum := Exp(x, x, 0.3)
		SwiGLU(gate, up)
		hash := fnv.New64a()
		for _, v := range []any{sum, x, gate} {
			if err := binary.Write(hash, binary.LittleEndian, v); err != nil {
				t.Fatal(err)
			}
		}
		if got := hash.Sum64(); got != 0x81402efd46f83404 {
			t.Errorf("the digest is %#x", got)
		}
	})
}

func TestAddSquaresRoundsOnce(t *testing.T) {
	each(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(15, 16))
		for n := range 40 {
			row, sums := random(r, n), make([]float64, n+1)
			for i := range sums {
				sums[i] = r.NormFloat64()
			}
			want := append([]float64(nil), sums...)
			AddSquares(sums, row)
			for i, v := range row {
				want[i] += float64(v) * float64(v)
			}
			for i := range sums {
				if sums[i] != want[i] {
					t.Fatalf("sum %d of %d is %v, want %v", i, n, sums[i], want[i])
				}
			}
		}
	})
}

func TestMax(t *testing.T) {
	each(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(11, 12))
		for n := 1; n < 70; n++ {
			x := random(r, n)
			at := r.IntN(n)
			x[at] = 10
			if got := Max(x); got != 10 {
				t.Fatalf("largest of %d at %d: got %v", n, at, got)
			}
			x[at] = -20
			want := float32(math.Inf(-1))
			for _, v := range x {
				want = max(want, v)
			}
			if got := Max(x); got != want {
				t.Fatalf("largest of %d: got %v, want %v", n, got, want)
			}
		}
	})
}

func FuzzGemm(f *testing.F) {
	f.Add(uint64(1), uint8(6), uint8(16), uint8(0), true)
	f.Add(uint64(2), uint8(13), uint8(255), uint8(3), false)
	f.Fuzz(func(t *testing.T, seed uint64, rows, depth, pad uint8, add bool) {
		saved := active
		defer func() { active = saved }()
		for _, v := range variants() {
			active = v
			r := rand.New(rand.NewPCG(seed, 0))
			checkGemm(t, r, int(rows)%40+1, int(depth)+1, int(depth)+1+int(pad), Width()+int(pad), add)
		}
	})
}

func BenchmarkGemm(b *testing.B) {
	saved := active
	defer func() { active = saved }()
	for _, v := range variants() {
		active = v
		b.Run(v.name, func(b *testing.B) {
			const rows, depth = 240, 256
			r := rand.New(rand.NewPCG(1, 1))
			a, panel := random(r, rows*depth), random(r, depth*Width())
			c := make([]float32, rows*Width())
			for b.Loop() {
				Gemm(rows, depth, a, depth, panel, c, Width(), true)
			}
			flops := 2 * float64(rows*depth*Width()) * float64(b.N)
			b.ReportMetric(flops/b.Elapsed().Seconds()/1e9, "GFLOP/s")
		})
	}
}

func ExampleGemm() {
	// One row of two columns times the transposed rows (1, 2) and (3, 4).
	panel := make([]float32, 2*Width())
	Pack(panel, []float32{1, 2, 3, 4}, 2, 2, 2)
	c := make([]float32, Width())
	Gemm(1, 2, []float32{10, 1}, 2, panel, c, Width(), false)
	fmt.Println(c[:2])
	// Output: [12 34]
}
