package pattern

import (
	"sync"
	"unicode"
	"unicode/utf8"
)

// Edition is a version of the Unicode character database. Libraries differ:
// llama.cpp's tables are those of 15.1, the regex library of Hugging Face
// tokenizers has 16.0, Go has its own.
type Edition struct {
	once  sync.Once
	added []addition
	table []class
}

// The editions.
var (
	Unicode15 = &Edition{added: added15}
	Unicode16 = &Edition{added: added16}
)

var categories = []struct {
	table *unicode.RangeTable
	class class
}{
	{unicode.Lu, upper}, {unicode.Ll, lower}, {unicode.Lt, title}, {unicode.Lm, modifier}, {unicode.Lo, other},
	{unicode.M, Mark}, {unicode.Nd, digit}, {unicode.Nl, number}, {unicode.No, number},
	{unicode.P, Punct}, {unicode.S, Symbol}, {unicode.White_Space, Space}, {unicode.Han, han},
}

// Of returns the class of r; runes that stand for invalid bytes have none.
func (e *Edition) Of(r rune) class {
	e.once.Do(e.fill)
	if uint32(r) > unicode.MaxRune {
		return 0
	}
	return e.table[r]
}

func (e *Edition) fill() {
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

// IsBlank reports whether r is white space.
func IsBlank(r rune) bool { return Unicode16.Of(r)&Space != 0 }
