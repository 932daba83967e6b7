package tokenizer

import (
	"strings"

	"github.com/f190792d/mq/formats/fault"
)

// merges are the merges of a BPE model in the form in which a file has them:
// there are hundreds of thousands, which nobody but the merge table needs.
type merges struct {
	count int
	read  func(yield func(rank int, left, right string) error) error // nil: none
}

// each calls yield for every merge, in order.
func (m merges) each(yield func(rank int, left, right string) error) error {
	if m.read == nil {
		return nil
	}
	return m.read(yield)
}

// readMerges reads merges: each one "a b" or ["a", "b"].
func readMerges(span string, yield func(rank int, left, right string) error) error {
	r := &jsonReader{text: span}
	rank := 0
	return r.array(func() error {
		var left, right string
		var err error
		if r.blank() == '"' {
			var text string
			if text, err = r.string(); err == nil {
				var ok bool
				if left, right, ok = strings.Cut(text, " "); !ok || strings.Contains(right, " ") {
					return corruptJSON("merge %d %q is not two strings", rank, text)
				}
			}
		} else {
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
		}
		if err != nil {
			return corruptJSON("merge %d is not two strings: %w", rank, err)
		}
		rank++
		return yield(rank-1, left, right)
	})
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
	return merges{count, read}, err
}

// mergeList are merges as GGUF files have them, the first space dividing two
// strings after the first character.
func mergeList(texts []string) merges {
	return merges{len(texts), func(yield func(rank int, left, right string) error) error {
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
