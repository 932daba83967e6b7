package graph

import (
	"context"
	"fmt"
	"hash/fnv"
	"math"
	"slices"

	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/eval/forward/compute"
	"github.com/f190792d/mq/formats/ahead"
)

// PartKind says how a part of a model is held in a file.
type PartKind uint8

// The kinds.
const (
	PartMatrix PartKind = iota // in any type, sampled
	PartVector                 // in F32
	PartFigure                 // not a tensor: what key-values amount to
)

// A PartDifference is how far one part of a model is from its source's.
type PartDifference struct {
	Name string
	Kind PartKind
	Bits float64 // per weight, of a matrix as the file holds it; 0 where its type is not known

	// Distance is the root mean square of the difference relative to that of
	// the source; of figures, the largest relative difference.
	Distance float64

	Mismatch string // what differs where there is no distance to measure
}

// CompareParts compares a model that was made from a source with it, part by
// part: samples of every matrix, each vector, and the figures of attention,
// rotation and choice of experts. Each model is read under its own
// conventions, so that a wrong transform shows whatever the types are.
// Positions beyond the context do not count.
func (m *Model) CompareParts(ctx context.Context, source *Model) ([]PartDifference, error) {
	if a, b := len(m.layers), len(source.layers); a != b {
		return []PartDifference{{Name: "the model", Mismatch: fmt.Sprintf("has %d layers, the source %d", a, b)}}, nil
	}
	limit := min(m.limit, source.limit)
	made, want := m.parts(limit), source.parts(limit)
	if m.out.vocab != source.out.vocab { // a classifier's output
		isOutput := func(p part) bool { return slices.Contains(ofOutput, p.name) }
		made, want = slices.DeleteFunc(made, isOutput), slices.DeleteFunc(want, isOutput)
	}
	if a, b := len(made), len(want); a != b {
		return []PartDifference{{Name: "the model", Mismatch: fmt.Sprintf("has %d parts, the source %d", a, b)}}, nil
	}
	for i, p := range made {
		if p.name != want[i].name {
			return []PartDifference{{Name: p.name, Mismatch: fmt.Sprintf("stands where the source has %s", want[i].name)}}, nil
		}
	}
	found := make([]PartDifference, len(made))
	ctx = ahead.Scattered(ctx)
	err := compute.Parallel(ctx, max(m.workers(), source.readers()), len(made), func(_, i int) (err error) {
		found[i], err = comparePart(ctx, made[i], want[i])
		return err
	})
	return found, err
}

// ofOutput are the parts that a classifier has in place of its source's.
var ofOutput = []string{"output.weight", "output.bias", poolingFigure}

func comparePart(ctx context.Context, made, want part) (d PartDifference, err error) {
	d.Name = made.name
	switch {
	case want.figure != nil:
		d.Kind, d.Distance = PartFigure, figureDistance(made.figure(), want.figure())
		return d, nil
	case want.vector != nil:
		if !want.coarse {
			d.Kind = PartVector
		}
		d.Distance = distance(inOrder(made, made.vector, 1), inOrder(want, want.vector, 1))
		return d, nil
	}
	a, b := made.matrix, want.matrix
	if a.Rows != b.Rows || a.Cols != b.Cols {
		d.Mismatch = fmt.Sprintf("is %d × %d, the source's %d × %d", a.Rows, a.Cols, b.Rows, b.Cols)
		return d, nil
	}
	d.Bits = 8 * float64(a.Bytes) / float64(a.Block)
	d.Distance, err = nearest(ctx, made, want)
	return d, err
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
	rows := min(sampleRows, m.Rows)
	if want.head > 0 {
		rows = want.head
	}
	name := fnv.New64a()
	fmt.Fprint(name, want.name, made.matrix.Expert)
	place, least := name.Sum64(), math.Inf(1)
	for i := range uint64(samples) {
		first := int((place>>16+i*40503)%uint64(max(m.Rows/rows, 1))) * rows
		from := int((place+i*7919)%uint64((m.Cols+sampleColumns-1)/sampleColumns)) * sampleColumns
		columns := min(sampleColumns, m.Cols-from)
		a, err := made.matrix.Sample(ctx, first, rows, from, columns)
		if err != nil {
			return 0, err
		}
		b, err := want.matrix.Sample(ctx, first, rows, from, columns)
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

// figureDistance is the largest difference of two figures, relative to the
// greater of them.
func figureDistance(a, b []float64) float64 {
	if len(a) != len(b) {
		return math.Inf(1)
	}
	worst := 0.0
	for i, x := range a {
		if y := b[i]; x != y {
			worst = max(worst, math.Abs(x-y)/max(math.Abs(x), math.Abs(y)))
		}
	}
	return worst
}
