package tokenizer

import (
	"math/bits"
	"math/rand/v2"
)

// joined are two neighbouring symbols, and what they become.
type joined struct{ left, right, both int32 }

// pairTable finds the merge of a pair of symbols among all, which stand in their
// order: open addressing with linear probing over their ranks, a third as slow to
// build and to ask as a map of the language. The multiplier of the hash is drawn
// anew for each table, so that no file can choose keys that collide.
type pairTable struct {
	merges []joined
	slots  []uint32 // bits of the hash, then rank + 1; or 0
	by     uint64
	shift  int
	rank   int // bits of it
}

// newPairTable makes a table over merges. Of a pair that is there twice the last
// merge counts, or with keep the first.
func newPairTable(merges []joined, keep bool) pairTable {
	n := uint(len(merges))
	size := bits.Len(n + n/2 + 1)
	t := pairTable{merges, touched[uint32](1 << size), rand.Uint64() | 1, 64 - size, bits.Len(n + 1)}
	var hashes [64]uint64
	var taken [64]uint32 // places of the table, which are waited for together
	for from := 0; from < len(merges); from += len(hashes) {
		some := merges[from:min(from+len(hashes), len(merges))]
		for i, m := range some {
			hashes[i] = t.hash(m.left, m.right)
			taken[i] = t.slots[hashes[i]>>t.shift]
		}
		for i, m := range some {
			place, entry := &t.slots[hashes[i]>>t.shift], t.tag(hashes[i])|uint32(from+i+1)
			if taken[i]|*place == 0 {
				*place = entry
			} else if at, rank := t.slot(m.left, m.right); rank < 0 || !keep {
				t.slots[at] = entry
			}
		}
	}
	return t
}

// touched makes a list whose pages are written first: all of a table will be, and a
// page that is read before costs a second fault.
func touched[T any](n int) []T {
	list := make([]T, n)
	var zero T
	for i := 0; i < n; i += 512 { // of 8 bytes at most
		list[i] = zero
	}
	return list
}

func (t *pairTable) hash(a, b int32) uint64 {
	return (1<<63 | uint64(uint32(a))<<32 | uint64(uint32(b))) * t.by
}

// tag is what a slot has of a hash, beside the rank.
func (t *pairTable) tag(hash uint64) uint32 { return uint32(hash>>(t.shift-32)) >> t.rank << t.rank }

// slot is where a pair of symbols is or would be: its rank is then -1.
func (t *pairTable) slot(a, b int32) (at, rank int) {
	hash, mask := t.hash(a, b), len(t.slots)-1
	tag := t.tag(hash)
	for i := int(hash >> t.shift); ; i++ {
		s := t.slots[i&mask]
		if s == 0 {
			return i & mask, -1
		}
		if s>>t.rank<<t.rank == tag {
			rank := int(s-tag) - 1
			if m := &t.merges[rank]; m.left == a && m.right == b {
				return i & mask, rank
			}
		}
	}
}

// get returns what two symbols become, and how early.
func (t *pairTable) get(a, b int32) (rank, both int32, ok bool) {
	if _, rank := t.slot(a, b); rank >= 0 {
		return int32(rank), t.merges[rank].both, true
	}
	return 0, 0, false
}
