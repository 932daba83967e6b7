package pattern

import (
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"
)

// The library behind the steps that Hugging Face tokenizers has for WordPiece
// knows the categories of Unicode 8. These marks, punctuation and format
// characters it takes for something else: hexadecimal, in ranges.
const sinceUnicode8 = `
	61D 7FD 890-891 898-89F 8CA-8E2 9FD-9FE A76 AFA-AFF B55 C04 C3C C77 C84 D00 D3B-D3C D81 EBA ECE 180F 1885-1886 1ABF-1ACE 1B4E-1B4F
	1B7D-1B7F 1DF6-1DFB 2E43-2E4F 2E52-2E5D A82C A8C5 A8FF A9BD 10D24-10D27 10D6E 10EAB-10EAD 10EFD-10EFF 10F46-10F50 10F55-10F59
	10F82-10F89 11070 11073-11074 110C2 110CD 111C9 111CF 1123E 11241 1133B 113D4-113D5 113D7-113D8 11438-1143F 11442-11444 11446
	1144B-1144F 1145A-1145B 1145D-1145E 11660-1166C 116B9 1182F-11837 11839-1183B 1193B-1193C 1193E 11943-11946 119D4-119D7
	119DA-119DB 119E0 119E2 11A01-11A0A 11A33-11A38 11A3B-11A47 11A51-11A56 11A59-11A5B 11A8A-11A96 11A98-11A9C 11A9E-11AA2
	11B00-11B09 11BE1 11C30-11C36 11C38-11C3D 11C3F 11C41-11C45 11C70-11C71 11C92-11CA7 11CAA-11CB0 11CB2-11CB3 11CB5-11CB6
	11D31-11D36 11D3A 11D3C-11D3D 11D3F-11D45 11D47 11D90-11D91 11D95 11D97 11EF3-11EF4 11EF7-11EF8 11F00-11F01 11F36-11F3A 11F40
	11F42-11F4F 11FFF 12FF1-12FF2 13430-13440 13447-13455 16D6D-16D6F 16E97-16E9A 16F4F 16FE2 16FE4 1CF00-1CF2D 1CF30-1CF46
	1E000-1E006 1E008-1E018 1E01B-1E021 1E023-1E024 1E026-1E02A 1E08F 1E130-1E136 1E2AE 1E2EC-1E2EF 1E4EC-1E4EF 1E5FF 1E944-1E94A
	1E95E-1E95F
`

// runeRange is a range of code points, both ends included.
type runeRange struct{ lo, hi rune }

var newRunes = sync.OnceValue(func() []runeRange {
	var all []runeRange
	for _, text := range strings.Fields(sinceUnicode8) {
		lo, hi, ok := strings.Cut(text, "-")
		if !ok {
			hi = lo
		}
		a, _ := strconv.ParseInt(lo, 16, 32)
		b, _ := strconv.ParseInt(hi, 16, 32)
		all = append(all, runeRange{rune(a), rune(b)})
	}
	return all
})

// SinceUnicode8 reports whether r is in that list.
func SinceUnicode8(r rune) bool {
	if r < 0x61D {
		return false
	}
	_, found := slices.BinarySearchFunc(newRunes(), r, func(rg runeRange, r rune) int {
		switch {
		case rg.hi < r:
			return -1
		case rg.lo > r:
			return 1
		}
		return 0
	})
	return found
}

// IsAccent reports whether r is a nonspacing mark of Unicode 8.
func IsAccent(r rune) bool { return r == 0x1734 || unicode.Is(unicode.Mn, r) && !SinceUnicode8(r) }

// IsControl reports whether BERT drops r from text; white space that is more than a
// blank, a tab or a line end is among it.
func IsControl(r rune) bool {
	switch r {
	case '\t', '\n', '\r':
		return false
	case 0, unicode.ReplacementChar:
		return true
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co) && !SinceUnicode8(r)
}

// IsPunct reports whether r is punctuation of Unicode 8, or any ASCII character but
// letters, digits and blanks.
func IsPunct(r rune) bool {
	c := Unicode16.Of(r)
	return c&Punct != 0 && !SinceUnicode8(r) || r < 0x80 && c&Symbol != 0 || r == 0x166D || r == 0x111C9
}

// IsWord reports whether r is what \w means to the regular expressions of Rust.
func IsWord(r rune) bool {
	c := Unicode16.Of(r)
	return c&(letter|Mark|digit) != 0 || r == 0x200C || r == 0x200D ||
		r > 0x7F && unicode.In(r, unicode.Nl, unicode.Pc, unicode.Other_Alphabetic) || r == '_'
}
