package jinja

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// verb is how one value is put into a text, of % or of format.
type verb struct {
	minus, zero, plus, blank, alternative bool
	fill                                  rune
	align                                 byte // <, >, ^, =, or 0
	comma                                 bool
	width, precision                      int // precision: -1 where not given
	kind                                  byte
}

// format is text % values.
func (r *run) format(format string, values any) string {
	args, isTuple := values.(tuple)
	if !isTuple {
		args = tuple{values}
	}
	var b strings.Builder
	used := 0
	next := func() any {
		if used == len(args) {
			fail(0, "the text has more %%-places than values")
		}
		used++
		return args[used-1]
	}
	for format != "" {
		at := strings.IndexByte(format, '%')
		if at < 0 {
			at = len(format)
		}
		r.write(&b, format[:at])
		if format = format[at:]; format == "" {
			break
		}
		format = r.place(&b, format[1:], values, next)
	}
	_, isText := asText(values)
	_, isNumber := real(values)
	if isTuple && used < len(args) || used == 0 && (isText || isNumber || values == nil) {
		fail(0, "not all values have a %%-place in the text")
	}
	return b.String()
}

// place writes one value of % and returns what follows its place.
func (r *run) place(b *strings.Builder, s string, values any, next func() any) string {
	value := next
	if strings.HasPrefix(s, "(") {
		key, rest, ok := strings.Cut(s[1:], ")")
		d, isDict := values.(*Dict)
		if !ok || !isDict {
			fail(0, "a %%-place with a name needs a dictionary")
		}
		v, ok := d.get(key)
		if !ok {
			fail(0, "the %%-place %.40q has no value", key)
		}
		s, value = rest, func() any { return v }
	}
	v := verb{precision: -1, fill: ' '}
	for s != "" && strings.IndexByte("-0+ #", s[0]) >= 0 {
		switch s[0] {
		case '-':
			v.minus = true
		case '0':
			v.zero = true
		case '+':
			v.plus = true
		case ' ':
			v.blank = true
		default:
			v.alternative = true
		}
		s = s[1:]
	}
	v.width, s = figures(s)
	if strings.HasPrefix(s, ".") {
		v.precision, s = figures(s[1:])
	}
	s = strings.TrimLeft(s, "hlL")
	if s == "" {
		fail(0, "a %%-place has no kind")
	}
	v.kind = s[0]
	switch {
	case v.minus:
		v.align = '<'
	case v.zero && v.kind != 's' && v.kind != 'r':
		v.align, v.fill = '=', '0'
	default:
		v.align = '>'
	}
	switch v.kind {
	case '%':
		r.write(b, "%")
	case 's':
		r.pad(b, v.cut(r.str(value())), v)
	case 'r', 'a':
		var text strings.Builder
		r.repr(&text, value())
		r.pad(b, v.cut(text.String()), v)
	case 'd', 'i', 'u':
		x := value()
		if f, ok := x.(float64); ok && math.Abs(f) < 1<<62 {
			x = int64(f)
		}
		v.kind = 'd'
		r.pad(b, r.digits(x, v), v)
	case 'x', 'X', 'o', 'f', 'F', 'e', 'E', 'g', 'G':
		r.pad(b, r.digits(value(), v), v)
	case 'c':
		x := value()
		if i, ok := integer(x); ok {
			x = string(rune(i))
		}
		r.pad(b, wantText("%c", x), v)
	default:
		fail(0, "there is no %%-place of the kind %q", v.kind)
	}
	return s[1:]
}

// figures reads a number that a text may begin with.
func figures(s string) (int, string) {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	if n == 0 {
		return 0, s
	}
	i, err := strconv.Atoi(s[:n])
	if err != nil || i > math.MaxInt32 {
		fail(0, "a width or precision is too large")
	}
	return i, s[n:]
}

func (v verb) cut(s string) string {
	if v.precision >= 0 {
		if runes := []rune(s); len(runes) > v.precision {
			return string(runes[:v.precision])
		}
	}
	return s
}

// digits writes a number.
func (r *run) digits(x any, v verb) string {
	if v.precision > 400 {
		r.grow(v.precision)
	}
	var s string
	switch v.kind {
	case 'd', 'x', 'X', 'o', 'b':
		i, ok := integer(x)
		if !ok {
			fail(0, "the place of a whole number is given a %s", typeName(x))
		}
		s = strconv.FormatInt(i, map[byte]int{'d': 10, 'x': 16, 'X': 16, 'o': 8, 'b': 2}[v.kind])
		if v.kind == 'X' {
			s = strings.ToUpper(s)
		}
	default:
		f, ok := real(x)
		if !ok {
			fail(0, "the place of a number is given a %s", typeName(x))
		}
		s = decimal(f, v)
	}
	if v.comma {
		s = grouped(s)
	}
	if s[0] != '-' {
		if v.plus {
			return "+" + s
		}
		if v.blank {
			return " " + s
		}
	}
	return s
}

// decimal writes a number with a point or an exponent.
func decimal(f float64, v verb) string {
	precision := v.precision
	if precision < 0 {
		precision = 6
	}
	switch v.kind {
	case '%':
		return strconv.FormatFloat(f*100, 'f', precision, 64) + "%"
	case 'g', 'G':
		precision = max(precision, 1)
		exponent := 0
		if f != 0 && !math.IsInf(f, 0) && !math.IsNaN(f) {
			_, digits, _ := strings.Cut(strconv.FormatFloat(f, 'e', precision-1, 64), "e")
			exponent, _ = strconv.Atoi(digits)
		}
		form, places := byte('f'), precision-1-exponent
		if exponent < -4 || exponent >= precision {
			form, places = 'e', precision-1
		}
		s, tail, _ := strings.Cut(strconv.FormatFloat(f, form, places, 64), "e")
		if strings.Contains(s, ".") {
			s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
		}
		if form == 'e' {
			s += "e" + tail
		}
		return s
	}
	return strconv.FormatFloat(f, v.kind|0x20, precision, 64)
}

// grouped puts a comma before every three digits.
func grouped(s string) string {
	begin := 0
	for begin < len(s) && (s[begin] < '0' || s[begin] > '9') {
		begin++
	}
	end := begin
	for end < len(s) && s[end] >= '0' && s[end] <= '9' {
		end++
	}
	for at := end - 3; at > begin; at -= 3 {
		s = s[:at] + "," + s[at:]
	}
	return s
}

// pad writes a text at its width.
func (r *run) pad(b *strings.Builder, s string, v verb) {
	missing := v.width - utf8.RuneCountInString(s)
	if missing <= 0 {
		r.write(b, s)
		return
	}
	r.times(4, missing)
	fill := func(n int) string { return strings.Repeat(string(v.fill), n) }
	switch v.align {
	case '<':
		s += fill(missing)
	case '^':
		s = fill(missing/2) + s + fill(missing-missing/2)
	case '=':
		sign := 0
		if s != "" && strings.IndexByte("+- ", s[0]) >= 0 {
			sign = 1
		}
		s = s[:sign] + fill(missing) + s[sign:]
	default:
		s = fill(missing) + s
	}
	r.write(b, s)
}
