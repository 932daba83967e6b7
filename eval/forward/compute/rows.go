package compute

import (
	"context"
	"slices"
)

// Part returns count rows from first on as a matrix of its own. The part from
// row 0 on shows itself to observers, the others are hidden: they share its
// input.
func (m *Matrix) Part(first, count int) *Matrix {
	p := *m
	p.Rows = count
	if first == 0 {
		return &p
	}
	p.Hidden, p.Also = true, nil
	if m.Turned {
		p.Skip += first
		return &p
	}
	p.Fetch = func(ctx context.Context, buf []byte, row, n int) ([]byte, error) {
		return m.Fetch(ctx, buf, first+row, n)
	}
	if m.Scale != nil {
		p.Scale = func(dst []float32, row, from int) { m.Scale(dst, first+row, from) }
	}
	return &p
}

// Select returns the rows r for which r mod period lies in [first,
// first+count), in their order. Period of a turned matrix is the number of its
// rows, or it holds element by element.
func (m *Matrix) Select(period, first, count int) *Matrix {
	if period == m.Rows {
		p := m.Part(first, count)
		p.Hidden, p.Also = m.Hidden, m.Also
		return p
	}
	at := func(row int) int { return row/count*period + first + row%count }
	if m.Turned {
		return m.selectTurned(m.Rows/period*count, at)
	}
	p := *m
	p.Rows = m.Rows / period * count
	p.Fetch = func(ctx context.Context, buf []byte, row, n int) ([]byte, error) {
		size := m.LineBytes()
		buf = buf[:n*size]
		for done := 0; done < n; {
			run := min(count-(row+done)%count, n-done) // rows that lie together
			to := buf[done*size : (done+run)*size]
			src, err := m.Fetch(ctx, to, at(row+done), run)
			if err != nil {
				return nil, err
			}
			copy(to, src)
			done += run
		}
		return buf, nil
	}
	if m.Scale != nil {
		p.Scale = func(dst []float32, row, from int) { m.Scale(dst, at(row), from) }
	}
	return &p
}

// selectTurned picks elements of the lines of a turned matrix.
func (m *Matrix) selectTurned(rows int, at func(row int) int) *Matrix {
	p := *m
	p.Rows, p.Line, p.Skip = rows, rows, 0
	p.Fetch = func(ctx context.Context, buf []byte, line, n int) ([]byte, error) {
		src, err := m.Fetch(ctx, make([]byte, n*m.LineBytes()), line, n)
		if err != nil {
			return nil, err
		}
		buf = buf[:n*p.LineBytes()]
		for l := range n {
			from, to := src[l*m.LineBytes():], buf[l*p.LineBytes():]
			for row := range rows {
				element := m.Skip + at(row)
				copy(to[row*m.Bytes:(row+1)*m.Bytes], from[element*m.Bytes:])
			}
		}
		return buf, nil
	}
	if m.Scale != nil {
		p.Scale = func(dst []float32, line, from int) {
			for i := range dst {
				m.Scale(dst[i:i+1], line, m.Skip+at(from+i))
			}
		}
	}
	return &p
}

// Join puts matrices of the same columns and encoding, none of them turned,
// one above the other. The name is that of the first.
func Join(parts ...*Matrix) *Matrix {
	if len(parts) == 1 {
		return parts[0]
	}
	m := *parts[0]
	m.Rows, m.Lies = 0, nil
	var starts []int
	for _, p := range parts {
		m.Lies = append(m.Lies, p.Lies...)
		starts = append(starts, m.Rows)
		m.Rows += p.Rows
	}
	part := func(row int) (int, *Matrix) {
		i, found := slices.BinarySearch(starts, row)
		if !found {
			i--
		}
		return row - starts[i], parts[i]
	}
	m.Fetch = func(ctx context.Context, buf []byte, row, n int) ([]byte, error) {
		size := m.LineBytes()
		buf = buf[:n*size]
		for done := 0; done < n; {
			at, p := part(row + done)
			run := min(p.Rows-at, n-done)
			to := buf[done*size : (done+run)*size]
			src, err := p.Fetch(ctx, to, at, run)
			if err != nil {
				return nil, err
			}
			copy(to, src)
			done += run
		}
		return buf, nil
	}
	if slices.ContainsFunc(parts, func(p *Matrix) bool { return p.Scale != nil }) {
		m.Scale = func(dst []float32, row, from int) {
			if at, p := part(row); p.Scale != nil {
				p.Scale(dst, at, from)
			}
		}
	}
	return &m
}

// Sample decodes some rows by some columns: [rows, columns]. The first column
// is a multiple of the encoded block.
func (m *Matrix) Sample(ctx context.Context, first, rows, from, columns int) ([]float32, error) {
	out, size := make([]float32, rows*columns), m.LineBytes()
	if !m.Turned {
		lines, err := m.Fetch(ctx, make([]byte, rows*size), first, rows)
		if err != nil {
			return nil, err
		}
		for r := range rows {
			m.read(out[r*columns:(r+1)*columns], lines[r*size:(r+1)*size], first+r, from)
		}
		return out, nil
	}
	lines, err := m.Fetch(ctx, make([]byte, columns*size), from, columns)
	if err != nil {
		return nil, err
	}
	at := first + m.Skip
	low, high := m.blocks(at, rows)
	line := make([]float32, high-low)
	for k := range columns {
		m.read(line, lines[k*size:(k+1)*size], from+k, low)
		for r := range rows {
			out[r*columns+k] = line[at-low+r]
		}
	}
	return out, nil
}

// blocks returns the range of elements of a line that has n from at on and
// lies on encoded blocks.
func (m *Matrix) blocks(at, n int) (low, high int) {
	return at / m.Block * m.Block, min((at+n+m.Block-1)/m.Block*m.Block, m.Line)
}
