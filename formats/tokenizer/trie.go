package tokenizer

import "slices"

// trie finds the keys that are a prefix of a text. Nodes are numbered breadth
// first, so the children of a node are neighbours.
type trie struct {
	label []byte  // byte that leads to the node
	child []int32 // children of node i are child[i] .. child[i+1]-1
	value []int32 // or -1
}

// newTrie builds a trie over keys; of equal keys the last counts. Empty keys
// never match.
func newTrie(keys []string, values []int32) *trie {
	order := make([]int, 0, len(keys))
	for i, k := range keys {
		if k != "" {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case keys[a] < keys[b]:
			return -1
		case keys[a] > keys[b]:
			return 1
		}
		return 0
	})
	type span struct{ lo, hi, depth int }
	t := &trie{label: []byte{0}, value: []int32{-1}}
	queue := []span{{0, len(order), 0}}
	for at := 0; at < len(queue); at++ {
		n := queue[at]
		t.child = append(t.child, int32(len(queue)))
		for n.lo < n.hi && len(keys[order[n.lo]]) == n.depth {
			t.value[at] = values[order[n.lo]]
			n.lo++
		}
		for lo := n.lo; lo < n.hi; {
			b, hi := keys[order[lo]][n.depth], lo+1
			for hi < n.hi && keys[order[hi]][n.depth] == b {
				hi++
			}
			queue = append(queue, span{lo, hi, n.depth + 1})
			t.label = append(t.label, b)
			t.value = append(t.value, -1)
			lo = hi
		}
	}
	t.child = append(t.child, int32(len(queue)))
	return t
}

// step follows byte b from a node (the root is 0); false at a dead end.
func (t *trie) step(node int32, b byte) (int32, bool) {
	lo, hi := t.child[node], t.child[node+1]
	for lo < hi {
		mid := (lo + hi) / 2
		if t.label[mid] < b {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo, lo < t.child[node+1] && t.label[lo] == b
}

// longest returns the longest key that begins s and its value.
func (t *trie) longest(s string) (n int, value int32) {
	node := int32(0)
	for i := 0; i < len(s); i++ {
		next, ok := t.step(node, s[i])
		if !ok {
			break
		}
		node = next
		if t.value[node] >= 0 {
			n, value = i+1, t.value[node]
		}
	}
	return n, value
}
