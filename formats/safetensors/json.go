package safetensors

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/f190792d/mq/formats/fault"
)

// maxUnescaped bounds the copies of strings that hold escapes; all others are
// slices of the header.
const maxUnescaped = 4 << 20

// parser scans the JSON subset that a header consists of: objects two levels
// deep, strings, and lists of natural numbers. It does not recurse.
type parser struct {
	text      string // valid UTF-8
	pos       int
	unescaped int
	dims      []int64 // the current block of the shapes' arena
	dimsUsed  int

	tensors  []Tensor
	metadata map[string]string
}

func (p *parser) bad(rule string) error {
	return fault.Corrupt("header byte %d: %s", p.pos, rule)
}

func (p *parser) space() {
	for p.pos < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.pos]) >= 0 {
		p.pos++
	}
}

// peek skips white space and returns the next byte, 0 at the end.
func (p *parser) peek() byte {
	p.space()
	if p.pos == len(p.text) {
		return 0
	}
	return p.text[p.pos]
}

// take consumes c if it is next.
func (p *parser) take(c byte) bool {
	if p.peek() != c {
		return false
	}
	p.pos++
	return true
}

func (p *parser) literal(word string) bool {
	p.space()
	if !strings.HasPrefix(p.text[p.pos:], word) {
		return false
	}
	p.pos += len(word)
	return true
}

// object calls member with every key; member consumes the value.
func (p *parser) object(member func(key string) error) error {
	if !p.take('{') {
		return p.bad("expected an object")
	}
	if p.take('}') {
		return nil
	}
	for {
		key, err := p.str()
		if err != nil {
			return err
		}
		if !p.take(':') {
			return p.bad("expected a colon")
		}
		if err := member(key); err != nil {
			return err
		}
		if p.take('}') {
			return nil
		}
		if !p.take(',') {
			return p.bad("expected a comma or a closing brace")
		}
	}
}

// str scans a string; without escapes it is a slice of the header.
func (p *parser) str() (string, error) {
	if !p.take('"') {
		return "", p.bad("expected a string")
	}
	start := p.pos
	for ; p.pos < len(p.text); p.pos++ {
		switch c := p.text[p.pos]; {
		case c == '"':
			p.pos++
			return p.text[start : p.pos-1], nil
		case c == '\\':
			return p.escaped(start)
		case c < 0x20:
			return "", p.bad("control character in a string")
		}
	}
	return "", p.bad("string without an end")
}

const escapes, meanings = `"\/bfnrt`, "\"\\/\b\f\n\r\t"

func (p *parser) escaped(start int) (string, error) {
	out := []byte(p.text[start:min(p.pos, start+maxUnescaped)])
	for p.pos < len(p.text) {
		if p.unescaped+len(out) > maxUnescaped {
			return "", p.bad("strings with escapes add up to too many bytes")
		}
		c := p.text[p.pos]
		p.pos++
		switch {
		case c == '"':
			p.unescaped += len(out)
			return string(out), nil
		case c < 0x20:
			return "", p.bad("control character in a string")
		case c != '\\':
			out = append(out, c)
		case p.pos == len(p.text):
			return "", p.bad("string without an end")
		default:
			kind := p.text[p.pos]
			p.pos++
			if i := strings.IndexByte(escapes, kind); i >= 0 {
				out = append(out, meanings[i])
			} else if r, ok := p.unicode(kind); ok {
				out = utf8.AppendRune(out, r)
			} else {
				return "", p.bad("invalid escape in a string")
			}
		}
	}
	return "", p.bad("string without an end")
}

// unicode scans the digits after \u, and the second half of a surrogate pair.
func (p *parser) unicode(kind byte) (rune, bool) {
	r, ok := p.hex4()
	if kind != 'u' || !ok {
		return 0, false
	}
	if !utf16.IsSurrogate(r) {
		return r, true
	}
	if !strings.HasPrefix(p.text[p.pos:], `\u`) {
		return 0, false
	}
	p.pos += 2
	low, ok := p.hex4()
	r = utf16.DecodeRune(r, low)
	return r, ok && r != utf8.RuneError
}

func (p *parser) hex4() (rune, bool) {
	if len(p.text)-p.pos < 4 {
		return 0, false
	}
	var r rune
	for _, c := range []byte(p.text[p.pos : p.pos+4]) {
		digit := strings.IndexByte("0123456789abcdef", c|0x20)
		if digit < 0 || c < '0' {
			return 0, false
		}
		r = r<<4 | rune(digit)
	}
	p.pos += 4
	return r, true
}

// list scans a list of natural numbers into dst, which bounds its length.
func (p *parser) list(field string, dst []int64) (int, error) {
	if !p.take('[') {
		return 0, fault.Corrupt("%s is not a list of numbers", field)
	}
	n := 0
	for !p.take(']') {
		if n > 0 && !p.take(',') {
			return 0, p.bad("expected a comma or a closing bracket in " + field)
		}
		if n == len(dst) {
			return 0, fault.Corrupt("%s has more than %d numbers", field, len(dst))
		}
		v, err := p.natural(field)
		if err != nil {
			return 0, err
		}
		dst[n] = v
		n++
	}
	return n, nil
}

// keep copies a shape into the arena, which spares an allocation per tensor.
func (p *parser) keep(shape []int64) ([]int64, error) {
	if p.dimsUsed += len(shape); p.dimsUsed > maxDimensions {
		return nil, fault.Corrupt("header holds more than %d dimensions", maxDimensions)
	}
	if p.dims == nil || cap(p.dims)-len(p.dims) < len(shape) {
		p.dims = make([]int64, 0, 1024)
	}
	at := len(p.dims)
	p.dims = append(p.dims, shape...)
	return p.dims[at:len(p.dims):len(p.dims)], nil
}

func (p *parser) natural(field string) (int64, error) {
	p.space()
	start := p.pos
	for p.pos < len(p.text) && strings.IndexByte("+-.eE0123456789", p.text[p.pos]) >= 0 {
		p.pos++
	}
	digits := p.text[start:p.pos]
	switch {
	case digits == "":
		return 0, fault.Corrupt("%s holds something that is not a number", field)
	case digits[0] == '-':
		return 0, fault.Corrupt("%s holds the negative number %s", field, clip(digits))
	case strings.ContainsAny(digits, "+-.eE"):
		return 0, fault.Corrupt("%s holds %s, which is not written as an integer", field, clip(digits))
	case len(digits) > 1 && digits[0] == '0':
		return 0, fault.Corrupt("%s holds %s, a number with a leading zero", field, clip(digits))
	}
	v, err := strconv.ParseUint(clip(digits), 10, 64)
	if err != nil || v > math.MaxInt64 {
		return 0, fault.Corrupt("%s holds %s, which overflows 63 bits", field, clip(digits))
	}
	return int64(v), nil
}

// clip shortens text of a hostile file for a message.
func clip(s string) string {
	if len(s) > 200 {
		return s[:200] + "..."
	}
	return s
}

func quote(s string) string { return strconv.Quote(clip(s)) }
