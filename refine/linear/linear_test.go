package linear

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
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
	outer := NewOuter(rows, columns)
	if err := outer.Add(t.Context(), 2, x, y, n); err != nil {
		t.Fatal(err)
	}
	want := times(turned(wide(x), n, rows), wide(y), rows, n, columns)
	for i := range want {
		want[i] /= n
	}
	near(t, "the sum of two", outer.Mean(), want, 1e-5)
}

func TestSquaresAreSummed(t *testing.T) {
	const n, columns = 300, 288
	x, sum := drawn(1, n*columns), NewSquare(columns)
	if err := sum.Add(t.Context(), 2, x, n); err != nil {
		t.Fatal(err)
	}
	want := times(turned(wide(x), n, columns), wide(x), columns, n, columns)
	for i := range want {
		want[i] /= n
	}
	near(t, "the sum", whole(sum.Mean()), want, 1e-5)
}

// whole is a symmetric matrix in full.
func whole(m *Symmetric) []float32 {
	var a []float32
	for i := range m.N {
		for j := range m.N {
			a = append(a, m.At(i, j))
		}
	}
	return a
}

// upper is what a triangle keeps, in full.
func upper(m *Symmetric) []float32 {
	a := make([]float32, m.N*m.N)
	for i := range m.N {
		copy(a[i*m.N+from(i):(i+1)*m.N], m.Row(i, from(i)))
	}
	return a
}

func TestSymmetricProductsAreThePlainOnes(t *testing.T) {
	const n, rows = 288, 70
	m, a, c := square(n), drawn(2, rows*n), make([]float32, rows*n)
	if err := MultiplySymmetric(t.Context(), 2, c, a, m, rows); err != nil {
		t.Fatal(err)
	}
	near(t, "the product", c, times(wide(a), wide(whole(m)), rows, n, n), 1e-6)
	for i, v := range m.Diagonal() {
		if v != m.At(i, i) {
			t.Fatalf("element %d of the diagonal is %v", i, v)
		}
	}
}

// square is a positive definite matrix with a bad condition.
func square(n int) *Symmetric {
	x := drawn(7, 2*n*n)
	for i := range x {
		x[i] *= 1 + 10*float32(i%n%7)
	}
	want := times(turned(wide(x), 2*n, n), wide(x), n, 2*n, n)
	a := NewSymmetric(n)
	for i := range n {
		row := a.Row(i, from(i))
		for j := range row {
			row[j] = float32(want[i*n+from(i)+j] / float64(2*n))
		}
	}
	return a
}

// sizes are of less than two blocks and of more, the last not a whole one.
var sizes = []int{32, 288, 608}

func TestFactorIsTheMatrix(t *testing.T) {
	for _, n := range sizes {
		t.Run(strconv.Itoa(n), func(t *testing.T) { checkFactor(t, n) })
	}
}

func checkFactor(t *testing.T, n int) {
	a := square(n)
	f, err := NewFactor(t.Context(), 2, a, 0.5)
	if err != nil {
		t.Fatal(err)
	}
	r := upper(f.R)
	scaled := wide(r)
	for i := range scaled {
		if j := i % n; i/n > j && r[i] != 0 || i/n == j && r[i] != 1 {
			t.Fatalf("element %d, %d is %v", i/n, j, r[i])
		}
		scaled[i] *= float64(f.D[i%n])
	}
	got := times(scaled, turned(wide(r), n, n), n, n, n)
	want := wide(whole(a))
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
	for _, n := range sizes {
		t.Run(strconv.Itoa(n), func(t *testing.T) { checkSolution(t, n, 70) })
	}
}

func checkSolution(t *testing.T, n, rows int) {
	a, b := square(n), drawn(3, rows*n)
	f, err := NewFactor(t.Context(), 2, a, 0.5)
	if err != nil {
		t.Fatal(err)
	}
	want := wide(b)
	if err := f.Solve(t.Context(), 2, b, rows); err != nil {
		t.Fatal(err)
	}
	damped := wide(whole(a))
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
	if _, err := NewFactor(t.Context(), 1, NewSymmetric(32), 0); !errors.Is(err, ErrSingular) {
		t.Errorf("the error is %v", err)
	}
}

func TestResultsDoNotDependOnWorkers(t *testing.T) {
	const n, rows = 288, 200
	var first []float32
	for _, workers := range []int{1, 2, 5} {
		sum := NewSquare(n)
		if err := sum.Add(t.Context(), workers, drawn(4, 600*n), 600); err != nil {
			t.Fatal(err)
		}
		f, err := NewFactor(t.Context(), workers, sum.Mean(), 0.01)
		if err != nil {
			t.Fatal(err)
		}
		b := drawn(5, rows*n)
		if err := f.Solve(t.Context(), workers, b, rows); err != nil {
			t.Fatal(err)
		}
		got := slices.Concat(upper(f.R), f.D, b)
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
