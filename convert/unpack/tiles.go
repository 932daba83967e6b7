package unpack

import (
	"container/list"
	"context"
	"sync"
)

const (
	tileBudget = 16 << 20 // bytes of all tiles that are kept
	tileCodes  = 1 << 18  // codes of one tile, where that is a row or more
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
}

func newTiles(budget int64) *tiles {
	return &tiles{budget: budget, order: list.New(), byKey: map[tileKey]*list.Element{}}
}

// get returns the tile that begins at a row. It is read once, however many
// ask for it at the same time.
func (c *tiles) get(ctx context.Context, a *affine, first int64) (*tile, error) {
	e := c.entry(tileKey{a, first}, min(a.step(), a.rows-first)*a.cols*2)
	e.once.Do(func() { e.tile, e.err = a.read(ctx, first, min(a.step(), a.rows-first)) })
	if e.err != nil {
		c.forget(e) // another call may have more time
	}
	return e.tile, e.err
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
