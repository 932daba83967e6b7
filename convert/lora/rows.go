package lora

import (
	"context"
	"encoding/binary"
	"math"
	"sync"

	"github.com/f190792d/mq/convert/transform"
	"github.com/f190792d/mq/convert/unpack"
	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/hf"
)

// apply returns a tensor as a change leaves it.
func (c *change) apply(w unpack.Tensor, from hf.Adapter, k *keeper) (unpack.Tensor, error) {
	wrong := func(format string, args ...any) error {
		return fault.Op("lora").Folder(from.Name()).Tensor(c.name).Corrupt(format, args...)
	}
	out := w
	out.Exact, out.Merged = nil, true
	if c.rebase {
		w.Shape, w.Rows, out.Shape = c.base.Shape, unpack.RowsOf(c.base), c.base.Shape
	}
	switch {
	case c.replace:
		out.Shape, out.Rows = c.whole.Shape, unpack.RowsOf(c.whole)
		if len(c.whole.Shape) != len(w.Shape) {
			return out, wrong("shape %v takes the place of shape %v", c.whole.Shape, w.Shape)
		}
		return out, nil
	case c.shiftBias:
		if len(w.Shape) != 1 || len(c.bias.Shape) != 1 || w.Shape[0] != c.bias.Shape[0] {
			return out, wrong("a bias of shape %v is added to one of shape %v", c.bias.Shape, w.Shape)
		}
		out.Rows = c.shifted(w.Rows)
		return out, nil
	}
	if c.experts > 0 {
		out.Rows = c.merged(w.Rows, k)
		return out, nil
	}
	if len(w.Shape) != 2 {
		return out, wrong("shape %v is not that of a matrix", w.Shape)
	}
	rows, cols := c.b.Shape[0], c.a.Shape[1]
	if c.embedding != c.turned { // a matrix that is stored on its side
		rows, cols = cols, rows
	}
	if w.Shape[0] != rows || w.Shape[1] != cols {
		return out, wrong("factors of shape %v and %v make %d × %d weights, the matrix has %d × %d", c.b.Shape, c.a.Shape, rows, cols, w.Shape[0], w.Shape[1])
	}
	if c.dora && elements(c.magnitude) != rows {
		return out, wrong("magnitudes of shape %v do not fit a matrix of %d rows", c.magnitude.Shape, rows)
	}
	out.Rows = c.merged(w.Rows, k)
	return out, nil
}

func elements(t hf.Tensor) int64 {
	n := int64(1)
	for _, d := range t.Shape {
		n *= d
	}
	return n
}

// shifted adds the change of a bias.
func (c *change) shifted(r transform.Rows) transform.Rows {
	out := r
	out.DType = dtype.F32
	out.Read = func(ctx context.Context, p []byte, off int64) error {
		first, n := off/4, int64(len(p))/4
		x, err := floats(ctx, r, first, n)
		if err != nil {
			return err
		}
		y, err := floats(ctx, unpack.RowsOf(c.bias), first, n)
		for i := range y {
			x[i] += float32(c.scale * y[i])
		}
		store(p, x)
		return err
	}
	return out
}

// merged adds the product of the factors to each row. Where the matrix is
// stored on its side, or is an embedding, the factors swap: a row of the
// matrix is a column of a times all of b.
func (c *change) merged(r transform.Rows, k *keeper) transform.Rows {
	f, each := &factors{change: c, keeper: k}, r.Count // rows of a matrix
	if c.experts > 0 {
		f, each = c.shared, c.b.Shape[0]
		if c.side {
			each = c.a.Shape[1]
		}
		if f.change == nil {
			f.change, f.keeper = c, k
		}
	}
	out := r
	out.DType = dtype.F32
	out.Read = func(ctx context.Context, p []byte, off int64) error {
		left, right, magnitude, err := f.load(ctx)
		if err != nil {
			return err
		}
		rank := c.a.Shape[0] / max(c.experts, 1)
		delta := make([]float32, r.Columns)
		for len(p) > 0 {
			row, within := off/4/r.Columns, off/4%r.Columns
			n := min(r.Columns-within, int64(len(p))/4)
			from, some := within, n
			if magnitude != nil { // the norm takes the whole row
				from, some = 0, r.Columns
			}
			x, err := floats(ctx, r, row*r.Columns+from, some)
			if err != nil {
				return err
			}
			d := delta[:some]
			clear(d)
			at := c.first + row
			for k := range rank {
				axpy(d, left[at*rank+k], right[(at/each*rank+k)*r.Columns+from:])
			}
			for i := range x {
				x[i] += float32(c.scale * d[i])
			}
			if magnitude != nil {
				rescale(x, magnitude[row])
				x = x[within : within+n]
			}
			store(p[:4*n], x)
			p, off = p[4*n:], off+4*n
		}
		return nil
	}
	return out
}

