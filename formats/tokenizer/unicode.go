package tokenizer

import (
	"sync"
	"unicode"
	"unicode/utf8"
)

// class is a set of properties of one code point, as far as tokenizers ask.
type class uint16

const (
	upper    class = 1 << iota // Lu
	lower                      // Ll
	title                      // Lt
	modifier                   // Lm
	other                      // Lo
	mark                       // M
	digit                      // Nd
	number                     // N except Nd
	punct                      // P
	symbol                     // S
	space                      // White_Space
	han                        // script Han

	letter  = upper | lower | title | modifier | other
	numeric = digit | number
)

// edition is a version of the Unicode character database. Libraries differ:
// llama.cpp's tables are those of 15.1, the regex library of Hugging Face
// tokenizers has 16.0, Go has its own.
type edition struct {
	once  sync.Once
	added []addition
	table []class
}

var (
	unicode15 = &edition{added: added15}
	unicode16 = &edition{added: added16}
)

var categories = []struct {
	table *unicode.RangeTable
	class class
}{
	{unicode.Lu, upper}, {unicode.Ll, lower}, {unicode.Lt, title}, {unicode.Lm, modifier}, {unicode.Lo, other},
	{unicode.M, mark}, {unicode.Nd, digit}, {unicode.Nl, number}, {unicode.No, number},
	{unicode.P, punct}, {unicode.S, symbol}, {unicode.White_Space, space}, {unicode.Han, han},
}

// of returns the class of r; runes that stand for invalid bytes have none.
func (e *edition) of(r rune) class {
	e.once.Do(e.fill)
	if uint32(r) > unicode.MaxRune {
		return 0
	}
	return e.table[r]
}

func (e *edition) fill() {
	table := make([]class, unicode.MaxRune+1)
	set := func(lo, hi, stride rune, c class) {
		for r := lo; r <= hi; r += stride {
			table[r] |= c
		}
	}
	for _, cat := range categories {
		for _, rg := range cat.table.R16 {
			set(rune(rg.Lo), rune(rg.Hi), rune(rg.Stride), cat.class)
		}
		for _, rg := range cat.table.R32 {
			set(rune(rg.Lo), rune(rg.Hi), rune(rg.Stride), cat.class)
		}
	}
	for _, a := range e.added {
		for r := a.lo; r <= a.hi; r++ {
			table[r] = a.class
		}
	}
	e.table = table
}

// badByte is the rune that decode gives for a byte outside UTF-8. It has no
// class and equals no character.
const badByte rune = -1

// decode is utf8.DecodeRuneInString, except that an invalid byte is told
// apart from an encoded U+FFFD. s must not be empty.
func decode(s string) (rune, int) {
	if s[0] < utf8.RuneSelf {
		return rune(s[0]), 1
	}
	r, n := utf8.DecodeRuneInString(s)
	if r == utf8.RuneError && n == 1 {
		return badByte, 1
	}
	return r, n
}

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
