package linear

import (
	"context"
	"runtime"
	"testing"
)

// BenchmarkStages: what is done with matrices as wide as Llama 3 8B, and how
// much of the kernel's rate is left.
func BenchmarkStages(b *testing.B) {
	const n, rows, some = 4096, 2048, 1024
	ctx, workers := context.Background(), runtime.GOMAXPROCS(0)
	x, y := drawn(1, rows*n), drawn(2, rows*n)
	square, cross := NewSquare(n), NewOuter(n, n)
	for _, stage := range []struct {
		name string
		work float64
		run  func() error
	}{
		{"square", some * n * n, func() error { return square.Add(ctx, workers, x, some) }},
		{"cross", 2 * some * n * n, func() error { return cross.Add(ctx, workers, x, y, some) }},
		{"product", 2 * rows * n * n, func() error { return Multiply(ctx, workers, y, x, cross.sum, rows, n, n) }},
		{"transposed", 2 * rows * rows * n, func() error { return MultiplyTransposed(ctx, workers, y, x, x, rows, n, rows) }},
		{"symmetric", 2 * rows * n * n, func() error { return MultiplySymmetric(ctx, workers, y, x, square.sum, rows) }},
	} {
		b.Run(stage.name, func(b *testing.B) { measure(b, stage.work, stage.run) })
	}
	if err := square.Add(ctx, workers, drawn(3, 2*n*n), 2*n); err != nil {
		b.Fatal(err)
	}
	a := square.Mean()
	var f *Factor
	b.Run("factor", func(b *testing.B) {
		measure(b, n*n*n/3, func() (err error) { f, err = NewFactor(ctx, workers, a, 0.01); return err })
	})
	b.Run("solve", func(b *testing.B) {
		measure(b, 2*rows*n*n, func() error { return f.Solve(ctx, workers, x, rows) })
	})
}

func measure(b *testing.B, work float64, run func() error) {
	for b.Loop() {
		if err := run(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(work*float64(b.N)/b.Elapsed().Seconds()/1e9/float64(runtime.GOMAXPROCS(0)), "GFLOP/s/core")
}
