package pattern

import "unicode/utf8"

// words is the family of patterns that began with GPT-2: contractions, words,
// numbers, other characters, white space, tried in that order. One scanner
// serves them all; the fields say how a pattern differs.
type words struct {
	ed *Edition

	contraction contractions
	suffix      bool // the contraction ends a word instead of standing alone

	space   bool  // a word, number or other run may begin with one space; else a word with any character but a letter, number or line end
	letters class // what a word consists of
	marks   bool  // marks are not among the other characters
	cased   bool  // a word is upper case, then lower case
	ascii   bool  // ... by ASCII letters alone: every other letter is both
	numbers int   // characters in a number: 1, 3, 0 for no limit
	tail    string
	lines   bool // white space up to its last line end is one piece
}

type contractions uint8

const (
	noContraction contractions = iota
	lowerCase                  // 's as written
	asciiCase                  // 's and 'S
	everyCase                  // all case variants, also the long s
)

func (w words) splitter() Splitter { return scan(w.next) }

func (w words) next(s string) int {
	r, n := decode(s)
	if r == '\'' && !w.suffix {
		if k := w.contraction.match(s); k > 0 {
			return k
		}
	}
	c := w.ed.Of(r)
	if k := w.word(s, r, n, c); k > 0 {
		return k
	}
	lead, rest := 0, c
	if r == ' ' && len(s) > 1 {
		r2, _ := decode(s[1:])
		lead, rest = 1, w.ed.Of(r2)
	}
	if w.space && rest&Numeric != 0 {
		return lead + w.run(s[lead:], Numeric, 0)
	}
	if c&Numeric != 0 {
		return w.run(s, Numeric, w.numbers)
	}
	skip := Space | Numeric | letter
	if w.marks {
		skip |= Mark
	}
	if rest&skip == 0 {
		k := lead + w.runNot(s[lead:], skip)
		for k < len(s) && contains(w.tail, s[k]) {
			k++
		}
		return k
	}
	return w.white(s, n)
}

// word matches a word with its lead, or gives 0.
func (w words) word(s string, r rune, n int, c class) int {
	lead := 0
	if w.space {
		if r == ' ' {
			lead = 1
		}
	} else if r != '\r' && r != '\n' && c&(letter|Numeric) == 0 {
		lead = n
	}
	k, ok := w.body(s[lead:])
	if !ok && lead > 0 && c&w.letters != 0 {
		lead = 0 // a mark that is no lead but part of the word
		k, _ = w.body(s)
	}
	if k == 0 {
		return 0
	}
	k += lead
	if w.suffix && k < len(s) && s[k] == '\'' {
		k += w.contraction.match(s[k:])
	}
	return k
}

// body matches a word without its lead. It is ok when the first form of a word
// matches: upper* lower+, where some letters are both; the second is upper+.
func (w words) body(s string) (n int, ok bool) {
	if !w.cased {
		n = w.run(s, w.letters, 0)
		return n, n > 0
	}
	up, both := 0, 0
	for up < len(s) {
		r, n := decode(s[up:])
		isUp, isLow := w.cases(r)
		if !isUp {
			break
		}
		up += n
		if isLow {
			both = up
		}
	}
	end := up
	for end < len(s) {
		r, n := decode(s[end:])
		if _, isLow := w.cases(r); !isLow {
			break
		}
		end += n
	}
	if end > up {
		return end, true
	}
	if both > 0 {
		return both, true // upper* gives its last letter that is both back to lower+
	}
	return up, false
}

func (w words) cases(r rune) (up, low bool) {
	c := w.ed.Of(r)
	if w.ascii {
		if c&w.letters == 0 {
			return false, false
		}
		return !('a' <= r && r <= 'z'), !('A' <= r && r <= 'Z')
	}
	const shared = modifier | other | Mark
	return c&(upper|title|shared) != 0, c&(lower|shared) != 0
}

// white matches white space; n is the length of its first character, which
// is no white space only where nothing else matched.
func (w words) white(s string, n int) int {
	end, last, line := 0, 0, 0
	for end < len(s) {
		r, k := decode(s[end:])
		if w.ed.Of(r)&Space == 0 {
			break
		}
		last = end
		end += k
		if r == '\r' || r == '\n' {
			line = end
		}
	}
	switch {
	case end == 0:
		return n
	case w.lines && line > 0:
		return line
	case end < len(s) && last > 0:
		return last
	}
	return end
}

// run is the length of the longest run of characters of the class, at most
// limit of them.
func (w words) run(s string, in class, limit int) int {
	i := 0
	for count := 0; i < len(s) && (limit == 0 || count < limit); count++ {
		r, n := decode(s[i:])
		if w.ed.Of(r)&in == 0 {
			break
		}
		i += n
	}
	return i
}

func (w words) runNot(s string, out class) int {
	i := 0
	for i < len(s) {
		r, n := decode(s[i:])
		if w.ed.Of(r)&out != 0 {
			break
		}
		i += n
	}
	return i
}

func contains(set string, b byte) bool {
	for i := range len(set) {
		if set[i] == b {
			return true
		}
	}
	return false
}

// match is the length of 's 't 're 've 'm 'll 'd at the start of s, or 0.
func (c contractions) match(s string) int {
	a, n := c.letter(s[1:])
	switch a {
	case 's', 't', 'm', 'd':
		return 1 + n
	}
	b, k := c.letter(s[1+n:])
	if a == 'r' && b == 'e' || a == 'v' && b == 'e' || a == 'l' && b == 'l' {
		return 1 + n + k
	}
	return 0
}

// letter is the first letter of s in lower case.
func (c contractions) letter(s string) (rune, int) {
	if c == noContraction || s == "" {
		return 0, 0
	}
	r, n := utf8.DecodeRuneInString(s)
	switch {
	case c != lowerCase && 'A' <= r && r <= 'Z':
		r += 'a' - 'A'
	case c == everyCase && r == '\u017F':
		r = 's'
	}
	return r, n
}

// digitGroups cuts text in and after numbers, so that a number ends in groups
// of three: ab1|234|567|cd. What stands before a number stays with its first
// group, as in llama.cpp; a later rule parts the two.
func digitGroups(ed *Edition) Splitter {
	w := words{ed: ed}
	return func(work *Work, dst []string, s string) []string {
		from := 0
		if !work.Spend(1 + len(s)/8) {
			return dst
		}
		for i := 0; i < len(s); {
			r, n := decode(s[i:])
			if ed.Of(r)&Numeric == 0 {
				i += n
				continue
			}
			end := i + w.run(s[i:], Numeric, 0)
			for size := (utf8.RuneCountInString(s[i:end])+2)%3 + 1; i < end; size = 3 {
				i += w.run(s[i:end], Numeric, size)
				dst = append(dst, s[from:i])
				from = i
			}
		}
		if from < len(s) {
			dst = append(dst, s[from:])
		}
		return dst
	}
}

// trailingSpace cuts off the white space at the end of the text.
func trailingSpace(ed *Edition) Splitter {
	return func(_ *Work, dst []string, s string) []string {
		end := len(s)
		for end > 0 {
			r, n := utf8.DecodeLastRuneInString(s[:end])
			if ed.Of(r)&Space == 0 {
				break
			}
			end -= n
		}
		for _, piece := range []string{s[:end], s[end:]} {
			if piece != "" {
				dst = append(dst, piece)
			}
		}
		return dst
	}
}
