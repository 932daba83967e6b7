package tokenizer

import "github.com/f190792d/mq/formats/tokenizer/pattern"

// unknown is the id of a piece of text that no token spells.
const unknown int32 = -1

// part is a piece of a word while it is put together: text[at : at+n]. A part
// that was swallowed by its left neighbour has n == 0.
type part struct {
	at, n      int32
	prev, next int32
	id         int32
}

// pairing reports whether two neighbours may become one: the order in which
// merges are made (lowest first, then leftmost) and what they become.
type pairing interface {
	pair(text string, a, b *part) (rank, id int32, ok bool)
}

// candidate is a merge that was possible when it was queued.
type candidate struct {
	order uint64 // rank, then position of the left part
	size  int32  // bytes of both parts
	id    int32
}

// merger puts parts together, best merge first, in O(n log n).
type merger struct {
	parts []part
	queue []candidate
}

func (m *merger) reset() { m.parts, m.queue = m.parts[:0], m.queue[:0] }

func (m *merger) add(at, n int, id int32) {
	i := int32(len(m.parts))
	m.parts = append(m.parts, part{int32(at), int32(n), i - 1, i + 1, id})
}

// run makes all merges. What is left are the parts with n > 0, in order.
func (m *merger) run(w *pattern.Work, text string, by pairing) {
	if len(m.parts) == 0 {
		return
	}
	m.parts[len(m.parts)-1].next = -1
	for i := int32(1); i < int32(len(m.parts)); i++ {
		if i&1023 == 0 && !w.Spend(1024) {
			return
		}
		m.offer(text, by, i-1, i)
	}
	for pops := 1; len(m.queue) > 0; pops++ {
		if pops&255 == 0 && !w.Spend(4*256) { // a pop is several steps
			return
		}
		c := m.pop()
		l := int32(uint32(c.order))
		left := &m.parts[l]
		if left.n == 0 || left.next < 0 {
			continue
		}
		right := &m.parts[left.next]
		// Parts only grow, so equal size means the same two parts.
		if left.n+right.n != c.size {
			continue
		}
		left.n, right.n = c.size, 0
		left.id = c.id
		left.next = right.next
		if left.next >= 0 {
			m.parts[left.next].prev = l
			m.offer(text, by, l, left.next)
		}
		if left.prev >= 0 {
			m.offer(text, by, left.prev, l)
		}
	}
}

func (m *merger) offer(text string, by pairing, l, r int32) {
	a, b := &m.parts[l], &m.parts[r]
	if rank, id, ok := by.pair(text, a, b); ok {
		m.push(candidate{uint64(uint32(rank))<<32 | uint64(uint32(l)), a.n + b.n, id})
	}
}

func (m *merger) push(c candidate) {
	m.queue = append(m.queue, c)
	q, i := m.queue, len(m.queue)-1
	for i > 0 {
		up := (i - 1) / 2
		if q[up].order <= c.order {
			break
		}
		q[i] = q[up]
		i = up
	}
	q[i] = c
}

func (m *merger) pop() candidate {
	q := m.queue
	top, last := q[0], q[len(q)-1]
	q = q[:len(q)-1]
	m.queue = q
	if len(q) == 0 {
		return top
	}
	i := 0
	for {
		down := 2*i + 1
		if down >= len(q) {
			break
		}
		if down+1 < len(q) && q[down+1].order < q[down].order {
			down++
		}
		if q[down].order >= last.order {
			break
		}
		q[i] = q[down]
		i = down
	}
	q[i] = last
	return top
}
