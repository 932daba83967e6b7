package forward

import (
	"context"

	"github.com/f190792d/mq/eval/kernel"
)

// The blocking of a product. A tile of weights, rowBlock × depthBlock, is
// decoded and packed into panels that stay in the second-level cache; one
// panel stays in the first while tokenBlock rows of activations pass.
const (
	rowBlock   = 128 // at most; fewer where that keeps all workers busy
	depthBlock = 256 // a multiple of every encoded block
	tokenBlock = 144 // a multiple of every micro-kernel's rows
)

// output asks for y = x·wᵀ + bias, [tokens, w.rows].
type output struct {
	w    *matrix
	y    []float32
	bias []float32
}

// scratch is the memory of one worker.
type scratch struct {
	raw    []byte
	rows   []float32 // decoded rows, rowBlock × depthBlock
	panels []float32 // the same, packed
	sums   []float32 // results of a block of rows, [tokens, rows up to whole panels]
	alter  Alteration
	attention
}

// packed holds activations in blocks of depthBlock columns, each with its rows
// one after the other: what a product reads stays close together.
type packed struct {
	data         []float32
	tokens, cols int
}

// block returns the columns from on and their number, which is also the
// distance of rows.
func (p packed) block(from int) (data []float32, cols int) {
	cols = min(depthBlock, p.cols-from)
	return p.data[from*p.tokens : from*p.tokens+cols*p.tokens], cols
}

// pack copies activations [tokens, cols] into blocks.
func (r *run) pack(x []float32, tokens, cols int) (packed, error) {
	p := packed{grow(r.packed, tokens*cols), tokens, cols}
	r.packed = p.data
	const some = 64
	err := parallel(r.ctx, r.workers, (tokens+some-1)/some, func(_, i int) error {
		for t := i * some; t < min(tokens, (i+1)*some); t++ {
			for from := 0; from < cols; from += depthBlock {
				b, n := p.block(from)
				copy(b[t*n:(t+1)*n], x[t*cols+from:])
			}
		}
		return nil
	})
	return p, err
}

// multiply computes several products of the same activations [tokens, cols].
func (r *run) multiply(x []float32, tokens int, outs ...output) error {
	if tokens == 0 || len(outs) == 0 {
		return nil
	}
	cols := outs[0].w.cols
	if r.observe != nil {
		var weights []Weight
		for _, o := range outs {
			if o.w.Name != "" {
				weights = append(weights, o.w.Weight)
			}
			weights = append(weights, o.w.also...)
		}
		if len(weights) > 0 {
			r.observe(weights, x[:tokens*cols], cols)
		}
	}
	if r.rounded {
		return r.multiplyRounded(x, tokens, outs)
	}
	return r.products(x, tokens, outs)
}

// products computes products of activations as they are.
func (r *run) products(x []float32, tokens int, outs []output) error {
	cols := outs[0].w.cols
	p, err := r.pack(x, tokens, cols)
	if err != nil {
		return err
	}
	type item struct {
		output
		first, rows int
	}
	total := 0
	for _, o := range outs {
		total += o.w.rows
	}
	block := rowBlock
	for block > 32 && total/block < 4*r.workers {
		block /= 2
	}
	var items []item
	for _, o := range outs {
		for first := 0; first < o.w.rows; first += block {
			items = append(items, item{o, first, min(block, o.w.rows-first)})
		}
	}
	return parallel(r.ctx, r.workers, len(items), func(worker, i int) error {
		it := items[i]
		return it.w.multiply(r.ctx, r.scratch[worker], p, it.first, it.rows, it.y, it.bias)
	})
}

// multiply computes the columns of y that belong to one block of rows. They
// are summed in a small matrix of their own first: rows of y lie so far apart
// that they would push each other out of the caches.
func (m *matrix) multiply(ctx context.Context, s *scratch, p packed, first, rows int, y, bias []float32) error {
	width := kernel.Width()
	panels := (rows + width - 1) / width
	stride := panels * width
	s.rows = grow(s.rows, rowBlock*depthBlock)
	s.panels = grow(s.panels, stride*depthBlock)
	s.sums = grow(s.sums, p.tokens*stride)

	lines, err := m.lines(ctx, s, first, rows)
	if err != nil {
		return err
	}
	for from := 0; from < p.cols; from += depthBlock {
		x, depth := p.block(from)
		if err := m.tile(ctx, s, lines, first, rows, from, depth); err != nil {
			return err
		}
		for t := 0; t < p.tokens; t += tokenBlock {
			n := min(tokenBlock, p.tokens-t)
			for i := range panels {
				panel := s.panels[i*width*depth : (i+1)*width*depth]
				kernel.Gemm(n, depth, x[t*depth:], depth, panel, s.sums[t*stride+i*width:], stride, from > 0)
			}
		}
	}
	for t := range p.tokens {
		out := y[t*m.rows+first:][:rows]
		copy(out, s.sums[t*stride:])
		if bias != nil {
			for i, b := range bias[first : first+rows] {
				out[i] += b
			}
		}
	}
	return nil
}

// lines returns the stored bytes of a block of rows, nil where the matrix is
// stored transposed and tiles fetch their own.
func (m *matrix) lines(ctx context.Context, s *scratch, first, rows int) ([]byte, error) {
	if m.transposed {
		return nil, nil
	}
	s.raw = grow(s.raw, rows*m.lineBytes())
	return m.raw(ctx, s.raw, first, rows)
}

// tile decodes rows × depth weights and packs them into s.panels.
func (m *matrix) tile(ctx context.Context, s *scratch, lines []byte, first, rows, from, depth int) error {
	width := kernel.Width()
	if m.transposed {
		return m.tileTransposed(ctx, s, first, rows, from, depth)
	}
	size := m.lineBytes()
	for r := range rows {
		m.read(s.rows[r*depth:(r+1)*depth], lines[r*size:(r+1)*size], first+r, from)
		s.altered(m, s.rows[r*depth:(r+1)*depth])
	}
	for i := 0; i*width < rows; i++ {
		kernel.Pack(s.panels[i*width*depth:], s.rows[i*width*depth:], depth, min(width, rows-i*width), depth)
	}
	return nil
}

// tileTransposed fills the panels from lines that hold one column each: these
// are rows of the panels already.
func (m *matrix) tileTransposed(ctx context.Context, s *scratch, first, rows, from, depth int) error {
	width, size := kernel.Width(), m.lineBytes()
	s.raw = grow(s.raw, depth*size)
	lines, err := m.raw(ctx, s.raw, from, depth)
	if err != nil {
		return err
	}
	// Rows outside the block are decoded too where an encoded block crosses
	// its end.
	first += m.skip
	low := first / m.block * m.block
	high := min((first+rows+m.block-1)/m.block*m.block, m.line)
	line := grow(s.rows, high-low)
	for k := range depth {
		m.read(line, lines[k*size:(k+1)*size], from+k, low)
		s.altered(m, line)
		values := line[first-low:][:rows]
		for i := 0; i*width < rows; i++ {
			row := s.panels[(i*depth+k)*width:][:width]
			clear(row[copy(row, values[i*width:]):])
		}
	}
	return nil
}
