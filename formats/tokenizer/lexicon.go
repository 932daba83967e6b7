package tokenizer

import (
	"hash/maphash"
	"iter"
	"math/bits"
	"strings"
)

// lexicon holds texts with their ids, and finds the id of a text. The texts
// stand one after the other in one string; the table over them is of open
// addressing, with the hash beside the row in each slot. A map of the language
// takes four times the memory and the time to build.
type lexicon struct {
	texts strings.Builder
	ends  []uint32 // row i is texts[ends[i]:ends[i+1]]
	ids   []int32  // by row
	rows  []int32  // by id: row + 1, or 0
	slots []uint64 // hash<<32 | row + 1, or 0
	seed  maphash.Seed
}

// newLexicon has room for n texts of the given number of bytes; more is fine.
func newLexicon(n, size int) *lexicon {
	l := &lexicon{ends: make([]uint32, 1, n+1), ids: make([]int32, 0, n), seed: maphash.MakeSeed()}
	l.texts.Grow(size)
	return l
}

// row is the text of a row.
func (l *lexicon) row(row int) string { return l.texts.String()[l.ends[row]:l.ends[row+1]] }

// put gives a text that is new an id. It is not found before table.
func (l *lexicon) put(text string, id int32) {
	l.texts.WriteString(text)
	l.ends = append(l.ends, uint32(l.texts.Len()))
	l.ids = append(l.ids, id)
}

// table makes all texts findable. Where a text is there twice it stops and
// returns both rows.
func (l *lexicon) table() (first, again int, ok bool) {
	n := l.len()
	l.slots = touched[uint64](room(n))
	var some batch
	for from := 0; from < n; from += len(some.texts) {
		to := min(from+len(some.texts), n)
		for row := from; row < to; row++ {
			some.texts[row-from] = l.row(row)
		}
		some.hash(l, to-from)
		for i, hash := range some.hashes[:to-from] {
			at, row := l.slot(hash, some.texts[i])
			if row >= 0 {
				return row, from + i, false
			}
			l.slots[at] = uint64(hash)<<32 | uint64(from+i+1)
		}
	}
	return 0, 0, true
}

// unique is the lexicon with each text once: the last id counts.
func (l *lexicon) unique() *lexicon {
	once := newLexicon(l.len(), l.texts.Len())
	for row, id := range l.ids {
		once.add(l.row(row), id)
	}
	return once
}

func (l *lexicon) hash(text string) uint32 { return uint32(maphash.String(l.seed, text) >> 32) }

// slot is where a text with the hash is or would be: its row is then -1.
func (l *lexicon) slot(hash uint32, text string) (at, row int) {
	mask := uint32(len(l.slots) - 1)
	for i := hash; ; i++ {
		e := l.slots[i&mask]
		if e == 0 {
			return int(i & mask), -1
		}
		if uint32(e>>32) == hash && l.row(int(uint32(e))-1) == text {
			return int(i & mask), int(uint32(e)) - 1
		}
	}
}

// add gives a text an id. Of a text that is there already the old id is
// returned, and the new one counts.
func (l *lexicon) add(text string, id int32) (old int32, known bool) {
	if n := l.len(); n+n/2 >= len(l.slots) {
		l.grow()
	}
	hash := l.hash(text)
	at, row := l.slot(hash, text)
	if row >= 0 {
		old, l.ids[row] = l.ids[row], id
		return old, true
	}
	l.put(text, id)
	l.slots[at] = uint64(hash)<<32 | uint64(l.len())
	return unknown, false
}

// room is how many slots n texts have.
func room(n int) int { return 1 << bits.Len(uint(n+n/2+4)) }

func (l *lexicon) grow() {
	old := l.slots
	l.slots = make([]uint64, max(2*len(old), room(cap(l.ids))))
	mask := uint32(len(l.slots) - 1)
	for _, e := range old {
		if e == 0 {
			continue
		}
		i := uint32(e >> 32)
		for l.slots[i&mask] != 0 {
			i++
		}
		l.slots[i&mask] = e
	}
}

// seal makes texts findable by id, of which there are size. It returns two
// texts that have the same id, or ok.
func (l *lexicon) seal(size int) (a, b string, ok bool) {
	l.rows = make([]int32, size)
	for row, id := range l.ids {
		if first := l.rows[id]; first != 0 {
			a, b = l.row(int(first-1)), l.row(row)
			return min(a, b), max(a, b), false
		}
		l.rows[id] = int32(row + 1)
	}
	return "", "", true
}

// sealLast is seal where of several texts with the same id the last counts.
func (l *lexicon) sealLast(size int) {
	l.rows = make([]int32, size)
	for row, id := range l.ids {
		l.rows[id] = int32(row + 1)
	}
}

// len is the number of texts.
func (l *lexicon) len() int { return len(l.ids) }

// find returns the row of a text, or -1.
func (l *lexicon) find(text string) int {
	if len(l.slots) == 0 {
		return -1
	}
	_, row := l.slot(l.hash(text), text)
	return row
}

// id returns the id of a text.
func (l *lexicon) id(text string) (int32, bool) {
	if row := l.find(text); row >= 0 {
		return l.ids[row], true
	}
	return unknown, false
}

// text returns the text of an id, false where it has none.
func (l *lexicon) text(id int32) (string, bool) {
	if uint(id) >= uint(len(l.rows)) || l.rows[id] == 0 {
		return "", false
	}
	return l.row(int(l.rows[id] - 1)), true
}

// all gives the ids with their texts, in the order of ids.
func (l *lexicon) all() iter.Seq2[int32, string] {
	return func(yield func(int32, string) bool) {
		for id, row := range l.rows {
			if row > 0 && !yield(int32(id), l.row(int(row-1))) {
				return
			}
		}
	}
}

// batch looks up many texts at once: every step is made for all of them, so
// that the processor waits for many places of the table together.
type batch struct {
	texts  [128]string
	hashes [128]uint32
	slots  [128]uint64
	from   [128]uint32
	rows   [128]int32
}

// hash computes the hashes of n texts and fetches the slots that they lead to.
func (b *batch) hash(l *lexicon, n int) {
	for i, text := range b.texts[:n] {
		b.hashes[i] = l.hash(text)
	}
	mask := uint32(len(l.slots) - 1)
	for i, hash := range b.hashes[:n] {
		b.slots[i] = l.slots[hash&mask]
	}
}

// find finds the rows of n texts; -1 where there is none.
func (b *batch) find(l *lexicon, n int) {
	b.hash(l, n)
	for i, e := range b.slots[:n] {
		b.from[i] = l.ends[max(uint32(e), 1)-1]
	}
	all := l.texts.String()
	for i, e := range b.slots[:n] {
		text := b.texts[i]
		if rest := all[b.from[i]:]; uint32(e>>32) == b.hashes[i] && e != 0 && len(rest) >= len(text) && rest[:len(text)] == text {
			if row := uint32(e); l.ends[row]-b.from[i] == uint32(len(text)) {
				b.rows[i] = int32(row - 1)
				continue
			}
		}
		_, row := l.slot(b.hashes[i], text)
		b.rows[i] = int32(row)
	}
}