// axpy adds a times x to y.
func axpy(y []float32, a float32, x []float32) {
	x = x[:len(y)]
	for i, v := range x {
		y[i] += float32(a * v)
	}
}

// rescale gives a row its length.
func rescale(x []float32, length float32) {
	sum := 0.0
	for _, v := range x {
		sum += float64(v) * float64(v)
	}
	factor := length / float32(math.Sqrt(sum))
	for i := range x {
		x[i] *= factor
	}
}

// factors holds those of one change while it is read.
type factors struct {
	*change
	sync.Mutex
	keeper              *keeper
	left, right, length []float32 // [rows, rank], [rank, columns], [rows]
}

// load reads the factors unless they are there.
func (f *factors) load(ctx context.Context) (left, right, magnitude []float32, err error) {
	f.Lock()
	defer f.Unlock()
	if f.left != nil {
		return f.left, f.right, f.length, nil
	}
	a, err := all(ctx, f.a)
	if err != nil {
		return nil, nil, nil, err
	}
	b, err := all(ctx, f.b)
	if err != nil {
		return nil, nil, nil, err
	}
	if f.dora {
		if magnitude, err = all(ctx, f.magnitude); err != nil {
			return nil, nil, nil, err
		}
	}
	left, right = b, a
	if f.experts > 0 {
		left, right = f.stack(a, b)
	} else if f.embedding != f.turned {
		left, right = transposed(a, f.a.Shape[0]), transposed(b, f.b.Shape[0])
	}
	f.left, f.right, f.length = left, right, magnitude
	f.keeper.keep(f)
	return left, right, magnitude, nil
}

// keeper lets go of the factors of all changes but those that were read last.
type keeper struct {
	sync.Mutex
	list []*factors
}

// heldChanges is how many changes keep their factors in memory.
const heldChanges = 16

func (k *keeper) keep(f *factors) {
	k.Lock()
	defer k.Unlock()
	k.list = append(k.list, f)
	if len(k.list) <= heldChanges {
		return
	}
	old := k.list[0]
	k.list = append([]*factors(nil), k.list[1:]...)
	if old != f && old.TryLock() { // it is read again when it is needed
		old.left, old.right, old.length = nil, nil, nil
		old.Unlock()
	}
}

// transposed turns a matrix of some rows on its side.
func transposed(x []float32, rows int64) []float32 {
	out := make([]float32, len(x))
	cols := int64(len(x)) / rows
	for r := range rows {
		for c := range cols {
			out[c*rows+r] = x[r*cols+c]
		}
	}
	return out
}

func all(ctx context.Context, t hf.Tensor) ([]float32, error) {
	return floats(ctx, unpack.RowsOf(t), 0, elements(t))
}

// floats reads n elements from one on.
func floats(ctx context.Context, r transform.Rows, first, n int64) ([]float32, error) {
	size := r.ElementBytes()
	raw := make([]byte, n*size)
	if err := r.Read(ctx, raw, first*size); err != nil {
		return nil, err
	}
	out := make([]float32, n)
	return out, dtype.ToFloat32(out, raw, r.DType)
}

func store(p []byte, x []float32) {
	for i, v := range x {
		binary.LittleEndian.PutUint32(p[4*i:], math.Float32bits(v))
	}
}
