package unpack

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/f190792d/mq/convert/transform"
	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/formats/hf"
)

const (
	tileBudget  = 2 << 20 // bytes of all tiles that are kept
	tileRows    = 32      // of one: no codec has codes of more rows in one place
	stripBudget = 6 << 20 // bytes of all strips that are kept: of codes, scales and zero points
	stripBytes  = 4 << 20 // of one, where that is tileRows or more
)

// A pool keeps buffers that were used before.
type pool struct{ sync.Pool }

// get returns a buffer of n bytes, whatever they are.
func (p *pool) get(n int64) *[]byte {
	b, _ := p.Get().(*[]byte)
	if b == nil || int64(cap(*b)) < n {
		b = new(make([]byte, n))
	}
	*b = (*b)[:n]
	return b
}

var scratch pool

// A shelf keeps some buffers that were used before for what has about their
// size: a small thing does not hold a large one.
type shelf struct {
	sync.Mutex
	free []*[]byte
}

const shelved = 4 // buffers

// get returns a buffer of n bytes, whatever they are.
func (s *shelf) get(n int64) *[]byte {
	s.Lock()
	defer s.Unlock()
	for i, b := range s.free {
		if have := int64(cap(*b)); n <= have && have <= n+n/4 {
			s.free = slices.Delete(s.free, i, i+1)
			*b = (*b)[:n]
			return b
		}
	}
	return new(make([]byte, n))
}

func (s *shelf) put(b *[]byte) {
	s.Lock()
	defer s.Unlock()
	if s.free = append(s.free, b); len(s.free) > shelved {
		s.free = slices.Delete(s.free, 0, 1)
	}
}

// tile is some rows of an affine matrix, decoded.
type tile struct {
	first, n      int64
	codes         []byte
	scale, offset []float32 // one for each group of a row
	buffer        *[]byte   // of the codes
}

// tiles keeps what rows that are picked here and there lie in.
type tiles struct {
	*cache[*tile]
	used  shelf       // of the codes of tiles that are kept no more
	ahead atomic.Bool // a tile is being read that nobody has asked for
}

func newTiles(budget int64) *tiles {
	c := &tiles{}
	c.cache = newCache(budget, func(t *tile) { c.used.put(t.buffer) })
	return c
}

// get returns the tile that begins at a row. The one after it is read ahead.
func (c *tiles) get(ctx context.Context, a *affine, first int64) (*entry[*tile], error) {
	e, err := c.read(ctx, a, first)
	if next := first + tileRows; err == nil && next < a.rows && c.ahead.CompareAndSwap(false, true) {
		go func() {
			defer c.ahead.Store(false)
			if e, err := c.read(ctx, a, next); err == nil { // else who asks for it sees the error
				c.release(e)
			}
		}()
	}
	return e, err
}

func (c *tiles) read(ctx context.Context, a *affine, first int64) (*entry[*tile], error) {
	n := min(tileRows, a.rows-first)
	return c.cache.get(ctx, cacheKey{a, first}, n*a.cols, func(ctx context.Context) (*tile, error) { return a.read(ctx, first, n) })
}

// strips keeps columns of stored matrices that have the codes of a row one
// below the other: to read the few of a tile from each line would take as long
// as to read many.
type strips struct {
	*cache[*[]byte]
	used shelf
}

func newStrips(budget int64) *strips {
	c := &strips{}
	c.cache = newCache(budget, c.used.put)
	return c
}

// columns calls use with columns [first, first+n) of every line of a stored
// matrix whose lines have width elements, one after the other.
func (c *strips) columns(ctx context.Context, t hf.Tensor, width, first, n int64, use func(raw []byte) error) error {
	size := int64(t.DType.Bits()) / 8
	height := elements(t.Shape) / width
	step := min(max(stripBytes/(height*size)/tileRows, 1)*tileRows, width)
	from := first / step * step
	some := min(step, width-from)
	out := scratch.get(height * n * size)
	defer scratch.Put(out)
	if first+n > from+some {
		if err := band(ctx, t, *out, width, first, n); err != nil {
			return err
		}
		return use(*out)
	}
	e, err := c.get(ctx, cacheKey{t.Name, from}, some*height*size, func(ctx context.Context) (*[]byte, error) {
		strip := c.used.get(some * height * size)
		return strip, band(ctx, t, *strip, width, from, some)
	})
	if err != nil {
		return err
	}
	defer c.release(e)
	strip := *e.value
	if n == some {
		return use(strip)
	}
	for i := range height {
		copy((*out)[i*n*size:(i+1)*n*size], strip[(i*some+first-from)*size:])
	}
	return use(*out)
}

// band reads columns [first, first+n) of every line of a stored matrix.
func band(ctx context.Context, t hf.Tensor, dst []byte, width, first, n int64) error {
	size := int64(t.DType.Bits()) / 8
	if n == width {
		_, err := t.ReadAt(ctx, dst, 0)
		return err
	}
	for r := int64(0); len(dst) > 0; r++ {
		if _, err := t.ReadAt(ctx, dst[:n*size], (r*width+first)*size); err != nil {
			return err
		}
		dst = dst[n*size:]
	}
	return nil
}

// withRaw calls use with the bytes of n elements from one on.
func withRaw(ctx context.Context, t hf.Tensor, first, n int64, use func(raw []byte) error) error {
	size := int64(t.DType.Bits()) / 8
	raw := scratch.get(n * size)
	defer scratch.Put(raw)
	if _, err := t.ReadAt(ctx, *raw, first*size); err != nil {
		return err
	}
	return use(*raw)
}

// rowwise are rows of float32 that are decoded one by one.
func rowwise(cols, count int64, decode func(ctx context.Context, dst []float32, row int64) error) transform.Rows {
	const four = 4 // bytes of a float32
	out := transform.Rows{DType: dtype.F32, Columns: cols, Count: count}
	out.Read = func(ctx context.Context, p []byte, off int64) error {
		var line []float32
		for len(p) > 0 {
			row, within := off/(four*cols), off%(four*cols)
			n := min(four*cols-within, int64(len(p)))
			whole := dtype.AsFloat32(p[:n])
			if int64(len(whole)) != cols {
				if line == nil {
					line = make([]float32, cols)
				}
				whole = line
			}
			if err := decode(ctx, whole, row); err != nil {
				return err
			}
			if line != nil && &whole[0] == &line[0] {
				if err := dtype.FromFloat32(p[:n], line[within/four:][:n/four], dtype.F32); err != nil {
					return err
				}
			}
			p, off = p[n:], off+n
		}
		return nil
	}
	return out
}
