package forward

import (
	"context"
	"fmt"
	"hash/fnv"
	"math"
	"slices"

	"github.com/f190792d/mq/arch"
)

// furthest is how far a matrix may be from the source's, relative to its size,
// in types of so many bits and more. What quantization does stays far below;
// of two matrices that have nothing to do with each other, one is 1.4 times
// its size from the other.
var furthest = []struct{ bits, distance float64 }{{16, 0.02}, {8, 0.1}, {4, 0.5}, {0, 0.95}}

// vectorDistance is how far numbers may be that a file keeps in F32.
const vectorDistance = 2e-3

// Unlike compares a model that was made from a source with it, part by part:
// samples of every matrix, each vector, and the figures of attention, rotation
// and choice of experts. Both are taken as their own conventions have them, so
// that a wrong transform shows whatever the types are. It returns a sentence
// for each part that quantization does not explain.
func (m *Model) Unlike(ctx context.Context, source *Model) ([]string, error) {
	made, want := m.parts(), source.parts()
	names := func(list []part) []string {
		var all []string
		for _, p := range list {
			all = append(all, p.name)
		}
		return all
	}
	if len(m.layers) != len(source.layers) {
		return nil, nil // layers were left out: nothing stands at its place
	}
	if m.vocab != source.vocab { // a classifier's output
		notOutput := func(p part) bool { return p.name == "output.weight" }
		made, want = slices.DeleteFunc(made, notOutput), slices.DeleteFunc(want, notOutput)
	}
	if a, b := names(made), names(want); !slices.Equal(a, b) {
		return []string{fmt.Sprintf("the file has %d parts, the source %d", len(a), len(b))}, nil
	}
	found := make([]string, len(made))
	err := parallel(ctx, m.workers, len(made), func(_, i int) (err error) {
		found[i], err = unlike(ctx, made[i], want[i])
		return err
	})
	return slices.DeleteFunc(found, func(s string) bool { return s == "" }), err
}

// unlike says what is wrong with a part, if anything is.
func unlike(ctx context.Context, made, want part) (string, error) {
	switch {
	case want.figure != nil:
		if a, b := made.figure(), want.figure(); !closeTo(a, b) {
			return made.name + " differs from the source's", nil
		}
		return "", nil
	case want.vector != nil:
		a, b := inOrder(made, made.vector, 1), inOrder(want, want.vector, 1)
		limit := vectorDistance
		if want.coarse {
			limit = furthest[len(furthest)-1].distance
		}
		if d := distance(a, b); !(d <= limit) {
			return fmt.Sprintf("%s is %.3g %% of its size away from the source's", made.name, 100*d), nil
		}
		return "", nil
	}
	if made.matrix.rows != want.matrix.rows || made.matrix.cols != want.matrix.cols {
		return fmt.Sprintf("%s is %d × %d, the source's %d × %d", made.name, made.matrix.rows, made.matrix.cols, want.matrix.rows, want.matrix.cols), nil
	}
	d, err := nearest(ctx, made, want)
	bits := 8 * float64(made.matrix.bytes) / float64(made.matrix.block)
	for _, f := range furthest {
		if bits >= f.bits {
			if err == nil && !(d <= f.distance) {
				return fmt.Sprintf("%s is %.3g %% of its size away from the source's", made.name, 100*d), nil
			}
			break
		}
	}
	return "", err
}

// The samples of a matrix: some rows by some columns, at several places.
const (
	samples       = 3
	sampleRows    = 16
	sampleColumns = 256 // a multiple of every encoded block
)

// nearest returns the least distance of some samples: here and there a matrix
// may be far off, where an importance matrix says that it does not matter.
func nearest(ctx context.Context, made, want part) (float64, error) {
	m := want.matrix
	rows := min(sampleRows, m.rows)
	if want.head > 0 {
		rows = want.head
	}
	name := fnv.New64a()
	fmt.Fprint(name, want.name, made.matrix.Expert)
	place, least := name.Sum64(), math.Inf(1)
	for i := range uint64(samples) {
		first := int((place>>16+i*40503)%uint64(max(m.rows/rows, 1))) * rows
		from := int((place+i*7919)%uint64((m.cols+sampleColumns-1)/sampleColumns)) * sampleColumns
		columns := min(sampleColumns, m.cols-from)
		a, err := made.matrix.sample(ctx, first, rows, from, columns)
		if err != nil {
			return 0, err
		}
		b, err := want.matrix.sample(ctx, first, rows, from, columns)
		if err != nil {
			return 0, err
		}
		d := distance(inOrder(made, a, columns), inOrder(want, b, columns))
		if math.IsNaN(d) {
			return d, nil
		}
		least = min(least, d)
	}
	return least, nil
}

// inOrder returns the rows of heads in the order of halves.
func inOrder(p part, x []float32, columns int) []float32 {
	if p.head == 0 || p.style != arch.RopeInterleaved {
		return x
	}
	ordered := make([]float32, len(x))
	half := p.head / 2
	for row := range len(x) / columns {
		head, j := row/p.head*p.head, row%p.head
		copy(ordered[(head+j%2*half+j/2)*columns:][:columns], x[row*columns:])
	}
	return ordered
}

// distance is the root of the mean square of a - b, relative to that of b.
func distance(a, b []float32) float64 {
	if len(a) != len(b) {
		return math.Inf(1)
	}
	apart, size := 0.0, 0.0
	for i, v := range b {
		d := float64(a[i]) - float64(v)
		apart += d * d
		size += float64(v) * float64(v)
	}
	if apart == 0 {
		return 0
	}
	return math.Sqrt(apart / size)
}

// closeTo compares figures but for their rounding.
func closeTo(a, b []float64) bool {
	return slices.EqualFunc(a, b, func(x, y float64) bool {
		return x == y || math.Abs(x-y) <= 1e-4*max(math.Abs(x), math.Abs(y))
	})
}

// sample decodes some rows by some columns.
func (m *matrix) sample(ctx context.Context, first, rows, from, columns int) ([]float32, error) {
	out, size := make([]float32, rows*columns), m.lineBytes()
	if !m.transposed {
		lines, err := m.raw(ctx, make([]byte, rows*size), first, rows)
		if err != nil {
			return nil, err
		}
		for r := range rows {
			m.read(out[r*columns:(r+1)*columns], lines[r*size:(r+1)*size], first+r, from)
		}
		return out, nil
	}
	lines, err := m.raw(ctx, make([]byte, columns*size), from, columns)
	if err != nil {
		return nil, err
	}
	at := first + m.skip
	low := at / m.block * m.block
	line := make([]float32, min((at+rows+m.block-1)/m.block*m.block, m.line)-low)
	for k := range columns {
		m.read(line, lines[k*size:(k+1)*size], from+k, low)
		for r := range rows {
			out[r*columns+k] = line[at-low+r]
		}
	}
	return out, nil
}
