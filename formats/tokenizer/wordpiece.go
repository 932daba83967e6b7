package tokenizer

import (
	"strings"
	"unicode"

	"github.com/f190792d/mq/formats/tokenizer/pattern"
	"golang.org/x/text/unicode/norm"
)

// wordPiece encodes a word with the longest token that begins it, then again
// and again the longest that continues it (BERT).
type wordPiece struct {
	first, rest *trie
	limit       int // characters of the longest word, 0 for any
	unk         int32
}

func (m *wordPiece) word(w *pattern.Work, dst []int32, s string) []int32 {
	if m.limit > 0 && runeCount(s) > m.limit {
		return m.miss(dst)
	}
	from := len(dst)
	for part := m.first; s != "" && w.Spend(1); part = m.rest {
		n, id := part.longest(s)
		w.Spend(n / 8)
		if n == 0 {
			return m.miss(dst[:from])
		}
		dst = append(dst, id)
		s = s[n:]
	}
	return dst
}

func (m *wordPiece) miss(dst []int32) []int32 {
	if m.unk >= 0 {
		dst = append(dst, m.unk)
	}
	return dst
}

// bertText says how text becomes words for a WordPiece vocabulary.
type bertText struct {
	lower, accents bool // fold case, strip accents
	ed             *pattern.Edition
}

// split cuts s at white space and around punctuation and CJK characters, as
// llama.cpp does: normalization and words in one pass.
func (b bertText) split(dst []string, s string) []string {
	var word strings.Builder
	flush := func() {
		if word.Len() > 0 {
			dst = append(dst, word.String())
			word.Reset()
		}
	}
	for _, r := range s {
		if b.accents {
			r = baseLetter(r)
		}
		c := b.ed.Of(r)
		switch {
		case c&pattern.Space != 0:
			flush()
			continue
		case r == 0, r == unicode.ReplacementChar, unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co), b.accents && c&pattern.Mark != 0:
			continue
		}
		own := c&pattern.Punct != 0 || r < 0x7F && c&pattern.Symbol != 0 || isCJK(r)
		if b.lower {
			r = unicode.ToLower(r)
		}
		if own {
			flush()
		}
		word.WriteRune(r)
		if own {
			flush()
		}
	}
	flush()
	return dst
}

// baseLetter is the first character of the canonical decomposition.
func baseLetter(r rune) rune {
	if r < 0xC0 {
		return r
	}
	for _, first := range norm.NFD.String(string(r)) {
		return first
	}
	return r
}

// isCJK reports whether BERT makes r a word of its own. The gap after
// U+2B81F is in the original.
func isCJK(r rune) bool {
	return r >= 0x4E00 && r <= 0x9FFF || r >= 0x3400 && r <= 0x4DBF || r >= 0x20000 && r <= 0x2A6DF ||
		r >= 0x2A700 && r <= 0x2B81F || r >= 0x2B920 && r <= 0x2CEAF || r >= 0xF900 && r <= 0xFAFF || r >= 0x2F800 && r <= 0x2FA1F
}
