package jinja

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
)

// The values of templates: nil, bool, int64, float64, string, and these.
type (
	list  []any
	tuple []any

	// markup is a text that was called safe: what is added to it is escaped.
	markup string

	// undefined is what a name without a value gives, with the reason.
	undefined struct{ reason string }

	// iterator is what can be gone through: a generator once, a view of a
	// dictionary or a range as often as one likes.
	iterator struct {
		kind  string // as Python names it
		text  string // of a range
		items []any
		once  bool
		spent bool
	}

	namespace struct{ *Dict }

	function struct {
		name string
		call func(r *run, a callArgs) any
	}
)

// callArgs are the arguments of one call.
type callArgs struct {
	args  []any
	names []string
	named []any
}

// truth is whether a value counts as true.
func truth(v any) bool {
	switch v := v.(type) {
	case nil, *undefined:
		return false
	case bool:
		return v
	case int64:
		return v != 0
	case float64:
		return v != 0
	case string:
		return v != ""
	case markup:
		return v != ""
	case list:
		return len(v) > 0
	case tuple:
		return len(v) > 0
	case *Dict:
		return v.Len() > 0
	case *iterator:
		return v.once || len(v.items) > 0
	}
	return true
}

// typeName is what Python calls the type of a value.
func typeName(v any) string {
	switch v := v.(type) {
	case nil:
		return "NoneType"
	case bool:
		return "bool"
	case int64:
		return "int"
	case float64:
		return "float"
	case string:
		return "str"
	case markup:
		return "Markup"
	case list:
		return "list"
	case tuple:
		return "tuple"
	case *Dict:
		return "dict"
	case *undefined:
		return "Undefined"
	case *iterator:
		return v.kind
	case *namespace:
		return "Namespace"
	case *loopState:
		return "LoopContext"
	}
	return "function"
}

// str is a value as it is printed.
func (r *run) str(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case markup:
		return string(v)
	case *undefined:
		return ""
	case int64:
		return strconv.FormatInt(v, 10)
	}
	var b strings.Builder
	r.repr(&b, v)
	return b.String()
}

// text returns the text of a value that is one.
func asText(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case markup:
		return string(v), true
	}
	return "", false
}

// write pays for a text and appends it.
func (r *run) write(b *strings.Builder, s string) {
	r.grow(len(s))
	b.WriteString(s)
}

// repr writes a value as Python's repr does.
func (r *run) repr(b *strings.Builder, v any) {
	r.down()
	defer r.up()
	switch v := v.(type) {
	case nil:
		r.write(b, "None")
	case bool:
		r.write(b, map[bool]string{true: "True", false: "False"}[v])
	case int64:
		r.write(b, strconv.FormatInt(v, 10))
	case float64:
		r.write(b, float(v))
	case string:
		r.write(b, quote(v))
	case markup:
		r.write(b, "Markup("+quote(string(v))+")")
	case *undefined:
		r.write(b, "Undefined")
	case list:
		r.reprItems(b, "[", v, "]")
	case tuple:
		end := ")"
		if len(v) == 1 {
			end = ",)"
		}
		r.reprItems(b, "(", v, end)
	case *Dict:
		r.reprDict(b, v)
	case *namespace:
		r.write(b, "<Namespace ")
		r.reprDict(b, v.Dict)
		r.write(b, ">")
	case *iterator:
		switch {
		case v.once:
			r.write(b, "<"+v.kind+" object>")
		case v.kind == "range":
			r.write(b, v.text)
		default:
			r.reprItems(b, v.kind+"([", v.items, "])")
		}
	default:
		r.write(b, "<"+typeName(v)+">")
	}
}

func (r *run) reprItems(b *strings.Builder, begin string, items []any, end string) {
	r.write(b, begin)
	for i, item := range items {
		if i > 0 {
			r.write(b, ", ")
		}
		r.repr(b, item)
	}
	r.write(b, end)
}

func (r *run) reprDict(b *strings.Builder, d *Dict) {
	r.write(b, "{")
	for i, k := range d.keys {
		if i > 0 {
			r.write(b, ", ")
		}
		r.repr(b, k)
		r.write(b, ": ")
		r.repr(b, d.values[i])
	}
	r.write(b, "}")
}

// float is a number as Python prints it: the shortest text that gives it back.
func float(f float64) string {
	switch {
	case math.IsNaN(f):
		return "nan"
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	}
	if abs := math.Abs(f); abs != 0 && (abs < 1e-4 || abs >= 1e16) {
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// quote is a text as Python's repr writes it.
func quote(s string) string {
	q := '\''
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		q = '"'
	}
	var b strings.Builder
	b.WriteRune(q)
	for _, c := range s {
		switch {
		case c == q || c == '\\':
			b.WriteRune('\\')
			b.WriteRune(c)
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\r':
			b.WriteString(`\r`)
		case c == '\t':
			b.WriteString(`\t`)
		case unicode.IsPrint(c):
			b.WriteRune(c)
		case c < 0x100:
			fmt.Fprintf(&b, `\x%02x`, c)
		case c < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, c)
		default:
			fmt.Fprintf(&b, `\U%08x`, c)
		}
	}
	b.WriteRune(q)
	return b.String()
}

// unquote resolves the escapes of a text in a template.
func unquote(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for s != "" {
		c := s[0]
		if c != '\\' || len(s) == 1 {
			b.WriteByte(c)
			s = s[1:]
			continue
		}
		n := 2
		switch c = s[1]; c {
		case '\n':
		case '\\', '\'', '"':
			b.WriteByte(c)
		case 'x', 'u', 'U':
			n += map[byte]int{'x': 2, 'u': 4, 'U': 8}[c]
			code, err := uint64(0), error(nil)
			if n <= len(s) {
				code, err = strconv.ParseUint(s[2:n], 16, 32)
			}
			if n > len(s) || err != nil || code > unicode.MaxRune {
				fail(0, "the escape %.10s is none", s)
			}
			b.WriteRune(rune(code))
		case '0', '1', '2', '3', '4', '5', '6', '7':
			code := rune(0)
			for n = 1; n < min(4, len(s)) && s[n] >= '0' && s[n] <= '7'; n++ {
				code = code*8 + rune(s[n]-'0')
			}
			b.WriteRune(code)
		default:
			if i := strings.IndexByte("abfnrtv", c); i >= 0 {
				b.WriteByte("\a\b\f\n\r\t\v"[i])
			} else {
				b.WriteString(s[:2])
			}
		}
		s = s[n:]
	}
	return b.String()
}

// isSpace is whether Python takes a character for white space.
func isSpace(c rune) bool { return unicode.IsSpace(c) || c >= 0x1c && c <= 0x1f }
