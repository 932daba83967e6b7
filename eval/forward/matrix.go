package forward

import "context"

// Weight names a weight matrix.
type Weight struct {
	Name    string // of the tensor in a GGUF file
	Expert  int    // which of its matrices, where it has several
	Experts int    // how many it has; 0 for a plain matrix
}

// matrix is a weight matrix in its stored encoding: rows of cols elements,
// where a row holds the weights of one output.
type matrix struct {
	Weight
	also       []Weight // further tensors of a file that this matrix becomes
	tensor     string   // the name to alter it by, where Weight is empty
	rows, cols int

	rounding     *rounding // of activations, where ggml's are wanted
	block, bytes int       // elements and bytes of an encoded block
	decode       func(dst []float32, src []byte)

	// raw returns the bytes of n stored lines from first on: a view of a
	// mapped file, or buf filled. A line is a row, or a column where the
	// matrix is stored transposed.
	raw        func(ctx context.Context, buf []byte, first, n int) ([]byte, error)
	transposed bool
	line, skip int // elements of a stored line, and those before its own

	// scale, where it is not nil, multiplies what decode gives for the
	// elements of a line from a column on.
	scale func(dst []float32, line, from int)
}

// lineBytes returns the bytes of a stored line.
func (m *matrix) lineBytes() int { return m.line / m.block * m.bytes }

// read decodes len(dst) elements from column from on of line, whose bytes
// start at src. Both ends lie on blocks.
func (m *matrix) read(dst []float32, src []byte, line, from int) {
	at := from / m.block * m.bytes
	m.decode(dst, src[at:at+len(dst)/m.block*m.bytes])
	if m.scale != nil {
		m.scale(dst, line, from)
	}
}

// part returns some rows as a matrix of its own. The first part keeps the
// name, so that observers see what all parts share once.
func (m *matrix) part(first, rows int) *matrix {
	p := *m
	p.rows = rows
	if first == 0 {
		return &p
	}
	p.anonymous()
	p.raw = func(ctx context.Context, buf []byte, row, n int) ([]byte, error) {
		return m.raw(ctx, buf, first+row, n)
	}
	if m.scale != nil {
		p.scale = func(dst []float32, row, from int) { m.scale(dst, first+row, from) }
	}
	return &p
}

// row decodes one row, for embeddings.
func (m *matrix) row(ctx context.Context, dst []float32, i int, buf []byte) error {
	src, err := m.raw(ctx, grow(buf, m.lineBytes()), i, 1)
	if err != nil {
		return err
	}
	m.read(dst[:m.cols], src, i, 0)
	return nil
}

// grow returns a slice of n elements, b's memory where it is large enough.
func grow[T any](b []T, n int) []T {
	if cap(b) < n {
		return make([]T, n)
	}
	return b[:n]
}
