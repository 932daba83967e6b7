package tokenizer

import (
	"math/bits"
	"math/rand/v2"
	"sync"
)

// merged is what two neighbouring symbols become, and how early.
type merged struct{ rank, id int32 }

// pairTable maps pairs of symbols to their merge: open addressing with linear
// probing, a third as slow to build and to ask as a map of the language. The
// multiplier of the hash is drawn anew for each table, so that no file can
// choose keys that collide.
type pairTable struct {
	slots []pairSlot
	by    uint64
	shift int
}

type pairSlot struct {
	key uint64 // 0 where the slot is free
	merged
}

// newPairTable has room for n pairs.
func newPairTable(n int) pairTable {
	size := bits.Len(uint(n + n/2 + 1))
	return pairTable{touched[pairSlot](1 << size), rand.Uint64() | 1, 64 - size}
}

// touched makes a list whose pages are written first: all of a table will be, and a
// page that is read before costs a second fault.
func touched[T any](n int) []T {
	list := make([]T, n)
	var zero T
	for i := 0; i < n; i += 256 { // of 16 bytes at most
		list[i] = zero
	}
	return list
}

func mergeKey(a, b int32) uint64 { return 1<<63 | uint64(uint32(a))<<32 | uint64(uint32(b)) }

// slot is where a pair of symbols is or would be.
func (t *pairTable) slot(a, b int32) *pairSlot {
	key, mask := mergeKey(a, b), uint64(len(t.slots)-1)
	for i := key * t.by >> t.shift; ; i++ {
		if s := &t.slots[i&mask]; s.key == key || s.key == 0 {
			return s
		}
	}
}

func (t *pairTable) get(a, b int32) (merged, bool) {
	s := t.slot(a, b)
	return s.merged, s.key != 0
}

// put notes a merge. Of a pair that is there already the last counts, or with
// keep the first.
func (t *pairTable) put(a, b int32, m merged, keep bool) {
	s := t.slot(a, b)
	if s.key == 0 || !keep {
		s.key, s.merged = mergeKey(a, b), m
	}
}

// pairBuilder fills a table while the merges are still being read: both wait
// for memory most of the time.
type pairBuilder struct {
	table   pairTable
	batch   []pairMerge
	batches chan []pairMerge
	wait    sync.WaitGroup
}

type pairMerge struct {
	a, b int32
	merged
}

// buildPairs begins a table with room for n pairs; with keep the first merge of
// a pair counts, else the last.
func buildPairs(n int, keep bool) *pairBuilder {
	p := &pairBuilder{batches: make(chan []pairMerge, 4)}
	p.wait.Go(func() {
		p.table = newPairTable(n)
		for batch := range p.batches {
			for _, m := range batch {
				p.table.put(m.a, m.b, m.merged, keep)
			}
		}
	})
	return p
}

func (p *pairBuilder) put(a, b int32, m merged) {
	const size = 4096
	if p.batch == nil {
		p.batch = make([]pairMerge, 0, size)
	}
	if p.batch = append(p.batch, pairMerge{a, b, m}); len(p.batch) == size {
		p.batches <- p.batch
		p.batch = nil
	}
}

// done returns the table; it must be called.
func (p *pairBuilder) done() pairTable {
	p.batches <- p.batch
	close(p.batches)
	p.wait.Wait()
	return p.table
}
