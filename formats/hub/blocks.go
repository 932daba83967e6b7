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
	spare  [][]byte   // of blocks that left
}

type blockKey struct {
	file *entry
	at   int64 // number of the block
}

// block is a piece of a file that was read or is being read.
type block struct {
	key   blockKey
	data  []byte
	done  chan struct{} // closed when data or err is there
	err   error
	busy  bool // not read yet
	users int  // that wait for it or read it
	seat  *list.Element
}

func newMemory(budget int64) *memory {
	return &memory{budget: max(int(budget/blockSize), 2*mostBlocks/8), blocks: map[blockKey]*block{}, recent: list.New()}
}

// has reports whether a block is there or on its way.
func (m *memory) has(k blockKey) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.blocks[k] != nil
}

// take returns a block that is there or on its way. It stays until it is
// released.
func (m *memory) take(k blockKey) (*block, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b, ok := m.blocks[k]
	if ok {
		b.users++
		m.recent.MoveToFront(b.seat)
	}
	return b, ok
}

// release ends what take began.
func (m *memory) release(b *block) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b.users--
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
		if b := seat.Value.(*block); !b.busy && b.users == 0 {
			m.drop(b)
			if cap(b.data) == blockSize {
				m.spare = append(m.spare, b.data)
			}
			return true
		}
	}
	return false
}

// drop takes a block out of the memory.
func (m *memory) drop(b *block) {
	m.recent.Remove(b.seat)
	delete(m.blocks, b.key)
}

// buffer returns room for a block, whatever is in it.
func (m *memory) buffer(n int64) []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	if last := len(m.spare) - 1; n == blockSize && last >= 0 {
		p := m.spare[last]
		m.spare = m.spare[:last]
		return p
	}
	return make([]byte, n)
}

// forget drops what was read of a file.
func (m *memory) forget(e *entry) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for k, b := range m.blocks {
		if k.file == e && !b.busy {
			m.drop(b)
		}
	}
}

// finish marks a block as read, or forgets it with an error.
func (m *memory) finish(b *block, err error) {
	m.mu.Lock()
	b.busy, b.err = false, err
	if err != nil {
		m.drop(b)
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
				b.data = r.memory.buffer(min(blockSize, e.size-b.key.at*blockSize))
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
