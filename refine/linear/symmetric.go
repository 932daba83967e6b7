package linear

import "context"

// stair is how many rows of a symmetric matrix have the same columns in memory.
const stair = 256

// Symmetric is a symmetric matrix, or the upper triangle of one that has
// nothing else. Of each [stair] rows the columns from the first of them on are
// kept: half of the matrix, and what the diagonal needs.
type Symmetric struct {
	N      int
	blocks [][]float32
}

// NewSymmetric returns a matrix of zeros.
func NewSymmetric(n int) *Symmetric {
	m := &Symmetric{N: n}
	for s := 0; s < n; s += stair {
		m.blocks = append(m.blocks, make([]float32, min(stair, n-s)*(n-s)))
	}
	return m
}

// SymmetricBytes is what a matrix of n columns takes.
func SymmetricBytes(n int) int64 { return 2 * int64(n) * int64(n+stair) }

// from is the first column of a row that is kept.
func from(row int) int { return row / stair * stair }

// rows returns the kept part of the rows from one on, and how far they are
// apart.
func (m *Symmetric) rows(first int) (data []float32, stride int) {
	s := from(first)
	return m.blocks[s/stair][(first-s)*(m.N-s):], m.N - s
}

// Row returns the columns from one on of a row, which must not be before what
// is kept of it.
func (m *Symmetric) Row(i, column int) []float32 {
	data, stride := m.rows(i)
	return data[column-from(i) : stride]
}

// At returns an element.
func (m *Symmetric) At(i, j int) float32 {
	if i > j {
		i, j = j, i
	}
	return m.Row(i, j)[0]
}

// Diagonal returns the diagonal.
func (m *Symmetric) Diagonal() []float32 {
	d := make([]float32, m.N)
	for i := range d {
		d[i] = m.At(i, i)
	}
	return d
}

// AddDiagonal adds to each element of the diagonal.
func (m *Symmetric) AddDiagonal(by float32) {
	for i := range m.N {
		m.Row(i, i)[0] += by
	}
}

// Clone returns a copy.
func (m *Symmetric) Clone() *Symmetric {
	other := &Symmetric{N: m.N}
	for _, b := range m.blocks {
		other.blocks = append(other.blocks, append([]float32(nil), b...))
	}
	return other
}

// Scale multiplies each element with a number.
func (m *Symmetric) Scale(by float32) {
	for _, b := range m.blocks {
		for i := range b {
			b[i] *= by
		}
	}
}

// AddScaled adds another matrix times a number.
func (m *Symmetric) AddScaled(other *Symmetric, by float32) {
	for k, b := range m.blocks {
		for i, v := range other.blocks[k] {
			b[i] += float32(by * v)
		}
	}
}

// mirror fills in what is below the diagonal and kept.
func (m *Symmetric) mirror() {
	for s := 0; s < m.N; s += stair {
		data, stride := m.rows(s)
		for i := range min(stair, m.N-s) {
			for j := range i {
				data[i*stride+j] = data[j*stride+i]
			}
		}
	}
}

// Load packs the whole rows of one block, from a multiple of [stair] on, as a
// matrix that others are multiplied with. It returns their number.
func (m *Symmetric) Load(p *Panels, first int) (count int) {
	count = min(stair, m.N-first)
	p.reset(count, m.N)
	m.turnAbove(p, first, first)
	data, stride := m.rows(first)
	p.each(first/p.width, p.count(), func(i int) {
		p.copy(i, data[i*p.width-first:], stride, min(p.width, m.N-i*p.width))
	})
	return count
}

// turnAbove packs the first columns of the transpose of what lies above a
// block of rows.
func (m *Symmetric) turnAbove(p *Panels, first, columns int) {
	p.each(0, (columns+p.width-1)/p.width, func(i int) {
		data, stride := m.rows(i * p.width)
		p.turn(i, data[first-from(i*p.width):], stride)
	})
}

// LoadUpper packs some columns of some rows of an upper triangle, none of them
// before what is kept.
func (m *Symmetric) LoadUpper(p *Panels, first, rows, column, columns int) {
	data, stride := m.rows(first)
	if columns > 0 {
		data = data[column-from(first):]
	}
	p.Load(data, stride, rows, columns)
}

// MultiplySymmetric adds a·b to c: both are [rows, b.N].
func MultiplySymmetric(ctx context.Context, workers int, c, a []float32, b *Symmetric, rows int) error {
	p := Panels{Workers: workers}
	for at := 0; at < b.N; at += stair {
		b.Load(&p, at)
		err := EachRows(ctx, workers, rows, func(first, count int) error {
			p.AddTo(c[first*b.N:], b.N, a[first*b.N+at:], b.N, count)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
