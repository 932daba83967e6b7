package unpack

import (
	"container/list"
	"context"
	"sync"
	"sync/atomic"
)

const (
	tileBudget = 8 << 20 // bytes of all tiles that are kept
	tileCodes  = 1 << 18 // codes of one tile, where that is a row or more
)

// tile is some rows of an affine matrix, decoded.
type tile struct {
	first, n      int64
	codes         []int16
	scale, offset []float32 // one for each group of a row; offset nil where all are whole numbers
}

// tiles keeps the tiles that were read last: rows that are picked here and
// there lie in few of them, and where codes are packed across rows a single
// one costs as much as many.
type tiles struct {
	sync.Mutex
	ahead  atomic.Bool // a tile is being read that nobody has asked for
	budget int64
	held   int64
	order  *list.List // of *entry, the last used in front
	byKey  map[tileKey]*list.Element
}

type tileKey struct {
	of    *affine
	first int64
}

type entry struct {
	key  tileKey
	once sync.Once
	tile *tile
	size int64
	err  error
	over bool // the context of who read it ended
}

func newTiles(budget int64) *tiles {
	return &tiles{budget: budget, order: list.New(), byKey: map[tileKey]*list.Element{}}
}

// get returns the tile that begins at a row. It is read once, however many
// ask for it at the same time, and the one behind it is read ahead.
func (c *tiles) get(ctx context.Context, a *affine, first int64) (*tile, error) {
	t, err := c.read(ctx, a, first)
	if next := first + a.step(); err == nil && next < a.rows && c.ahead.CompareAndSwap(false, true) {
		go func() {
			defer c.ahead.Store(false)
			_, _ = c.read(ctx, a, next) // who asks for it sees the error
		}()
	}
	return t, err
}

func (c *tiles) read(ctx context.Context, a *affine, first int64) (*tile, error) {
	for {
		n := min(a.step(), a.rows-first)
		e := c.entry(tileKey{a, first}, n*a.cols*2)
		e.once.Do(func() {
			e.tile, e.err = a.read(ctx, first, n)
			e.over = ctx.Err() != nil
		})
		if e.err == nil {
			return e.tile, nil
		}
		c.forget(e)
		if ctx.Err() != nil || !e.over { // else another call ran out of time
			return nil, e.err
		}
	}
}

// entry finds or makes the entry of a key and lets go of the oldest ones.
func (c *tiles) entry(key tileKey, size int64) *entry {
	c.Lock()
	defer c.Unlock()
	if at, ok := c.byKey[key]; ok {
		c.order.MoveToFront(at)
		return at.Value.(*entry)
	}
	for c.held+size > c.budget && c.order.Len() > 0 {
		c.drop(c.order.Back())
	}
	e := &entry{key: key, size: size}
	c.byKey[key] = c.order.PushFront(e)
	c.held += size
	return e
}

func (c *tiles) forget(e *entry) {
	c.Lock()
	defer c.Unlock()
	if at, ok := c.byKey[e.key]; ok && at.Value.(*entry) == e {
		c.drop(at)
	}
}

func (c *tiles) drop(at *list.Element) {
	e := c.order.Remove(at).(*entry)
	delete(c.byKey, e.key)
	c.held -= e.size
}
