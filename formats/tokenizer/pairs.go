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
	slots  []uint32 // rank + 1 above bits of the hash; or 0
	by     uint64
	shift  uint8  // of the hash, to a slot
	rank   uint8  // where it begins in a slot
	tag    uint32 // the bits below it
}

// newPairTable makes a table over merges. Of a pair that is there twice the last
// merge counts, or with keep the first.
func newPairTable(merges []joined, keep bool) pairTable {
	n := uint(len(merges))
	size, rank := bits.Len(n+n/2+1), 32-bits.Len(n+1)
	t := pairTable{merges, touched[uint32](1 << size), rand.Uint64() | 1, uint8(64 - size), uint8(rank), 1<<rank - 1}
	var hashes [64]uint64
	var taken [64]uint32 // places of the table, which are waited for together
	for from := 0; from < len(merges); from += len(hashes) {
		some := merges[from:min(from+len(hashes), len(merges))]
		for i, m := range some {
			hashes[i] = t.hash(m.left, m.right)
			taken[i] = t.slots[t.slot(hashes[i])]
		}
		for i, m := range some {
			at := t.slot(hashes[i])
			if taken[i]|t.slots[at] != 0 {
				var known *joined
				if at, known, _ = t.find(m.left, m.right); known != nil && keep {
					continue
				}
			}
			t.slots[at] = uint32(from+i+1)<<t.rank | uint32(hashes[i]>>32)&t.tag
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

// slot is where a hash leads to.
func (t *pairTable) slot(hash uint64) uint { return uint(hash >> (t.shift & 63)) }

// find is the place of a pair of symbols: the place of its merge, or a free one.
func (t *pairTable) find(a, b int32) (at uint, m *joined, rank int32) {
	hash, mask := t.hash(a, b), uint(len(t.slots)-1)
	for at = t.slot(hash); ; at++ {
		s := t.slots[at&mask]
		if s == 0 {
			return at & mask, nil, 0
		}
		if (s^uint32(hash>>32))&t.tag == 0 {
			rank = int32(s>>(t.rank&31)) - 1
			if m = &t.merges[rank]; m.left == a && m.right == b {
				return at & mask, m, rank
			}
		}
	}
}

// get returns what two symbols become, and how early.
func (t *pairTable) get(a, b int32) (rank, both int32, ok bool) {
	if _, m, rank := t.find(a, b); m != nil {
		return rank, m.both, true
	}
	return 0, 0, false
}
