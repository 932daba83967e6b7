package jinja

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

type tokenKind int

const (
	tokenEnd tokenKind = iota // of the template
	tokenText
	tokenPrint    // {{
	tokenPrintEnd // }}
	tokenBlock    // {%
	tokenBlockEnd // %}
	tokenName
	tokenString
	tokenInt
	tokenFloat
	tokenOperator
)

type token struct {
	kind tokenKind
	text string
	line int
}

// lexer cuts a template into tokens, with trim_blocks and lstrip_blocks set.
type lexer struct {
	src       string
	pos       int
	line      int
	lineStart bool // what was read last ended a line
	tokens    []token
	brackets  []byte
}

var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n")

func lex(source string) []token {
	l := &lexer{src: strings.TrimSuffix(lineEnds.Replace(source), "\n"), line: 1, lineStart: true}
	for l.pos < len(l.src) {
		l.text()
	}
	l.emit(tokenEnd, "")
	return l.tokens
}

func (l *lexer) emit(kind tokenKind, text string) {
	l.tokens = append(l.tokens, token{kind, text, l.line})
}

// take moves past the next n bytes and returns them.
func (l *lexer) take(n int) string {
	s := l.src[l.pos : l.pos+n]
	l.pos += n
	l.line += strings.Count(s, "\n")
	return s
}

func (l *lexer) rest() string { return l.src[l.pos:] }

// text reads up to the next tag, and that tag.
func (l *lexer) text() {
	rest := l.rest()
	at := 0
	for at < len(rest) && !(rest[at] == '{' && at+1 < len(rest) && strings.IndexByte("{%#", rest[at+1]) >= 0) {
		next := strings.IndexByte(rest[at+1:], '{')
		if next < 0 {
			at = len(rest)
		} else {
			at += next + 1
		}
	}
	if at == len(rest) {
		l.emit(tokenText, rest)
		l.pos = len(l.src)
		return
	}
	tag, sign := rest[at:at+2], byte(0)
	if at+2 < len(rest) && (rest[at+2] == '-' || rest[at+2] == '+') {
		sign = rest[at+2]
	}
	text := l.strip(rest[:at], sign, tag == "{{")
	if text != "" {
		l.emit(tokenText, text)
	}
	l.take(at)
	if n := rawBegin(l.rest()); n > 0 {
		l.ended(l.take(n))
		l.raw()
		return
	}
	begin := 2
	if sign != 0 {
		begin = 3
	}
	line := l.line
	l.take(begin)
	switch tag {
	case "{#":
		end := strings.Index(l.rest(), "#}")
		if end < 0 {
			fail(line, "{# is not closed")
		}
		l.ended(l.take(end + l.suffix(l.rest()[end:], "#}", l.rest()[:end])))
	case "{{":
		l.emit(tokenPrint, "")
		l.expression(line, "}}", tokenPrintEnd)
	default:
		l.emit(tokenBlock, "")
		l.expression(line, "%}", tokenBlockEnd)
	}
}

// strip takes the white space before a tag away, all of it or that of the line.
func (l *lexer) strip(text string, sign byte, isPrint bool) string {
	switch {
	case sign == '-':
		return strings.TrimRightFunc(text, isSpace)
	case sign == 0 && !isPrint:
		line := strings.LastIndexByte(text, '\n') + 1
		if (line > 0 || l.lineStart) && strings.TrimFunc(text[line:], isSpace) == "" {
			return text[:line]
		}
	}
	return text
}

// suffix is the length of a closing delimiter with what it swallows: white
// space after a -, else the end of the line. before is what precedes it.
func (l *lexer) suffix(at, delimiter, before string) int {
	n := len(delimiter)
	if strings.HasSuffix(before, "-") {
		return len(at) - len(strings.TrimLeftFunc(at[n:], isSpace))
	}
	if delimiter != "}}" && !strings.HasSuffix(before, "+") && strings.HasPrefix(at[n:], "\n") {
		n++
	}
	return n
}

func (l *lexer) ended(tag string) { l.lineStart = strings.HasSuffix(tag, "\n") }

// rawBegin returns the length of {% raw %} if s begins with that.
func rawBegin(s string) int { return wordTag(s, "raw") }

// wordTag returns the length of a tag of one word with its delimiters and, of
// one that ends in -, the white space after.
func wordTag(s, word string) int {
	rest, ok := strings.CutPrefix(s, "{%")
	if !ok {
		return 0
	}
	if rest != "" && (rest[0] == '-' || rest[0] == '+') {
		rest = rest[1:]
	}
	if rest, ok = strings.CutPrefix(strings.TrimLeftFunc(rest, isSpace), word); !ok {
		return 0
	}
	rest = strings.TrimLeftFunc(rest, isSpace)
	if after, ok := strings.CutPrefix(rest, "-%}"); ok {
		return len(s) - len(strings.TrimLeftFunc(after, isSpace))
	}
	if word == "endraw" {
		if after, ok := strings.CutPrefix(rest, "+%}"); ok {
			return len(s) - len(after)
		}
	}
	after, ok := strings.CutPrefix(rest, "%}")
	if !ok {
		return 0
	}
	if word == "endraw" {
		after = strings.TrimPrefix(after, "\n")
	}
	return len(s) - len(after)
}

