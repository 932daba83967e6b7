package tokenizer

import (
	"unicode/utf8"

	"github.com/f190792d/mq/formats/tokenizer/pattern"
)

// addedTokens finds the added tokens of tokenizer.json: first those that are
// looked for in the text as it is, then, in what lies between, normalized, the
// others. At each place the longest token counts.
type addedTokens struct {
	rawMarks, normMarks []marker
	raw, norm           *trie
	normalize           rewrite
}

func newAddedTokens(added []AddedToken, normalize rewrite) (*addedTokens, error) {
	size := 0
	for _, a := range added {
		size += len(a.Content)
	}
	w := pattern.Bounded(size)
	t := &addedTokens{normalize: normalize}
	for _, a := range added {
		if a.Content == "" {
			continue
		}
		m := marker{text: a.Content, id: int32(a.ID), control: a.Special, lstrip: a.LStrip, rstrip: a.RStrip, single: a.SingleWord}
		if a.Normalized {
			m.text = normalize(w, a.Content)
			t.normMarks = append(t.normMarks, m)
		} else {
			t.rawMarks = append(t.rawMarks, m)
		}
	}
	t.raw, t.norm = markTrie(t.rawMarks), markTrie(t.normMarks)
	return t, w.Err()
}

func markTrie(ms []marker) *trie {
	keys, index := make([]string, len(ms)), make([]int32, len(ms))
	for i, m := range ms {
		keys[i], index[i] = m.text, int32(i)
	}
	return newTrie(keys, index)
}

func (t *addedTokens) each(w *pattern.Work, text string, control bool, yield func(piece string, id int32)) {
	text = repair(text)
	leftmost(w, text, t.raw, t.rawMarks, control, func(piece string, id int32) {
		if id != unknown {
			yield(piece, id)
			return
		}
		leftmost(w, t.normalize(w, piece), t.norm, t.normMarks, control, yield)
	})
}

// leftmost yields the tokens of text, leftmost first, of several the longest,
// and the text between them.
func leftmost(w *pattern.Work, text string, find *trie, ms []marker, control bool, yield func(piece string, id int32)) {
	done := 0
	for at := 0; at < len(text) && w.Spend(1); {
		if !find.starts[text[at]] {
			at++
			continue
		}
		n, m := longestMark(w, text[at:], find, ms, control)
		if n == 0 {
			at++
			continue
		}
		from, to := at, at+n
		at = to
		if m.single && (pattern.WordBefore(text, from) || pattern.WordAfter(text, to)) {
			continue
		}
		if m.lstrip {
			for from > done {
				r, k := utf8.DecodeLastRuneInString(text[done:from])
				if !pattern.IsBlank(r) {
					break
				}
				from -= k
			}
		}
		if m.rstrip {
			for to < len(text) {
				r, k := utf8.DecodeRuneInString(text[to:])
				if !pattern.IsBlank(r) {
					break
				}
				to += k
			}
			at = to
		}
		if done < from {
			yield(text[done:from], unknown)
		}
		yield(text[from:to], m.id)
		done = to
	}
	if done < len(text) {
		yield(text[done:], unknown)
	}
}

// longestMark is the longest token that begins s and counts.
func longestMark(w *pattern.Work, s string, find *trie, ms []marker, control bool) (int, *marker) {
	size, best := 0, (*marker)(nil)
	var node place
	for i := 0; i < len(s); i++ {
		if i&63 == 63 && !w.Spend(64) {
			break
		}
		next, ok := find.step(node, s[i])
		if !ok {
			break
		}
		node = next
		if v := find.at(node); v >= 0 && (control || !ms[v].control) {
			size, best = i+1, &ms[v]
		}
	}
	return size, best
}
