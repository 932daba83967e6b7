package tokenizer

import "unicode/utf8"

// repair replaces every byte that is not part of UTF-8 text by U+FFFD, one
// for each byte.
func repair(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	out := make([]byte, 0, len(s)+len(s)/2)
	for _, r := range s {
		out = utf8.AppendRune(out, r)
	}
	return string(out)
}

// repairLlama is repair as llama.cpp does it before it splits text into words:
// a sequence counts by its bits alone, so that a character in more bytes than
// it needs is that character, and surrogates stay.
func repairLlama(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	out := make([]byte, 0, len(s)+len(s)/2)
	for s != "" {
		r, n := looseRune(s)
		if r >= 0xD800 && r < 0xE000 {
			out = append(out, s[:n]...)
		} else {
			out = utf8.AppendRune(out, r)
		}
		s = s[n:]
	}
	return string(out)
}

// looseRune reads a sequence of the length that its first byte says.
func looseRune(s string) (rune, int) {
	n := leadLen(s)
	lead := s[0]
	switch {
	case lead < utf8.RuneSelf:
		return rune(lead), 1
	case n == 1 || lead >= 0xF8 || lead >= 0xF0 && n < 4 || lead >= 0xE0 && n < 3:
		return utf8.RuneError, 1
	}
	r := rune(lead) & (0x7F >> n)
	for i := 1; i < n; i++ {
		if s[i]&0xC0 != 0x80 {
			return utf8.RuneError, 1
		}
		r = r<<6 | rune(s[i]&0x3F)
	}
	return r, n
}

// leadLen is the length of a UTF-8 sequence by its first byte alone, at most
// the length of s: SentencePiece vocabularies cut invalid text this way.
func leadLen(s string) int {
	n := 1
	switch b := s[0]; {
	case b >= 0xF0:
		n = 4
	case b >= 0xE0:
		n = 3
	case b >= 0xC0:
		n = 2
	}
	return min(n, len(s))
}
