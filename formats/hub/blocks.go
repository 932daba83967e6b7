package hub

import (
	"container/list"
	"context"
	"io"
	"sync"
)

// The units of reading ahead.
const (
	blockSize  = 1 << 20
	mostBlocks = 64 // of one request
)

// memory holds blocks of files under a budget, the least used leaving first.
type memory struct {
	mu     sync.Mutex
	budget int
	blocks map[blockKey]*block
	recent *list.List // of *block, that used last in front
}

type blockKey struct {
	file *entry
	at   int64 // number of the block
}

// block is a piece of a file that was read or is being read.
type block struct {
	key  blockKey
	data []byte
	done chan struct{} // closed when data or err is there
	err  error
	busy bool // not read yet
	seat *list.Element
}

func newMemory(budget int64) *memory {
	return &memory{budget: max(int(budget/blockSize), 2*mostBlocks/8), blocks: map[blockKey]*block{}, recent: list.New()}
}

// lookup returns a block that is there or on its way.
func (m *memory) lookup(k blockKey) (*block, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b, ok := m.blocks[k]
	if ok {
		m.recent.MoveToFront(b.seat)
	}
	return b, ok
}

// reserve makes places for the blocks [first, first+n) of a file as far as none
// of them is there yet and others can leave; at least one is made where the
// first is absent, so that a reader always gets on.
func (m *memory) reserve(e *entry, first int64, n int) []*block {
	m.mu.Lock()
	defer m.mu.Unlock()
	var made []*block
	for i := range int64(n) {
		k := blockKey{e, first + i}
		if _, ok := m.blocks[k]; ok {
			break
		}
		if len(m.blocks) >= m.budget && !m.evict() && len(made) > 0 {
			break
		}
		b := &block{key: k, done: make(chan struct{}), busy: true}
		b.seat = m.recent.PushFront(b)
		m.blocks[k] = b
		made = append(made, b)
	}
	return made
}

// evict drops the block that was not used for longest, if one is idle.
func (m *memory) evict() bool {
	for seat := m.recent.Back(); seat != nil; seat = seat.Prev() {
		if b := seat.Value.(*block); !b.busy {
			m.recent.Remove(seat)
			delete(m.blocks, b.key)
			return true
		}
	}
	return false
}

// forget drops what was read of a file.
func (m *memory) forget(e *entry) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for k, b := range m.blocks {
		if k.file == e && !b.busy {
			m.recent.Remove(b.seat)
			delete(m.blocks, k)
		}
	}
}

// finish marks a block as read, or forgets it with an error.
func (m *memory) finish(b *block, err error) {
	m.mu.Lock()
	b.busy, b.err = false, err
	if err != nil {
		m.recent.Remove(b.seat)
		delete(m.blocks, b.key)
	}
	m.mu.Unlock()
	close(b.done)
}

// fetch reads reserved blocks, which lie one after the other, with one
// request.
func (r *Repo) fetch(ctx context.Context, e *entry, blocks []*block) {
	from := blocks[0].key.at * blockSize
	end := min(from+int64(len(blocks))*blockSize, e.size)
	next, have := 0, 0
	err := r.stream(ctx, e, from, end-from, func(body io.Reader) (total int64, err error) {
		for next < len(blocks) {
			b := blocks[next]
			if b.data == nil {
				b.data = make([]byte, min(blockSize, e.size-b.key.at*blockSize))
			}
			n, err := io.ReadFull(body, b.data[have:])
			total, have = total+int64(n), have+n
			if err != nil {
				return total, err
			}
			r.memory.finish(b, nil)
			next, have = next+1, 0
		}
		return total, nil
	})
	for _, b := range blocks[next:] {
		r.memory.finish(b, err)
	}
}
