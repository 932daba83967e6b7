package unpack

import (
	"context"
	"testing"
)

// benchmarked is a matrix of 4-bit codes in memory, packed down as GPTQ does.
func benchmarked(rows, cols int64) *affine {
	words := make([]byte, rows*cols/2)
	for i := range words {
		words[i] = byte(i*7 + i>>8*13)
	}
	a := &affine{rows: rows, cols: cols, groups: cols / 128, size: 128, high: 15, tiles: newTiles(tileBudget)}
	l := stream(4)
	a.codes = func(_ context.Context, first, n int64, dst []byte) error {
		part := make([]byte, n*cols/2)
		for k := range cols / 8 {
			copy(part[k*4*n:(k+1)*4*n], words[(k*rows+first)*4:])
		}
		l.down(dst, part, n, cols)
		return nil
	}
	a.params = func(_ context.Context, _, _ int64, scale, offset []float32) error {
		for i := range scale {
			scale[i], offset[i] = 0.0078125, 8
		}
		return nil
	}
	return a
}

func BenchmarkFloats(b *testing.B) {
	a := benchmarked(4096, 4096)
	r, p := a.floats(), make([]byte, 4*16*a.cols)
	b.SetBytes(int64(len(p)) / 4) // weights
	for i := range int64(b.N) {
		if err := r.Read(b.Context(), p, i%(a.rows/16)*int64(len(p))); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPacked(b *testing.B) {
	a := benchmarked(4096, 4096)
	packed, ok, err := a.exact(b.Context())
	if err != nil || !ok {
		b.Fatal(ok, err)
	}
	p := make([]byte, 16*packed.Rows.Columns)
	b.SetBytes(16 * a.cols) // weights
	for i := range int64(b.N) {
		if err := packed.Rows.Read(b.Context(), p, i%(a.rows/16)*int64(len(p))); err != nil {
			b.Fatal(err)
		}
	}
}
