package tokenizer

import (
	"strings"

	"github.com/f190792d/mq/formats/fault"
)

// merges are the merges of a BPE model: there are hundreds of thousands. They
// are kept as ids where the vocabulary has been read before them, else in the
// form in which a file has them.
type merges struct {
	count int
	read  func(yield func(rank int, left, right string) error) error // nil: none

	tokens *lexicon // that the ids are of
	ids    []joined // nil where they are not known
	cut    wordCut
}

// each calls yield for every merge, in order.
func (m merges) each(yield func(rank int, left, right string) error) error {
	switch {
	case m.ids != nil:
		for rank, pair := range m.ids {
			left, _ := m.tokens.text(pair.left)
			right, _ := m.tokens.text(pair.right)
			if err := yield(rank, left, right); err != nil {
				return err
			}
		}
	case m.read != nil:
		return m.read(yield)
	}
	return nil
}

// joiner finds the ids of merges, some at a time.
type joiner struct {
	tokens *lexicon
	stray  func(id int32, text string) int32 // the id of a text that may be no token; nil: all must be tokens
	ids    []joined
	cut    wordCut
	some   batch
	n      int // texts that wait
	last   int // row of the last merge
}

// add takes the next merge.
func (j *joiner) add(_ int, left, right string) error {
	if left == "" || right == "" {
		if err := j.flush(); err != nil {
			return err
		}
		return fault.Op("tokenizer").Corrupt("merge %d %q has an empty side", len(j.ids), [2]string{left, right})
	}
	j.some.texts[j.n], j.some.texts[j.n+1] = left, right
	if j.n += 2; j.n == len(j.some.texts) {
		return j.flush()
	}
	return nil
}

// flush finds the ids of all that wait.
func (j *joiner) flush() error {
	n := j.n
	j.n = 0
	j.some.find(j.tokens, n)
	for i := 0; i < n; i += 2 {
		left, right := j.some.texts[i], j.some.texts[i+1]
		j.last = j.next(left, right)
		pair := joined{j.id(int(j.some.rows[i])), j.id(int(j.some.rows[i+1])), j.id(j.last)}
		if min(pair.left, pair.right, pair.both) == unknown {
			if j.stray == nil {
				return fault.Op("tokenizer").Corrupt("merge %d %q names a token that is not in the vocabulary", len(j.ids), [2]string{left, right})
			}
			pair = joined{j.stray(pair.left, left), j.stray(pair.right, right), j.stray(pair.both, left+right)}
		}
		j.cut.join(left, right)
		j.ids = append(j.ids, pair)
	}
	return nil
}

// next returns the row of the text that two texts make together, or -1. The
// merges of most files make the token that they made last, or the one after it.
func (j *joiner) next(left, right string) int {
	for row := max(j.last, 0); row <= j.last+1 && row < j.tokens.len(); row++ {
		if text := j.tokens.row(row); len(text) == len(left)+len(right) && text[:len(left)] == left && text[len(left):] == right {
			return row
		}
	}
	return j.tokens.find(left + right)
}

func (j *joiner) id(row int) int32 {
	if row < 0 {
		return unknown
	}
	return j.tokens.ids[row]
}

// join finds the ids of merges. Without stray all must be tokens.
func (m merges) join(tokens *lexicon, stray func(id int32, text string) int32) (merges, error) {
	if m.ids != nil && m.tokens == tokens {
		return m, nil
	}
	j := &joiner{tokens: tokens, stray: stray, ids: make([]joined, 0, m.count), last: -1}
	err := m.each(j.add)
	if first := j.flush(); first != nil {
		err = first
	}
	m.tokens, m.ids, m.cut = tokens, j.ids, j.cut
	return m, err
}

// readMerges reads merges: each one "a b" or ["a", "b"].
func readMerges(r *jsonReader, yield func(rank int, left, right string) error) error {
	rank := 0
	return r.array(func() error {
		var left, right string
		var err error
		if r.blank() == '"' {
			var text string
			if text, err = r.string(); err == nil {
				var ok bool
				if left, right, ok = strings.Cut(text, " "); !ok || strings.IndexByte(right, ' ') >= 0 {
					return corruptJSON("merge %d %q is not two strings", rank, text)
				}
			}
		} else {
			left, right, err = r.pair()
		}
		if err != nil {
			return corruptJSON("merge %d is not two strings: %w", rank, err)
		}
		rank++
		return yield(rank-1, left, right)
	})
}

// pair reads an array of two strings.
func (r *jsonReader) pair() (left, right string, err error) {
	parts := 0
	err = r.array(func() (err error) {
		switch parts++; parts {
		case 1:
			left, err = r.string()
		case 2:
			right, err = r.string()
		default:
			err = r.fail("three strings")
		}
		return err
	})
	if err == nil && parts != 2 {
		err = r.fail("one string")
	}
	return left, right, err
}

// mergesText reads merges.txt: two strings a line, after a line with the
// version.
func mergesText(text string) (merges, error) {
	read := func(yield func(rank int, left, right string) error) error {
		rank, number := 0, 0
		for line := range strings.Lines(text) {
			line = strings.TrimRight(line, "\r\n")
			if number++; line == "" || number == 1 && strings.HasPrefix(line, "#version") {
				continue
			}
			left, right, ok := strings.Cut(line, " ")
			if !ok || left == "" || right == "" || strings.Contains(right, " ") {
				return fault.Op("tokenizer").File("merges.txt").Corrupt("line %d %q is not two strings", number, line)
			}
			if err := yield(rank, left, right); err != nil {
				return err
			}
			rank++
		}
		return nil
	}
	count := 0
	err := read(func(int, string, string) error { count++; return nil })
	if err == nil && count > maxMerges {
		err = fault.Op("tokenizer").File("merges.txt").Corrupt("%d merges, more than %d", count, maxMerges)
	}
	return merges{count: count, read: read}, err
}

// mergeList are merges as GGUF files have them, the first space dividing two
// strings after the first character.
func mergeList(texts []string) merges {
	return merges{count: len(texts), read: func(yield func(rank int, left, right string) error) error {
		for rank, text := range texts {
			at := -1
			if text != "" {
				at = strings.IndexByte(text[1:], ' ') + 1
			}
			if at < 1 || at == len(text)-1 {
				return fault.Op("tokenizer").Corrupt("merge %d %q is not two strings", rank, text)
			}
			if err := yield(rank, text[:at], text[at+1:]); err != nil {
				return err
			}
		}
		return nil
	}}
}
