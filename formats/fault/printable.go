package fault

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of a message in bytes: of a name in its place, of a string in its
// rule, and of all of it. What is longer loses its middle, for a message
// begins with the place and ends with the way on.
const (
	maxName     = 400
	maxArgument = 600
	maxMessage  = 2000
)

// Printable returns text as it may stand in a line on a terminal: control
// characters, marks that turn the direction of text, and bytes that are no
// UTF-8 are escaped as in a Go string, and of text longer than 2 kB the middle
// is left out.
func Printable(text string) string {
	text = shorten(text, maxMessage) // before the work of escaping
	if utf8.ValidString(text) && strings.IndexFunc(text, unprintable) < 0 {
		return text
	}
	var b strings.Builder
	for len(text) > 0 {
		r, n := utf8.DecodeRuneInString(text)
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, text[0])
		case unprintable(r):
			quoted := strconv.QuoteRune(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		default:
			b.WriteString(text[:n])
		}
		text = text[n:]
	}
	return shorten(b.String(), maxMessage)
}

func unprintable(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029'
}

// shorten leaves out the middle of text longer than limit bytes.
func shorten(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	const gap = "…"
	half := (limit - len(gap)) / 2
	head, tail := half, len(text)-half
	for head > half-utf8.UTFMax && !utf8.RuneStart(text[head]) {
		head--
	}
	for tail < len(text)-half+utf8.UTFMax && !utf8.RuneStart(text[tail]) {
		tail++
	}
	return text[:head] + gap + text[tail:]
}
