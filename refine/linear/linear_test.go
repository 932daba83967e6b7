package linear

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func drawn(seed uint64, n int) []float32 {
	random := rand.New(rand.NewPCG(seed, 1))
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(random.NormFloat64())
	}
	return x
}

// near fails where two matrices differ by more than a share of the greatest
// value.
func near(t *testing.T, what string, got []float32, want []float64, share float64) {
	t.Helper()
	top, worst := 0.0, 0.0
	for i, w := range want {
		top, worst = max(top, math.Abs(w)), max(worst, math.Abs(float64(got[i])-w))
	}
	if len(got) != len(want) || worst > share*top {
		t.Errorf("%s is wrong by %g of %g", what, worst, top)
	}
}

// times is a·b in float64.
func times(a, b []float64, rows, depth, columns int) []float64 {
	c := make([]float64, rows*columns)
	for i := range rows {
		for k := range depth {
			for j := range columns {
				c[i*columns+j] += a[i*depth+k] * b[k*columns+j]
			}
		}
	}
	return c
}

func turned(a []float64, rows, columns int) []float64 {
	b := make([]float64, len(a))
	for i := range rows {
		for j := range columns {
			b[j*rows+i] = a[i*columns+j]
		}
	}
	return b
}

func wide(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}

func TestProductsAreThePlainOnes(t *testing.T) {
	const rows, depth, columns = 70, 288, 96
	a, b, c := drawn(1, rows*depth), drawn(2, depth*columns), drawn(3, rows*columns)
	want := times(wide(a), wide(b), rows, depth, columns)
	for i := range want {
		want[i] += float64(c[i])
	}
	if err := Multiply(t.Context(), 2, c, a, b, rows, depth, columns); err != nil {
		t.Fatal(err)
	}
	near(t, "the product", c, want, 1e-6)
}

func TestOuterProductsAreSummed(t *testing.T) {
	const n, rows, columns = 300, 70, 96
	x, y := drawn(1, n*rows), drawn(2, n*columns)
	for name, c := range map[string]struct {
		sum  *Outer
		x    []float32
		rows int
	}{"two": {NewOuter(rows, columns), x, rows}, "one": {NewSquare(columns), y, columns}} {
		if err := c.sum.Add(t.Context(), 2, c.x, y, n); err != nil {
			t.Fatal(err)
		}
		want := times(turned(wide(c.x), n, c.rows), wide(y), c.rows, n, columns)
		for i := range want {
			want[i] /= n
		}
		near(t, "the sum of "+name, c.sum.Mean(), want, 1e-5)
	}
}

// square is a positive definite matrix with a bad condition.
func square(n int) []float32 {
	x := drawn(7, 2*n*n)
	for i := range x {
		x[i] *= 1 + 10*float32(i%n%7)
	}
	want := times(turned(wide(x), 2*n, n), wide(x), n, 2*n, n)
	a := make([]float32, n*n)
	for i, v := range want {
		a[i] = float32(v / float64(2*n))
	}
	return a
}

func TestFactorIsTheMatrix(t *testing.T) {
	const n = 160
	a := square(n)
	f, err := NewFactor(t.Context(), 2, a, n, 0.5)
	if err != nil {
		t.Fatal(err)
	}
	scaled := wide(f.R)
	for i := range scaled {
		if j := i % n; i/n > j && f.R[i] != 0 || i/n == j && f.R[i] != 1 {
			t.Fatalf("element %d, %d is %v", i/n, j, f.R[i])
		}
		scaled[i] *= float64(f.D[i%n])
	}
	got := times(scaled, turned(wide(f.R), n, n), n, n, n)
	want := wide(a)
	for i := range n {
		want[i*n+i] += 0.5
	}
	narrow := make([]float32, len(got))
	for i, v := range got {
		narrow[i] = float32(v)
	}
	near(t, "the factored matrix", narrow, want, 1e-5)
}

func TestSolutionsSolve(t *testing.T) {
	const n, rows = 160, 70
	a, b := square(n), drawn(3, rows*n)
	f, err := NewFactor(t.Context(), 2, a, n, 0.5)
	if err != nil {
		t.Fatal(err)
	}
	want := wide(b)
	if err := f.Solve(t.Context(), 2, b, rows); err != nil {
		t.Fatal(err)
	}
	damped := wide(a)
	for i := range n {
		damped[i*n+i] += 0.5
	}
	back := times(wide(b), damped, rows, n, n)
	narrow := make([]float32, len(back))
	for i, v := range back {
		narrow[i] = float32(v)
	}
	near(t, "what the solution gives", narrow, want, 1e-3)
}

func TestNoFactorOfWhatIsNotDefinite(t *testing.T) {
	if _, err := NewFactor(t.Context(), 1, make([]float32, 32*32), 32, 0); !errors.Is(err, ErrSingular) {
		t.Errorf("the error is %v", err)
	}
}

func TestResultsDoNotDependOnWorkers(t *testing.T) {
	const n, rows = 160, 200
	var first []float32
	for _, workers := range []int{1, 2, 5} {
		sum := NewSquare(n)
		if err := sum.Add(t.Context(), workers, drawn(4, 600*n), drawn(4, 600*n), 600); err != nil {
			t.Fatal(err)
		}
		f, err := NewFactor(t.Context(), workers, sum.Mean(), n, 0.01)
		if err != nil {
			t.Fatal(err)
		}
		b := drawn(5, rows*n)
		if err := f.Solve(t.Context(), workers, b, rows); err != nil {
			t.Fatal(err)
		}
		got := slices.Concat(f.R, f.D, b)
		if first == nil {
			first = got
		}
		if !slices.Equal(first, got) {
			t.Errorf("%d workers give other numbers", workers)
		}
	}
}

func TestTransposedProductsAreThePlainOnes(t *testing.T) {
	const rows, depth, columns = 70, 288, 1100
	a, b, c := drawn(1, rows*depth), drawn(2, columns*depth), drawn(3, rows*columns)
	if err := MultiplyTransposed(t.Context(), 2, c, a, b, rows, depth, columns); err != nil {
		t.Fatal(err)
	}
	near(t, "the product", c, times(wide(a), turned(wide(b), columns, depth), rows, depth, columns), 1e-6)
}
