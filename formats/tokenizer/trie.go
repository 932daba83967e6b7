package tokenizer

import (
	"slices"
	"strings"
)

// trie finds the keys that are a prefix of a text. Runs of bytes without a
// branch are one node, so that a trie is never larger than its keys. Nodes are
// numbered breadth first: the children of a node are neighbours.
type trie struct {
	edges string   // the bytes that lead to the nodes, one after the other
	from  []uint32 // those of node i are edges[from[i]:from[i+1]]
	first []byte   // the first of them
	child []int32  // children of node i are child[i] .. child[i+1]-1
	value []int32  // or -1

	starts [256]bool // the bytes that keys begin with
}

// place is a place in a trie: a node, and how many bytes of the way to it are
// still ahead. The zero place is the root.
type place struct {
	node  int32
	ahead int32
}

// newTrie builds a trie over keys; of equal keys the last counts. Empty keys
// never match.
func newTrie(keys []string, values []int32) *trie {
	order := make([]int32, 0, len(keys))
	for i, k := range keys {
		if k != "" {
			order = append(order, int32(i))
		}
	}
	slices.SortStableFunc(order, func(a, b int32) int { return strings.Compare(keys[a], keys[b]) })
	key := func(at int32) string { return keys[order[at]] }
	// span is the keys below a node, which have depth bytes in common.
	type span struct{ lo, hi, depth int32 }
	t := &trie{from: []uint32{0, 0}, first: []byte{0}, value: []int32{unknown}}
	room := len(order) + len(order)/2 + 1 // most nodes are keys
	t.from, t.first = slices.Grow(t.from, room), slices.Grow(t.first, room)
	t.value, t.child = slices.Grow(t.value, room), slices.Grow(t.child, room)
	var edges strings.Builder
	level, next := []span{{0, int32(len(order)), 0}}, []span(nil)
	node := 0
	for ; len(level) > 0; level, next = next, level[:0] {
		for _, n := range level {
			t.child = append(t.child, int32(len(t.value)))
			for n.lo < n.hi && len(key(n.lo)) == int(n.depth) {
				t.value[node] = values[order[n.lo]]
				n.lo++
			}
			node++
			for lo := n.lo; lo < n.hi; {
				b, hi := key(lo)[n.depth], lo+1
				for hi < n.hi && key(hi)[n.depth] == b {
					hi++
				}
				// The keys are sorted: what the outer two share, all do.
				depth := n.depth + common(key(lo)[n.depth:], key(hi - 1)[n.depth:])
				if n.depth == 0 {
					t.starts[b] = true
				}
				edges.WriteString(key(lo)[n.depth:depth])
				t.from = append(t.from, uint32(edges.Len()))
				t.first = append(t.first, b)
				t.value = append(t.value, unknown)
				next = append(next, span{lo, hi, depth})
				lo = hi
			}
		}
	}
	t.child = append(t.child, int32(len(t.value)))
	t.edges = edges.String()
	return t
}

// common is how many bytes two texts begin with alike.
func common(a, b string) int32 {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return int32(n)
}

// step follows byte b from a place; false at a dead end.
func (t *trie) step(at place, b byte) (place, bool) {
	if at.ahead > 0 {
		at.ahead--
		return at, t.edges[t.from[at.node+1]-uint32(at.ahead)-1] == b
	}
	lo, hi := t.child[at.node], t.child[at.node+1]
	end := hi
	for lo < hi {
		mid := (lo + hi) / 2
		if t.first[mid] < b {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo == end || t.first[lo] != b {
		return at, false
	}
	return place{lo, int32(t.from[lo+1]-t.from[lo]) - 1}, true
}

// at returns the value of the key that ends at a place, or -1.
func (t *trie) at(p place) int32 {
	if p.ahead > 0 {
		return unknown
	}
	return t.value[p.node]
}

// longest returns the longest key that begins s and its value.
func (t *trie) longest(s string) (n int, value int32) {
	var p place
	for i := 0; i < len(s); i++ {
		next, ok := t.step(p, s[i])
		if !ok {
			break
		}
		p = next
		if v := t.at(p); v >= 0 {
			n, value = i+1, v
		}
	}
	return n, value
}
