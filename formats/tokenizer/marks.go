package tokenizer

import (
	"slices"
	"strings"

	"github.com/f190792d/mq/formats/tokenizer/pattern"
)

// marks finds special tokens in text.
type marks interface {
	// each calls yield for the special tokens of text and for the text between
	// them (id unknown), in order. Control tokens count with control only.
	each(w *pattern.Work, text string, control bool, yield func(piece string, id int32))
}

// marker is a token that is looked for in text.
type marker struct {
	text           string
	id             int32
	control        bool // only looked for on request
	lstrip, rstrip bool // takes the white space before, after it
	single         bool // only where no word character touches it
}

// longestFirst looks for the longest token in the whole text, then for the
// next one in what is left, as llama.cpp does.
type longestFirst struct {
	marks []marker // longest first
	find  *trie    // index into marks
}

func newLongestFirst(ms []marker) *longestFirst {
	ms = slices.DeleteFunc(ms, func(m marker) bool { return m.text == "" })
	slices.SortStableFunc(ms, func(a, b marker) int { return len(b.text) - len(a.text) })
	keys, index := make([]string, len(ms)), make([]int32, len(ms))
	for i, m := range ms {
		keys[i], index[i] = m.text, int32(i)
	}
	return &longestFirst{ms, newTrie(keys, index)}
}

// span is a part of a text: a token, or text where id is unknown.
type span struct {
	from, to int
	id       int32
}

func (l *longestFirst) each(w *pattern.Work, text string, control bool, yield func(piece string, id int32)) {
	if text == "" {
		return
	}
	spans := []span{{0, len(text), unknown}}
	var next []span
	for _, i := range l.present(w, text) {
		m := &l.marks[i]
		if m.control && !control {
			continue
		}
		next = next[:0]
		for _, s := range spans {
			if s.id != unknown || !w.Spend(1+(s.to-s.from)/16) {
				next = append(next, s)
				continue
			}
			next = m.cut(next, text, s)
		}
		spans, next = next, spans
	}
	for _, s := range spans {
		yield(text[s.from:s.to], s.id)
	}
}

// present lists the marks that occur in text at all, longest first.
func (l *longestFirst) present(w *pattern.Work, text string) []int32 {
	seen := make([]bool, len(l.marks))
	var found []int32
	for at := 0; at < len(text); at++ {
		if !w.Spend(1) {
			return nil
		}
		if !l.find.starts[text[at]] {
			continue
		}
		node, ok := l.find.step(place{}, text[at])
		for end := at + 1; ok; end++ {
			if i := l.find.at(node); i >= 0 && !seen[i] {
				seen[i] = true
				found = append(found, i)
			}
			if end == len(text) || !w.Spend(1) {
				break
			}
			node, ok = l.find.step(node, text[end])
		}
	}
	slices.Sort(found)
	return found
}

// cut appends the parts of s around the occurrences of m.
func (m *marker) cut(dst []span, text string, s span) []span {
	for s.from < s.to {
		at := strings.Index(text[s.from:s.to], m.text)
		if at < 0 {
			break
		}
		from := s.from + at
		left := from
		for m.lstrip && left > s.from && isSpaceByte(text[left-1]) {
			left--
		}
		if left > s.from {
			dst = append(dst, span{s.from, left, unknown})
		}
		s.from = from + len(m.text)
		dst = append(dst, span{from, s.from, m.id})
		for m.rstrip && s.from < s.to && isSpaceByte(text[s.from]) {
			s.from++
		}
	}
	if s.from < s.to {
		dst = append(dst, s)
	}
	return dst
}

// isSpaceByte is C's isspace.
func isSpaceByte(b byte) bool { return b == ' ' || b >= '\t' && b <= '\r' }
