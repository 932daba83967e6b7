package hub

import (
	"container/list"
	"context"
	"io"
	"sync"
)

// The units of reading ahead.
const (
	pieceSize   = 64 << 10 // of what is read here and there
	blockSize   = 1 << 20
	mostBytes   = 64 << 20 // of one request
	leastBlocks = 16       // of a memory
)

// memory holds blocks of files under a budget, the least used leaving first.
type memory struct {
	mu     sync.Mutex
	budget int64 // bytes
	used   int64
	blocks map[blockKey]*block
	recent *list.List // of *block, that used last in front
	spare  [][]byte   // of blocks that left
	keep   int64      // bytes of blocks that stay for another time, beside the budget
	kept   int64
}

// blockKey is where a block lies.
type blockKey struct {
	file      *entry
	from, end int64
}

func (k blockKey) size() int64 { return k.end - k.from }

// block is a piece of a file that was read or is being read.
type block struct {
	key   blockKey
	data  []byte
	done  chan struct{} // closed when data or err is there
	err   error
	busy  bool          // not read yet
	users int           // that wait for it or read it
	read  int           // bytes
	seat  *list.Element // nil: it stays
}

func newMemory(budget int64) *memory {
	return &memory{budget: max(budget/blockSize, leastBlocks) * blockSize, blocks: map[blockKey]*block{}, recent: list.New()}
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
		if b.seat != nil {
			m.recent.MoveToFront(b.seat)
		}
	}
	return b, ok
}

// release ends what take began, after n bytes were read. Of what is read in an
// order a block has done its work when all of it was read: it stays for another
// time where there is room for that, else the next takes its place, which is
// still in the processor's cache.
func (m *memory) release(b *block, n int, ordered bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b.users--
	if !ordered || b.seat == nil || m.blocks[b.key] != b {
		return
	}
	b.read += n
	switch size := b.key.size(); {
	case int64(b.read) < size || b.users > 0:
	case m.kept+size <= m.keep:
		m.recent.Remove(b.seat)
		b.seat = nil
		m.used, m.kept = m.used-size, m.kept+size
		b.key.file.hold(b.key)
	default:
		m.leave(b)
	}
}

// reserve makes places for blocks, which lie one after the other, as far as
// none of them is there yet and others can leave; at least one is made where
// the first is absent, so that a reader always gets on.
func (m *memory) reserve(keys []blockKey) []*block {
	m.mu.Lock()
	defer m.mu.Unlock()
	var made []*block
	for _, k := range keys {
		if _, ok := m.blocks[k]; ok {
			break
		}
		for m.used+k.size() > m.budget && m.evict() {
		}
		if m.used+k.size() > m.budget && len(made) > 0 {
			break
		}
		b := &block{key: k, done: make(chan struct{}), busy: true}
		b.seat = m.recent.PushFront(b)
		m.blocks[k] = b
		m.used += k.size()
		made = append(made, b)
	}
	return made
}

// evict drops the block that was not used for longest, if one is idle.
func (m *memory) evict() bool {
	for seat := m.recent.Back(); seat != nil; seat = seat.Prev() {
		if b := seat.Value.(*block); !b.busy && b.users == 0 {
			m.leave(b)
			return true
		}
	}
	return false
}

// leave drops a block whose room another may have.
func (m *memory) leave(b *block) {
	m.drop(b)
	if cap(b.data) == blockSize {
		m.spare = append(m.spare, b.data)
	}
}

// drop takes a block out of the memory.
func (m *memory) drop(b *block) {
	m.recent.Remove(b.seat)
	delete(m.blocks, b.key)
	m.used -= b.key.size()
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
		if k.file == e && !b.busy && b.seat != nil {
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
	from, end := blocks[0].key.from, blocks[len(blocks)-1].key.end
	next, have := 0, 0
	err := r.stream(ctx, e, from, end-from, func(body io.Reader) (total int64, err error) {
		for next < len(blocks) {
			b := blocks[next]
			if b.data == nil {
				b.data = r.memory.buffer(b.key.size())
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
