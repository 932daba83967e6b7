package unpack

import (
	"container/list"
	"context"
	"sync"
)

// A cache keeps what was read last. What several ask for at the same time is
// read once.
type cache[V any] struct {
	sync.Mutex
	free   func(V) // takes back what nobody uses any more
	budget int64   // in bytes
	held   int64
	order  *list.List // of *entry[V], the last used in front
	byKey  map[cacheKey]*list.Element
}

type cacheKey struct {
	of    any
	first int64
}

type entry[V any] struct {
	key   cacheKey
	once  sync.Once
	value V
	size  int64
	err   error
	over  bool // the context of who read it ended
	uses  int  // of the value, that of the cache among them
}

func newCache[V any](budget int64, free func(V)) *cache[V] {
	return &cache[V]{budget: budget, free: free, order: list.New(), byKey: map[cacheKey]*list.Element{}}
}

// get returns the entry of a key, whose value has some bytes. It stays as it is
// until it is released.
func (c *cache[V]) get(ctx context.Context, key cacheKey, size int64, read func(context.Context) (V, error)) (*entry[V], error) {
	for {
		e := c.entry(key, size)
		e.once.Do(func() {
			e.value, e.err = read(ctx)
			e.over = ctx.Err() != nil
		})
		if e.err == nil {
			return e, nil
		}
		c.forget(e)
		if ctx.Err() != nil || !e.over { // else another call ran out of time
			return nil, e.err
		}
	}
}

// entry finds or makes the entry of a key and lets go of the oldest ones.
func (c *cache[V]) entry(key cacheKey, size int64) *entry[V] {
	c.Lock()
	defer c.Unlock()
	if at, ok := c.byKey[key]; ok {
		c.order.MoveToFront(at)
		e := at.Value.(*entry[V])
		e.uses++
		return e
	}
	for c.held+size > c.budget && c.order.Len() > 0 {
		c.drop(c.order.Back())
	}
	e := &entry[V]{key: key, size: size, uses: 2}
	c.byKey[key] = c.order.PushFront(e)
	c.held += size
	return e
}

func (c *cache[V]) forget(e *entry[V]) {
	c.Lock()
	defer c.Unlock()
	if at, ok := c.byKey[e.key]; ok && at.Value.(*entry[V]) == e {
		c.drop(at)
	}
}

func (c *cache[V]) drop(at *list.Element) {
	e := c.order.Remove(at).(*entry[V])
	delete(c.byKey, e.key)
	c.held -= e.size
	c.unused(e)
}

// release ends the use of an entry.
func (c *cache[V]) release(e *entry[V]) {
	c.Lock()
	defer c.Unlock()
	c.unused(e)
}

func (c *cache[V]) unused(e *entry[V]) {
	if e.uses--; e.uses == 0 && e.err == nil {
		c.free(e.value)
	}
}