// raw reads text up to {% endraw %}.
func (l *lexer) raw() {
	rest, line := l.rest(), l.line
	for at := 0; ; at++ {
		next := strings.Index(rest[at:], "{%")
		if next < 0 {
			fail(line, "{%% raw %%} has no {%% endraw %%}")
		}
		at += next
		n := wordTag(rest[at:], "endraw")
		if n == 0 {
			continue
		}
		sign := byte(0)
		if c := rest[at+2]; c == '-' || c == '+' {
			sign = c
		}
		l.emit(tokenText, l.strip(rest[:at], sign, false))
		l.ended(l.take(at + n))
		return
	}
}

// expression reads the tokens of a tag up to its end.
func (l *lexer) expression(line int, end string, kind tokenKind) {
	l.brackets = l.brackets[:0]
	for {
		rest := l.rest()
		space := len(rest) - len(strings.TrimLeftFunc(rest, isSpace))
		l.take(space)
		rest = rest[space:]
		if rest == "" {
			fail(line, "{%c is not closed", end[0])
		}
		if len(l.brackets) == 0 {
			sign := ""
			if rest[0] == '-' || rest[0] == '+' && end == "%}" {
				sign = rest[:1]
			}
			if strings.HasPrefix(rest[len(sign):], end) {
				l.emit(kind, "")
				l.ended(l.take(len(sign) + l.suffix(rest[len(sign):], end, sign)))
				return
			}
		}
		l.token(rest)
	}
}

// token reads one token of an expression.
func (l *lexer) token(rest string) {
	c, _ := utf8.DecodeRuneInString(rest)
	switch {
	case c == '"' || c == '\'':
		for i := 1; i < len(rest); i++ {
			switch rest[i] {
			case '\\':
				i++
			case byte(c):
				l.emit(tokenString, unquote(rest[1:i]))
				l.take(i + 1)
				return
			}
		}
		fail(l.line, "a text that begins with %c is not closed", c)
	case c >= '0' && c <= '9':
		n, kind := number(rest, l.pos > 0 && l.src[l.pos-1] == '.')
		l.emit(kind, strings.ReplaceAll(l.src[l.pos:l.pos+n], "_", ""))
		l.take(n)
	case isWord(c):
		n := strings.IndexFunc(rest, func(c rune) bool { return !isWord(c) })
		if n < 0 {
			n = len(rest)
		}
		l.emit(tokenName, rest[:n])
		l.take(n)
	default:
		l.operator(rest)
	}
}

func isWord(c rune) bool { return c == '_' || unicode.IsLetter(c) || unicode.IsDigit(c) }

// number returns the length of a number and its kind.
func number(s string, afterDot bool) (int, tokenKind) {
	digits := func(i int) int {
		for i < len(s) && (s[i] >= '0' && s[i] <= '9' || s[i] == '_' && i+1 < len(s) && s[i+1] >= '0' && s[i+1] <= '9') {
			i++
		}
		return i
	}
	if len(s) > 2 && s[0] == '0' && strings.IndexByte("xXbBoO", s[1]) >= 0 {
		n := 2
		for n < len(s) && strings.IndexByte("0123456789abcdefABCDEF_", s[n]) >= 0 {
			n++
		}
		return n, tokenInt
	}
	n, kind := digits(0), tokenInt
	if afterDot {
		return n, kind
	}
	if n+1 < len(s) && s[n] == '.' && digits(n+1) > n+1 {
		n, kind = digits(n+1), tokenFloat
	}
	if n < len(s) && (s[n] == 'e' || s[n] == 'E') {
		m := n + 1
		if m < len(s) && (s[m] == '+' || s[m] == '-') {
			m++
		}
		if end := digits(m); end > m {
			n, kind = end, tokenFloat
		}
	}
	return n, kind
}

func (l *lexer) operator(rest string) {
	n := 1
	if len(rest) > 1 {
		switch rest[:2] {
		case "//", "**", "==", "!=", "<=", ">=":
			n = 2
		}
	}
	switch c := rest[0]; c {
	case '(', '[', '{':
		l.brackets = append(l.brackets, c)
		if len(l.brackets) > maxNesting {
			fail(l.line, "brackets are nested more than %d deep", maxNesting)
		}
	case ')', ']', '}':
		last := len(l.brackets) - 1
		if last < 0 || l.brackets[last] != map[byte]byte{')': '(', ']': '[', '}': '{'}[c] {
			fail(l.line, "%c closes no bracket", c)
		}
		l.brackets = l.brackets[:last]
	default:
		if n == 1 && strings.IndexByte("+-*/%~=<>.:|,;", c) < 0 {
			c, _ := utf8.DecodeRuneInString(rest)
			fail(l.line, "%q is not of the language", c)
		}
	}
	l.emit(tokenOperator, rest[:n])
	l.take(n)
}
