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
	ends  []uint32 // by row
	ids   []int32  // by row
	rows  []int32  // by id: row + 1, or 0
	slots []uint64 // hash<<32 | row + 1, or 0
	seed  maphash.Seed
	hash  maphash.Hash // of two texts in a row
}

// newLexicon has room for n texts of the given number of bytes; more is fine.
func newLexicon(n, size int) *lexicon {
	l := &lexicon{ends: make([]uint32, 0, n), ids: make([]int32, 0, n), seed: maphash.MakeSeed()}
	l.slots = touched[uint64](1 << bits.Len(uint(n+n/2+4)))
	l.hash.SetSeed(l.seed)
	l.texts.Grow(size)
	return l
}

// row is the text of a row.
func (l *lexicon) row(row int) string {
	from := uint32(0)
	if row > 0 {
		from = l.ends[row-1]
	}
	return l.texts.String()[from:l.ends[row]]
}

// slot is where a text with the hash is or would be: its row is then -1.
func (l *lexicon) slot(hash uint32, is func(text string) bool) (at, row int) {
	mask := uint32(len(l.slots) - 1)
	for i := hash; ; i++ {
		e := l.slots[i&mask]
		if e == 0 {
			return int(i & mask), -1
		}
		if uint32(e>>32) == hash && is(l.row(int(uint32(e))-1)) {
			return int(i & mask), int(uint32(e)) - 1
		}
	}
}

func (l *lexicon) find(text string) (hash uint32, at, row int) {
	hash = uint32(maphash.String(l.seed, text) >> 32)
	mask := uint32(len(l.slots) - 1)
	for i := hash; ; i++ {
		e := l.slots[i&mask]
		if e == 0 {
			return hash, int(i & mask), -1
		}
		if uint32(e>>32) == hash && l.row(int(uint32(e))-1) == text {
			return hash, int(i & mask), int(uint32(e)) - 1
		}
	}
}

// add gives a text an id. Of a text that is there already the old id is
// returned, and the new one counts.
func (l *lexicon) add(text string, id int32) (old int32, known bool) {
	if len(l.ends)+len(l.ends)/2 >= len(l.slots) {
		l.grow()
	}
	hash, at, row := l.find(text)
	if row >= 0 {
		old, l.ids[row] = l.ids[row], id
		return old, true
	}
	l.texts.WriteString(text)
	l.ends = append(l.ends, uint32(l.texts.Len()))
	l.ids = append(l.ids, id)
	l.slots[at] = uint64(hash)<<32 | uint64(len(l.ends))
	return unknown, false
}

func (l *lexicon) grow() {
	old := l.slots
	l.slots = make([]uint64, 2*len(old))
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
func (l *lexicon) len() int { return len(l.ends) }

// id returns the id of a text.
func (l *lexicon) id(text string) (int32, bool) {
	if _, _, row := l.find(text); row >= 0 {
		return l.ids[row], true
	}
	return unknown, false
}

// next returns the id of the text that two texts make together, or unknown. The
// merges of most files make the token that they made last, or the one after
// it.
func (l *lexicon) next(left, right string, last int32) int32 {
	for id := max(last, 0); id <= last+1; id++ {
		if text, ok := l.text(id); ok && isJoined(text, left, right) {
			return id
		}
	}
	return l.joined(left, right)
}

// joined returns the id of the text that two texts make together, or unknown. It is not
// safe for concurrent use.
func (l *lexicon) joined(left, right string) int32 {
	l.hash.Reset()
	l.hash.WriteString(left)
	l.hash.WriteString(right)
	_, row := l.slot(uint32(l.hash.Sum64()>>32), func(text string) bool { return isJoined(text, left, right) })
	if row < 0 {
		return unknown
	}
	return l.ids[row]
}

func isJoined(text, left, right string) bool {
	return len(text) == len(left)+len(right) && text[:len(left)] == left && text[len(left):] == right
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
