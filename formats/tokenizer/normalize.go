package tokenizer

import (
	"strings"
	"unicode/utf8"

	"github.com/f190792d/mq/formats/tokenizer/pattern"
)

// normalizer is the normalization of SentencePiece models: replacements by the
// precompiled charsmap, and what becomes of white space.
type normalizer struct {
	chars  *charsmap
	keep   *trie // user-defined tokens: never touched, or nil
	escape bool  // spaces are written as U+2581
	prefix bool  // text begins with one more space
	suffix bool  // text ends with one more space
	merge  bool  // runs of spaces count as one, none at the ends
}

// prefixOf returns how much of s is normalized next, and to what.
func (n *normalizer) prefixOf(s string) (int, string) {
	if n.keep != nil {
		if k, _ := n.keep.longest(s); k > 0 {
			return k, s[:k]
		}
	}
	if k, with := n.chars.longest(s); k > 0 {
		return k, with
	}
	r, k := utf8.DecodeRuneInString(s)
	if r == utf8.RuneError && k == 1 {
		return 1, "\uFFFD"
	}
	return k, s[:k]
}

func (n *normalizer) blank() string {
	if n.escape {
		return lowBlock
	}
	return " "
}

// sentencePiece normalizes as the SentencePiece library does.
func (n *normalizer) sentencePiece(w *pattern.Work, s string) string {
	if n.merge {
		for s != "" && w.Spend(1) {
			size, piece := n.prefixOf(s)
			if piece != " " {
				break
			}
			s = s[size:]
		}
	}
	if s == "" {
		return ""
	}
	var out strings.Builder
	blank := n.blank()
	if n.prefix && !n.suffix {
		out.WriteString(blank)
	}
	afterSpace := n.merge
	for s != "" && w.Spend(1) {
		size, piece := n.prefixOf(s)
		s = s[size:]
		for afterSpace && strings.HasPrefix(piece, " ") {
			piece = piece[1:]
		}
		if piece != "" {
			out.WriteString(strings.ReplaceAll(piece, " ", blank))
			afterSpace = n.merge && strings.HasSuffix(piece, " ")
		}
	}
	text := out.String()
	if n.merge {
		for strings.HasSuffix(text, blank) {
			text = strings.TrimSuffix(text, blank)
		}
	}
	if n.suffix && n.prefix {
		text += blank
	}
	return text
}

// llama normalizes as llama.cpp does for unigram vocabularies: the space that
// belongs to a word is written when the word begins.
func (n *normalizer) llama(w *pattern.Work, s string) string {
	blank := n.blank()
	out := make([]byte, 0, len(s)+len(s)/2)
	begun, inWord := false, false
	for s != "" && w.Spend(1) {
		size, piece := n.prefixOf(s)
		s = s[size:]
		for i := range len(piece) {
			if piece[i] == ' ' {
				inWord = false
				if !n.merge {
					out = append(out, blank...)
				}
				continue
			}
			if !inWord {
				inWord = true
				if n.prefix && !n.suffix && !begun || n.merge {
					out = append(out, blank...)
				}
				begun = true
			}
			out = append(out, piece[i])
		}
	}
	if n.suffix && n.prefix {
		out = append(out, blank...)
	}
	return string(out)
}
