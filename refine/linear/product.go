package linear

import (
	"context"

	"github.com/f190792d/mq/eval/forward/compute"
	"github.com/f190792d/mq/eval/kernel"
)

// Panels is a matrix [depth, columns] that others are multiplied with, in the
// layout of the kernels.
type Panels struct {
	depth, columns, width int
	data                  []float32
}

// panels returns room for a matrix, b's memory where it is large enough.
func (b *Panels) reset(depth, columns int) {
	width := kernel.Width()
	count := (columns + width - 1) / width
	*b = Panels{depth, columns, width, compute.Grow(b.data, count*width*depth)}
}

// count returns the number of panels.
func (b *Panels) count() int { return (b.columns + b.width - 1) / b.width }

// panel returns panel i.
func (b *Panels) panel(i int) []float32 { return b.data[i*b.width*b.depth : (i+1)*b.width*b.depth] }

// Load packs a matrix of depth rows whose lines are stride elements apart.
func (b *Panels) Load(src []float32, stride, depth, columns int) {
	b.reset(depth, columns)
	for i := range b.count() {
		p, from := b.panel(i), i*b.width
		n := min(b.width, columns-from)
		for k := range depth {
			line := p[k*b.width:][:b.width]
			clear(line[copy(line, src[k*stride+from:][:n]):])
		}
	}
}

// LoadTransposed packs the transpose of a matrix of columns rows with depth
// elements.
func (b *Panels) LoadTransposed(src []float32, stride, depth, columns int) {
	b.reset(depth, columns)
	for i := range b.count() {
		kernel.Pack(b.panel(i), src[i*b.width*stride:], stride, min(b.width, columns-i*b.width), depth)
	}
}

// AddTo adds a·b to c, where a has rows of b's depth, lda elements apart, and
// those of c, ldc apart, have room for whole panels.
func (b *Panels) AddTo(c []float32, ldc int, a []float32, lda, rows int) {
	for i := range b.count() {
		kernel.Gemm(rows, b.depth, a, lda, b.panel(i), c[i*b.width:], ldc, true)
	}
}

// addFrom is AddTo for the panels from first on below end.
func (b *Panels) addSome(first, end int, c []float32, ldc int, a []float32, lda, rows int) {
	for i := first; i < end; i++ {
		kernel.Gemm(rows, b.depth, a, lda, b.panel(i), c[i*b.width:], ldc, true)
	}
}

// RowBlock is how many rows of a matrix are worked on at a time.
const RowBlock = 64

// EachRows calls f for blocks of at most RowBlock rows, from several
// goroutines.
func EachRows(ctx context.Context, workers, rows int, f func(first, n int) error) error {
	return compute.Parallel(ctx, workers, (rows+RowBlock-1)/RowBlock, func(_, i int) error {
		return f(i*RowBlock, min(RowBlock, rows-i*RowBlock))
	})
}

// Multiply adds a·b to c: a is [rows, depth], b [depth, columns].
func Multiply(ctx context.Context, workers int, c, a, b []float32, rows, depth, columns int) error {
	var p Panels
	for from := 0; from < depth; from += depthBlock {
		n := min(depthBlock, depth-from)
		p.Load(b[from*columns:], columns, n, columns)
		err := EachRows(ctx, workers, rows, func(first, count int) error {
			p.AddTo(c[first*columns:], columns, a[first*depth+from:], depth, count)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// depthBlock is how many terms of a product are summed before they are added
// to the result.
const depthBlock = 256

// MultiplyTransposed fills c, [rows, columns], with a·bᵀ: a is [rows, depth], b
// [columns, depth].
func MultiplyTransposed(ctx context.Context, workers int, c, a, b []float32, rows, depth, columns int) error {
	clear(c[:rows*columns])
	const some = 1024 // columns at a time
	var p Panels
	for at := 0; at < columns; at += some {
		wide := min(some, columns-at)
		for from := 0; from < depth; from += depthBlock {
			n := min(depthBlock, depth-from)
			p.LoadTransposed(b[at*depth+from:], depth, n, wide)
			stride := p.count() * p.width
			err := EachRows(ctx, workers, rows, func(first, count int) error {
				sums := make([]float32, count*stride)
				for i := range count {
					copy(sums[i*stride:], c[(first+i)*columns+at:][:wide])
				}
				p.AddTo(sums, stride, a[first*depth+from:], depth, count)
				for i := range count {
					copy(c[(first+i)*columns+at:][:wide], sums[i*stride:])
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}
