package linear

import (
	"context"
	"errors"
)

// ErrSingular is the error of a matrix that is not positive definite.
var ErrSingular = errors.New("linear: the matrix is not positive definite")

// A Factor is a symmetric positive definite matrix as R·D·Rᵀ, where R is unit
// upper triangular and D diagonal. Its columns take part from the last to the
// first, so that column j of R says how the error of earlier columns is made
// up for by column j.
type Factor struct {
	N int
	R []float32 // [N, N]; what lies below the diagonal is 0
	D []float32
}

// factorBlock is how many columns are eliminated at a time.
const factorBlock = 64

// NewFactor factors a matrix [n, n], of which it reads the upper half, with
// damping added to its diagonal.
func NewFactor(ctx context.Context, workers int, a []float32, n int, damping float32) (*Factor, error) {
	f := &Factor{N: n, R: append([]float32(nil), a...), D: make([]float32, n)}
	for i := range n {
		f.R[i*n+i] += damping
	}
	var p Panels
	scaled := make([]float32, n*factorBlock)
	for s := (n - 1) / factorBlock * factorBlock; s >= 0; s -= factorBlock {
		size := min(factorBlock, n-s)
		if err := f.diagonal(s, size); err != nil {
			return nil, err
		}
		// The columns above the block become those of R; scaled keeps them
		// times -D.
		err := EachRows(ctx, workers, s, func(first, count int) error {
			for i := first; i < first+count; i++ {
				f.eliminate(f.R[i*n+s:][:size], scaled[i*factorBlock:][:size], s)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		p.LoadTransposed(f.R[s:], n, size, s)
		err = EachRows(ctx, workers, s, func(first, count int) error {
			p.addSome(first/p.width, p.count(), f.R[first*n:], n, scaled[first*factorBlock:], factorBlock, count)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	for i := range n {
		clear(f.R[i*n : i*n+i])
		f.R[i*n+i] = 1
	}
	return f, nil
}

// diagonal factors a block on the diagonal, in float64.
func (f *Factor) diagonal(s, size int) error {
	n := f.N
	var a [factorBlock * factorBlock]float64
	for i := range size {
		for j := i; j < size; j++ {
			a[i*factorBlock+j] = float64(f.R[(s+i)*n+s+j])
		}
	}
	for j := size - 1; j >= 0; j-- {
		d := a[j*factorBlock+j]
		if !(d > 0) {
			return ErrSingular
		}
		f.D[s+j] = float32(d)
		for i := range j {
			by := a[i*factorBlock+j] / d
			for k := i; k < j; k++ {
				a[i*factorBlock+k] -= float64(by * a[k*factorBlock+j])
			}
		}
		for i := range j {
			a[i*factorBlock+j] /= d
			f.R[(s+i)*n+s+j] = float32(a[i*factorBlock+j])
		}
	}
	return nil
}

// eliminate solves x·(D·Rᵀ) = row for the block from s on, in place, and
// leaves -x·D in scaled.
func (f *Factor) eliminate(row, scaled []float32, s int) {
	n := f.N
	for j := len(row) - 1; j >= 0; j-- {
		y := row[j]
		for k := j + 1; k < len(row); k++ {
			y += float32(scaled[k] * f.R[(s+j)*n+s+k])
		}
		scaled[j] = -y
		row[j] = y / f.D[s+j]
	}
}

// Solve replaces the rows of b, [rows, N], by those of b·A⁻¹.
func (f *Factor) Solve(ctx context.Context, workers int, b []float32, rows int) error {
	n := f.N
	var p Panels
	less := make([]float32, rows*factorBlock) // what is subtracted
	// y·Rᵀ = b, from the last column to the first.
	for s := (n - 1) / factorBlock * factorBlock; s >= 0; s -= factorBlock {
		size := min(factorBlock, n-s)
		p.LoadTransposed(f.R[s:], n, size, s)
		err := EachRows(ctx, workers, rows, func(first, count int) error {
			for i := first; i < first+count; i++ {
				row, minus := b[i*n+s:][:size], less[i*factorBlock:][:size]
				for j := size - 1; j >= 0; j-- {
					y := row[j]
					for k := j + 1; k < size; k++ {
						y += float32(minus[k] * f.R[(s+j)*n+s+k])
					}
					row[j], minus[j] = y, -y
				}
			}
			p.AddTo(b[first*n:], n, less[first*factorBlock:], factorBlock, count)
			return nil
		})
		if err != nil {
			return err
		}
	}
	for i := range rows {
		for j, d := range f.D {
			b[i*n+j] /= d
		}
	}
	// x·R = y, from the first column to the last.
	for s := 0; s < n; s += factorBlock {
		size := min(factorBlock, n-s)
		p.Load(f.R[s*n+s+size:], n, size, n-s-size)
		err := EachRows(ctx, workers, rows, func(first, count int) error {
			for i := first; i < first+count; i++ {
				row, minus := b[i*n+s:][:size], less[i*factorBlock:][:size]
				for j := range size {
					x := row[j]
					for k := range j {
						x += float32(minus[k] * f.R[(s+k)*n+s+j])
					}
					row[j], minus[j] = x, -x
				}
			}
			if s+size < n {
				p.AddTo(b[first*n+s+size:], n, less[first*factorBlock:], factorBlock, count)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Diagonal returns the diagonal of a matrix [n, n].
func Diagonal(a []float32, n int) []float32 {
	d := make([]float32, n)
	for i := range d {
		d[i] = a[i*n+i]
	}
	return d
}
