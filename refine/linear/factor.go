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
	R *Symmetric // its upper triangle; what else it keeps is 0
	D []float32
}

// factorBlock is how many columns are eliminated at a time.
const factorBlock = 64

// NewFactor factors a matrix with damping added to its diagonal.
func NewFactor(ctx context.Context, workers int, a *Symmetric, damping float32) (*Factor, error) {
	n := a.N
	f := &Factor{N: n, R: a.Clone(), D: make([]float32, n)}
	f.R.AddDiagonal(damping)
	var p Panels
	block, scaled := make([]float32, n*factorBlock), make([]float32, n*factorBlock)
	for s := (n - 1) / factorBlock * factorBlock; s >= 0; s -= factorBlock {
		size := min(factorBlock, n-s)
		if err := f.diagonal(s, size); err != nil {
			return nil, err
		}
		// The columns above the block become those of R, which block keeps too;
		// scaled keeps them times -D.
		err := EachRows(ctx, workers, s, func(first, count int) error {
			for i := first; i < first+count; i++ {
				row := f.R.Row(i, s)[:size]
				f.eliminate(row, scaled[i*factorBlock:][:size], s)
				copy(block[i*factorBlock:], row)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		p.LoadTransposed(block, factorBlock, size, s)
		err = EachRows(ctx, workers, s, func(first, count int) error {
			data, stride := f.R.rows(first)
			p.addFrom(first, data[first-from(first):], stride, scaled[first*factorBlock:], factorBlock, count)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	for i := range n {
		row := f.R.Row(i, from(i))[:i-from(i)+1]
		clear(row)
		row[len(row)-1] = 1
	}
	return f, nil
}

// diagonal factors a block on the diagonal, in float64.
func (f *Factor) diagonal(s, size int) error {
	var a [factorBlock * factorBlock]float64
	for i := range size {
		for j := i; j < size; j++ {
			a[i*factorBlock+j] = float64(f.R.At(s+i, s+j))
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
			f.R.Row(s+i, s+j)[0] = float32(a[i*factorBlock+j])
		}
	}
	return nil
}

// eliminate solves x·(D·Rᵀ) = row for the block from s on, in place, and
// leaves -x·D in scaled.
func (f *Factor) eliminate(row, scaled []float32, s int) {
	for j := len(row) - 1; j >= 0; j-- {
		y, line := row[j], f.R.Row(s+j, s)
		for k := j + 1; k < len(row); k++ {
			y += float32(scaled[k] * line[k])
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
		f.loadAbove(&p, s, size)
		err := EachRows(ctx, workers, rows, func(first, count int) error {
			for i := first; i < first+count; i++ {
				row, minus := b[i*n+s:][:size], less[i*factorBlock:][:size]
				for j := size - 1; j >= 0; j-- {
					y, line := row[j], f.R.Row(s+j, s)
					for k := j + 1; k < size; k++ {
						y += float32(minus[k] * line[k])
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
		f.R.LoadUpper(&p, s, size, s+size, n-s-size)
		err := EachRows(ctx, workers, rows, func(first, count int) error {
			for i := first; i < first+count; i++ {
				row, minus := b[i*n+s:][:size], less[i*factorBlock:][:size]
				for j := range size {
					x := row[j]
					for k := range j {
						x += float32(minus[k] * f.R.Row(s+k, s)[j])
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

// loadAbove packs the transpose of what lies above a block on the diagonal.
func (f *Factor) loadAbove(p *Panels, s, size int) {
	p.reset(size, s)
	for i := range p.count() {
		data, stride := f.R.rows(i * p.width)
		p.turn(i, data[s-from(i*p.width):], stride)
	}
}
