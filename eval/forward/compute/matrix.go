package compute

import (
	"context"

	"github.com/f190792d/mq/formats/ahead"
)

// Weight names a weight matrix.
type Weight struct {
	Name    string // of the tensor in a GGUF file
	Expert  int    // which of its matrices, where it has several
	Experts int    // how many it has; 0 for a plain matrix
}

// AnyRows stands for a number of rows that only the tensor tells. No product
// of hyperparameters, however wrong, comes out at it.
const AnyRows = -1

// Encoding is how elements are stored.
type Encoding struct {
	Block, Bytes int // elements and bytes of an encoded block
	Decode       func(dst []float32, src []byte)
	Rounding     *Rounding // of activations, where ggml's are wanted; nil: none
}

// Matrix is a weight matrix in its stored encoding: rows of Cols elements,
// where a row holds the weights of one output.
type Matrix struct {
	Weight
	Also   []Weight // further tensors of a file that this matrix becomes
	Hidden bool     // from observers, which learn of its input in another way

	Rows, Cols int
	Encoding

	// Fetch returns the bytes of n stored lines from first on: a view of a
	// mapped file, or buf filled. A line is a row, or a column where the
	// matrix is stored turned.
	Fetch      func(ctx context.Context, buf []byte, first, n int) ([]byte, error)
	Turned     bool
	Line, Skip int // elements of a stored line, and those before its own

	// Lies is where what Fetch returns lies in files, as far as that is known.
	Lies []ahead.Stretch

	// Scale, where it is not nil, multiplies what Decode gives for the
	// elements of a line from a column on.
	Scale func(dst []float32, line, from int)
}

// LineBytes returns the bytes of a stored line.
func (m *Matrix) LineBytes() int { return m.Line / m.Block * m.Bytes }

// read decodes len(dst) elements from column from on of line, whose bytes
// start at src. Both ends lie on blocks.
func (m *Matrix) read(dst []float32, src []byte, line, from int) {
	at := from / m.Block * m.Bytes
	m.Decode(dst, src[at:at+len(dst)/m.Block*m.Bytes])
	if m.Scale != nil {
		m.Scale(dst, line, from)
	}
}

// Row decodes one row, through a buffer that it returns for the next call.
func (m *Matrix) Row(ctx context.Context, dst []float32, i int, buf []byte, alter Alteration) ([]byte, error) {
	buf = Grow(buf, m.LineBytes())
	src, err := m.Fetch(ctx, buf, i, 1)
	if err != nil {
		return buf, err
	}
	m.read(dst[:m.Cols], src, i, 0)
	alter.apply(m, dst[:m.Cols])
	return buf, nil
}

// Alteration changes some decoded weights of a matrix in place: elements that
// lie side by side in a stored line, cut at the same places in every run and
// at columns of a multiple of 32 but for turned lines. The name is that of
// the tensor in a file. It may be called from several goroutines.
type Alteration func(name string, values []float32)

// apply alters decoded values where there is an alteration.
func (a Alteration) apply(m *Matrix, values []float32) {
	if a != nil {
		a(m.Name, values)
	}
}

// Grow returns a slice of n elements, b's memory where it is large enough.
func Grow[T any](b []T, n int) []T {
	if cap(b) < n {
		return make([]T, n)
	}
	return b[:n]
}
