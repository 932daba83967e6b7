package linear

import (
	"context"
	"math"
	"sync"
	"time"

	"github.com/f190792d/mq/eval/forward/compute"
	"github.com/f190792d/mq/eval/kernel"
)

// Panels is a matrix [depth, columns] that others are multiplied with, in the
// layout of the kernels.
type Panels struct {
	Workers               int // that pack
	depth, columns, width int
	data                  []float32
}

// reached is what share of the kernel's rate whole refinements reach:
// docs/performance.md says where that was measured.
const reached = 0.8

// Rate is about how many operations a second large products take on a
// processor. It is measured, for one name stands for kernels on units of
// different width.
func Rate() float64 { return rate() }

var rate = sync.OnceValue(func() float64 {
	const rows, depth, runs = 240, 256, 32
	width := kernel.Width()
	a, panel, c := make([]float32, rows*depth), make([]float32, depth*width), make([]float32, rows*width)
	least := time.Duration(math.MaxInt64)
	for range runs { // others may interrupt
		start := time.Now()
		kernel.Gemm(rows, depth, a, depth, panel, c, width, true)
		least = min(least, time.Since(start))
	}
	return reached * 2 * rows * depth * float64(width) / max(least, 1).Seconds()
})

// panels returns room for a matrix, b's memory where it is large enough.
func (b *Panels) reset(depth, columns int) {
	width := kernel.Width()
	count := (columns + width - 1) / width
	*b = Panels{b.Workers, depth, columns, width, compute.Grow(b.data, count*width*depth)}
}

// each packs the panels from one on below another, each by itself.
func (b *Panels) each(from, to int, pack func(i int)) {
	const few = 1 << 16 // elements that are not worth a second processor
	workers := b.Workers
	if (to-from)*b.width*b.depth < few {
		workers = 1
	}
	share := (to-from)/max(1, workers) + 1
	var packing sync.WaitGroup
	for first := from; first < to; first += share {
		packing.Go(func() {
			for i := first; i < min(first+share, to); i++ {
				pack(i)
			}
		})
	}
	packing.Wait()
}

// count returns the number of panels.
func (b *Panels) count() int { return (b.columns + b.width - 1) / b.width }

// panel returns panel i.
func (b *Panels) panel(i int) []float32 { return b.data[i*b.width*b.depth : (i+1)*b.width*b.depth] }

// Load packs a matrix of depth rows whose lines are stride elements apart.
func (b *Panels) Load(src []float32, stride, depth, columns int) {
	b.reset(depth, columns)
	b.each(0, b.count(), func(i int) {
		b.copy(i, src[i*b.width:], stride, min(b.width, columns-i*b.width))
	})
}

// copy packs a panel of n columns.
func (b *Panels) copy(i int, src []float32, stride, n int) {
	p := b.panel(i)
	for k := range b.depth {
		line := p[k*b.width:][:b.width]
		clear(line[copy(line, src[k*stride:][:n]):])
	}
}

// turn packs a panel whose columns are rows of src.
func (b *Panels) turn(i int, src []float32, stride int) {
	kernel.Pack(b.panel(i), src, stride, min(b.width, b.columns-i*b.width), b.depth)
}

// LoadTransposed packs the transpose of a matrix of columns rows with depth
// elements.
func (b *Panels) LoadTransposed(src []float32, stride, depth, columns int) {
	b.reset(depth, columns)
	b.each(0, b.count(), func(i int) { b.turn(i, src[i*b.width*stride:], stride) })
}

// AddTo adds a·b to c, where a has rows of b's depth, lda elements apart, and
// those of c, ldc apart, have room for whole panels.
func (b *Panels) AddTo(c []float32, ldc int, a []float32, lda, rows int) {
	b.addFrom(0, c, ldc, a, lda, rows)
}

// AddAfter is AddTo for the columns of c from one on that begins a panel.
func (b *Panels) AddAfter(column int, c []float32, ldc int, a []float32, lda, rows int) {
	if column < b.columns {
		b.addFrom(column, c[column:], ldc, a, lda, rows)
	}
}

// addFrom is AddTo for the columns from one on that begins a panel: those of c
// begin with it.
func (b *Panels) addFrom(column int, c []float32, ldc int, a []float32, lda, rows int) {
	b.into(column, c, ldc, a, lda, rows, true)
}

// put is AddTo that forgets what c was.
func (b *Panels) put(c []float32, ldc int, a []float32, lda, rows int) {
	b.into(0, c, ldc, a, lda, rows, false)
}

func (b *Panels) into(column int, c []float32, ldc int, a []float32, lda, rows int, add bool) {
	first := column / b.width
	for i := first; i < b.count(); i++ {
		kernel.Gemm(rows, b.depth, a, lda, b.panel(i), c[(i-first)*b.width:], ldc, add)
	}
}

// RowBlock is how many rows of a matrix are worked on at a time.
const RowBlock = 64

// EachRows calls f for blocks of at most RowBlock rows, from several
// goroutines.
func EachRows(ctx context.Context, workers, rows int, f func(first, n int) error) error {
	return eachBlock(ctx, workers, rows, RowBlock, f)
}

func eachBlock(ctx context.Context, workers, rows, block int, f func(first, n int) error) error {
	return compute.Parallel(ctx, workers, (rows+block-1)/block, func(_, i int) error {
		return f(i*block, min(block, rows-i*block))
	})
}

// tallBlock is how many rows a panel is multiplied with while it is near: more
// than [RowBlock], for all panels together are in no cache. Rows that lie far
// apart are brought together first, for they would push each other out.
const tallBlock = stair

// Multiply adds a·b to c: a is [rows, depth], b [depth, columns].
func Multiply(ctx context.Context, workers int, c, a, b []float32, rows, depth, columns int) error {
	p := Panels{Workers: workers}
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
	p := Panels{Workers: workers}
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
