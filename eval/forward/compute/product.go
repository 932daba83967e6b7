package compute

import (
	"context"
	"slices"

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

// packed holds activations in blocks of depthBlock columns, each with its rows
// one after the other: what a product reads stays close together.
type packed struct {
	data         []float32
	tokens, cols int
	paired       bool // rows of a block are prepared for products of pairs
}

// figures is the number of figures that follow a row's columns of a block.
func (p packed) figures() int {
	if p.paired {
		return kernel.PairFigures
	}
	return 0
}

// block returns the columns from on, their number and the distance of rows.
func (p packed) block(from int) (data []float32, cols, apart int) {
	cols = min(depthBlock, p.cols-from)
	apart = cols + p.figures()
	at := (from + from/depthBlock*p.figures()) * p.tokens
	return p.data[at : at+apart*p.tokens], cols, apart
}

// pack copies activations into blocks.
func (c *CPU) pack(ctx context.Context, d *desk, x []float32, tokens, cols int, paired bool) (packed, error) {
	p := packed{nil, tokens, cols, paired}
	d.packed = Grow(d.packed, tokens*(cols+(cols+depthBlock-1)/depthBlock*p.figures()))
	p.data = d.packed
	const some = 64
	err := Parallel(ctx, c.workers, (tokens+some-1)/some, func(_, i int) error {
		for t := i * some; t < min(tokens, (i+1)*some); t++ {
			for from := 0; from < cols; from += depthBlock {
				b, n, apart := p.block(from)
				row := b[t*apart : (t+1)*apart]
				copy(row[:n], x[t*cols+from:])
				if paired {
					kernel.Pair(row)
				}
			}
		}
		return nil
	})
	return p, err
}

// products computes products of activations as they are.
func (c *CPU) products(ctx context.Context, d *desk, b Batch, products []Product) error {
	paired := b.Paired && !slices.ContainsFunc(products, func(o Product) bool { return o.W.Turned })
	p, err := c.pack(ctx, d, b.X, b.Rows, products[0].W.Cols, paired)
	if err != nil {
		return err
	}
	type item struct {
		Product
		first, rows int
	}
	total := 0
	for _, o := range products {
		total += o.W.Rows
	}
	block := rowBlock
	for block > 32 && total/block < 4*c.workers {
		block /= 2
	}
	var items []item
	for _, o := range products {
		for first := 0; first < o.W.Rows; first += block {
			items = append(items, item{o, first, min(block, o.W.Rows-first)})
		}
	}
	return Parallel(ctx, c.workers, len(items), func(worker, i int) error {
		it := items[i]
		return it.multiply(ctx, d.scratch[worker], p, it.first, it.rows, b.Alter)
	})
}

// multiply computes the columns of y that belong to one block of rows. They
// are summed in a small matrix of their own first: rows of y lie so far apart
// that they would push each other out of the caches.
func (o Product) multiply(ctx context.Context, s *scratch, p packed, first, rows int, alter Alteration) error {
	m := o.W
	width := kernel.Width()
	panels := (rows + width - 1) / width
	stride := panels * width
	s.rows = Grow(s.rows, rowBlock*(depthBlock+p.figures()))
	s.panels = Grow(s.panels, stride*(depthBlock+p.figures()))
	s.sums = Grow(s.sums, p.tokens*stride)

	gemm := kernel.Gemm
	if p.paired {
		gemm = kernel.GemmPairs
	}
	lines, err := m.lines(ctx, s, first, rows)
	if err != nil {
		return err
	}
	for from := 0; from < p.cols; from += depthBlock {
		x, depth, apart := p.block(from)
		if err := m.tile(ctx, s, lines, first, rows, from, depth, p.paired, alter); err != nil {
			return err
		}
		for t := 0; t < p.tokens; t += tokenBlock {
			n := min(tokenBlock, p.tokens-t)
			for i := range panels {
				panel := s.panels[i*width*apart : (i+1)*width*apart]
				gemm(n, depth, x[t*apart:], apart, panel, s.sums[t*stride+i*width:], stride, from > 0)
			}
		}
	}
	for t := range p.tokens {
		out := o.Y[t*m.Rows+first:][:rows]
		copy(out, s.sums[t*stride:])
		if o.Bias != nil {
			for i, b := range o.Bias[first : first+rows] {
				out[i] += b
			}
		}
	}
	return nil
}

// lines returns the stored bytes of a block of rows, nil where the matrix is
// stored turned and tiles fetch their own.
func (m *Matrix) lines(ctx context.Context, s *scratch, first, rows int) ([]byte, error) {
	if m.Turned {
		return nil, nil
	}
	s.raw = Grow(s.raw, rows*m.LineBytes())
	return m.Fetch(ctx, s.raw, first, rows)
}

// tile decodes rows × depth weights and packs them into s.panels, prepared for
// products of pairs where the activations are.
func (m *Matrix) tile(ctx context.Context, s *scratch, lines []byte, first, rows, from, depth int, paired bool, alter Alteration) error {
	width := kernel.Width()
	if m.Turned {
		return m.tileTurned(ctx, s, first, rows, from, depth, alter)
	}
	size, apart := m.LineBytes(), depth
	if paired {
		apart += kernel.PairFigures
	}
	for r := range rows {
		row := s.rows[r*apart : (r+1)*apart]
		m.read(row[:depth], lines[r*size:(r+1)*size], first+r, from)
		alter.apply(m, row[:depth])
		if paired {
			kernel.Pair(row)
		}
	}
	for i := 0; i*width < rows; i++ {
		kernel.Pack(s.panels[i*width*apart:], s.rows[i*width*apart:], apart, min(width, rows-i*width), apart)
	}
	return nil
}

// tileTurned fills the panels from lines that hold one column each: these
// are rows of the panels already.
func (m *Matrix) tileTurned(ctx context.Context, s *scratch, first, rows, from, depth int, alter Alteration) error {
	width, size := kernel.Width(), m.LineBytes()
	s.raw = Grow(s.raw, depth*size)
	lines, err := m.Fetch(ctx, s.raw, from, depth)
	if err != nil {
		return err
	}
	// Rows outside the block are decoded too where an encoded block crosses
	// its end.
	first += m.Skip
	low, high := m.blocks(first, rows)
	line := Grow(s.rows, high-low)
	for k := range depth {
		m.read(line, lines[k*size:(k+1)*size], from+k, low)
		alter.apply(m, line)
		values := line[first-low:][:rows]
		for i := 0; i*width < rows; i++ {
			row := s.panels[(i*depth+k)*width:][:width]
			clear(row[copy(row, values[i*width:]):])
		}
	}
	return nil
}

// multiplyRounded computes products of rounded activations, those of each
// rounding together.
func (c *CPU) multiplyRounded(ctx context.Context, b Batch, products []Product) error {
	d := c.take()
	defer c.free.Give(d)
	var kinds []*Rounding
	groups := map[*Rounding][]Product{}
	for _, o := range products {
		kind := o.W.Rounding
		if groups[kind] == nil {
			kinds = append(kinds, kind)
		}
		groups[kind] = append(groups[kind], o)
	}
	cols := products[0].W.Cols
	for _, kind := range kinds {
		in := b
		if kind != nil {
			in.X = slices.Clone(b.X[:b.Rows*cols])
			err := Parallel(ctx, c.workers, b.Rows, func(_, i int) error {
				kind.round(in.X[i*cols : (i+1)*cols])
				return nil
			})
			if err != nil {
				return err
			}
		}
		if err := c.products(ctx, d, in, groups[kind]); err != nil {
			return err
		}
	}
	return nil
}
