package linear

import (
	"context"
	"errors"
	"slices"
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

	inverse []float32 // of each block of R on the diagonal, a line for each column
}

const (
	// wideBlock is how many columns are eliminated before those in front of them
	// learn of it, and narrowBlock how many before those of the wide one do.
	wideBlock   = stair
	narrowBlock = 64
)

// A narrow is a block on the diagonal of R, and what is beside it within the
// wide one.
type narrow struct {
	at, size     int
	inverse, off Panels
}

// narrows divides a wide block.
func narrows(s, size int) (list []narrow) {
	for at := s; at < s+size; at += narrowBlock {
		list = append(list, narrow{at: at, size: min(narrowBlock, s+size-at)})
	}
	return list
}

// NewFactor factors a matrix with damping added to its diagonal.
func NewFactor(ctx context.Context, workers int, a *Symmetric, damping float32) (*Factor, error) {
	n := a.N
	f := &Factor{N: n, R: a.Clone(), D: make([]float32, n), inverse: make([]float32, n*narrowBlock)}
	f.R.AddDiagonal(damping)
	p := Panels{Workers: workers}
	scaled := make([]float32, n*wideBlock) // the columns above a block times -D
	for s := from(n - 1); s >= 0; s -= wideBlock {
		size := min(wideBlock, n-s)
		for _, b := range slices.Backward(narrows(s, size)) {
			if err := f.diagonal(b.at, b.size); err != nil {
				return nil, err
			}
			if err := f.eliminate(ctx, workers, s, b, scaled); err != nil {
				return nil, err
			}
		}
		p.reset(size, s)
		f.R.turnAbove(&p, s, s)
		err := EachRows(ctx, workers, s, func(first, count int) error {
			data, stride := f.R.rows(first)
			p.addFrom(first, data[first-from(first):], stride, scaled[first*wideBlock:], wideBlock, count)
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

// diagonal factors a block on the diagonal and inverts what becomes R there,
// in float64.
func (f *Factor) diagonal(s, size int) error {
	var a, inverse [narrowBlock * narrowBlock]float64
	for i := range size {
		for j := i; j < size; j++ {
			a[i*narrowBlock+j] = float64(f.R.At(s+i, s+j))
		}
	}
	for j := size - 1; j >= 0; j-- {
		d := a[j*narrowBlock+j]
		if !(d > 0) {
			return ErrSingular
		}
		f.D[s+j] = float32(d)
		for i := range j {
			by := a[i*narrowBlock+j] / d
			for k := i; k < j; k++ {
				a[i*narrowBlock+k] -= float64(by * a[k*narrowBlock+j])
			}
		}
		for i := range j {
			a[i*narrowBlock+j] /= d
			f.R.Row(s+i, s+j)[0] = float32(a[i*narrowBlock+j])
		}
	}
	for i := size - 1; i >= 0; i-- {
		inverse[i*narrowBlock+i] = 1
		for k := i + 1; k < size; k++ {
			for j := k; j < size; j++ {
				inverse[i*narrowBlock+j] -= float64(a[i*narrowBlock+k] * inverse[k*narrowBlock+j])
			}
		}
		for j, v := range inverse[i*narrowBlock:][:size] {
			f.inverse[(s+i)*narrowBlock+j] = float32(v)
		}
	}
	return nil
}

// eliminate makes the columns above a narrow block on the diagonal those of R,
// leaves them times -D in scaled, and takes what they do to the columns in
// front of them from those of the wide block, which begins at s.
func (f *Factor) eliminate(ctx context.Context, workers, s int, b narrow, scaled []float32) error {
	f.loadInverse(&b)
	err := EachRows(ctx, workers, b.at, func(first, count int) error {
		data, stride := f.R.rows(first)
		data, to := data[b.at-from(first):], scaled[first*wideBlock+b.at-s:]
		b.inverse.put(to, wideBlock, data, stride, count)
		for i := range count {
			row := data[i*stride:][:b.size]
			for j, y := range to[i*wideBlock:][:b.size] {
				row[j], to[i*wideBlock+j] = y/f.D[b.at+j], -y
			}
		}
		return nil
	})
	if err != nil || b.at == s {
		return err
	}
	f.loadOff(&b, s)
	return EachRows(ctx, workers, b.at, func(first, count int) error {
		data, stride := f.R.rows(first)
		b.off.AddTo(data[s-from(first):], stride, scaled[first*wideBlock+b.at-s:], wideBlock, count)
		return nil
	})
}

// loadInverse packs the transpose of a narrow block's inverse.
func (f *Factor) loadInverse(b *narrow) {
	b.inverse.LoadTransposed(f.inverse[b.at*narrowBlock:], narrowBlock, b.size, b.size)
}

// loadOff packs the transpose of what is above a narrow block in the wide one,
// which begins at s.
func (f *Factor) loadOff(b *narrow, s int) {
	data, stride := f.R.rows(s)
	b.off.LoadTransposed(data[b.at-s:], stride, b.size, b.at-s)
}

// Solve replaces the rows of b, [rows, N], by those of b·A⁻¹.
func (f *Factor) Solve(ctx context.Context, workers int, b []float32, rows int) error {
	n := f.N
	p := Panels{Workers: workers}
	less := make([]float32, rows*wideBlock) // what is subtracted
	// y·Rᵀ = b, from the last column to the first.
	for s := from(n - 1); s >= 0; s -= wideBlock {
		size := min(wideBlock, n-s)
		inner := narrows(s, size)
		for i := range inner {
			f.loadInverse(&inner[i])
			f.loadOff(&inner[i], s)
		}
		p.reset(size, s)
		f.R.turnAbove(&p, s, s)
		err := EachRows(ctx, workers, rows, func(first, count int) error {
			b, less := b[first*n:], less[first*wideBlock:]
			for i := len(inner) - 1; i >= 0; i-- {
				inner[i].solve(b, n, less, s, count)
				if i > 0 {
					inner[i].off.AddTo(b[s:], n, less[inner[i].at-s:], wideBlock, count)
				}
			}
			p.AddTo(b, n, less, wideBlock, count)
			return nil
		})
		if err != nil {
			return err
		}
	}
	err := EachRows(ctx, workers, rows, func(first, count int) error {
		for i := first; i < first+count; i++ {
			for j, d := range f.D {
				b[i*n+j] /= d
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	// x·R = y/D, from the first column to the last.
	for s := 0; s < n; s += wideBlock {
		size := min(wideBlock, n-s)
		inner := narrows(s, size)
		for i := range inner {
			at, wide := inner[i].at, inner[i].size
			inner[i].inverse.Load(f.inverse[at*narrowBlock:], narrowBlock, wide, wide)
			f.R.LoadUpper(&inner[i].off, at, wide, at+wide, s+size-at-wide)
		}
		f.R.LoadUpper(&p, s, size, s+size, n-s-size)
		err := EachRows(ctx, workers, rows, func(first, count int) error {
			b, less := b[first*n:], less[first*wideBlock:]
			for i := range inner {
				inner[i].solve(b, n, less, s, count)
				if next := inner[i].at + inner[i].size; next < s+size {
					inner[i].off.AddTo(b[next:], n, less[inner[i].at-s:], wideBlock, count)
				}
			}
			if s+size < n {
				p.AddTo(b[s+size:], n, less, wideBlock, count)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// solve multiplies the block's columns of b with its inverse, and leaves what
// they become negated in less, where the wide block begins at s.
func (b *narrow) solve(x []float32, stride int, less []float32, s, rows int) {
	b.inverse.put(less[b.at-s:], wideBlock, x[b.at:], stride, rows)
	for i := range rows {
		minus, row := less[i*wideBlock+b.at-s:][:b.size], x[i*stride+b.at:][:b.size]
		for j, v := range minus {
			row[j], minus[j] = v, -v
		}
	}
}
