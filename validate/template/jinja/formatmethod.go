package jinja

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// formatMethod is text.format(…).
func formatMethod(r *run, of any, a callArgs) any {
	var b strings.Builder
	auto := 0
	for s := of.(string); s != ""; {
		at := strings.IndexAny(s, "{}")
		if at < 0 {
			r.write(&b, s)
			break
		}
		r.write(&b, s[:at])
		if strings.HasPrefix(s[at:], "{{") || strings.HasPrefix(s[at:], "}}") {
			r.write(&b, s[at:at+1])
			s = s[at+2:]
			continue
		}
		end := strings.IndexByte(s[at:], '}')
		if s[at] == '}' || end < 0 || strings.Contains(s[at+1:at+end], "{") {
			fail(0, "format: a brace stands alone, or in another")
		}
		r.field(&b, s[at+1:at+end], a, &auto)
		s = s[at+end+1:]
	}
	return b.String()
}

// field writes one value of format: name.attribute[item]!conversion:spec.
func (r *run) field(b *strings.Builder, field string, a callArgs, auto *int) {
	field, spec, _ := strings.Cut(field, ":")
	field, conversion, _ := strings.Cut(field, "!")
	end := strings.IndexAny(field, ".[")
	if end < 0 {
		end = len(field)
	}
	v := r.argument(field[:end], a, auto)
	for path := field[end:]; path != ""; {
		if path[0] == '.' {
			end := strings.IndexAny(path[1:], ".[") + 1
			if end == 0 {
				end = len(path)
			}
			v, path = r.attribute(v, path[1:end]), path[end:]
			continue
		}
		key, rest, ok := strings.Cut(path[1:], "]")
		if !ok {
			fail(0, "format: a bracket is not closed")
		}
		if i, err := strconv.ParseInt(key, 10, 64); err == nil {
			v = r.item(v, i)
		} else {
			v = r.item(v, key)
		}
		path = rest
	}
	if u, ok := v.(*undefined); ok && end < len(field) {
		fail(0, "%s", u.reason)
	}
	if conversion == "r" {
		var text strings.Builder
		r.repr(&text, v)
		v = text.String()
	}
	r.spec(b, v, spec)
}

// argument finds the value of a field of format.
func (r *run) argument(name string, a callArgs, auto *int) any {
	i, err := strconv.Atoi(name)
	if name == "" {
		i, err = *auto, nil
		*auto++
	}
	if err == nil {
		if i < 0 || i >= len(a.args) {
			fail(0, "format lacks the argument %d", i)
		}
		return a.args[i]
	}
	for j, n := range a.names {
		if n == name {
			return a.named[j]
		}
	}
	fail(0, "format lacks the argument %.40q", name)
	return nil
}

// spec writes a value by [[fill]align][sign][0][width][,][.precision][kind].
func (r *run) spec(b *strings.Builder, x any, s string) {
	v := verb{precision: -1, fill: ' '}
	c, size := utf8.DecodeRuneInString(s)
	if len(s) > size && strings.IndexByte("<>^=", s[size]) >= 0 {
		v.fill, v.align, s = c, s[size], s[size+1:]
	} else if s != "" && strings.IndexByte("<>^=", s[0]) >= 0 {
		v.align, s = s[0], s[1:]
	}
	if s != "" && strings.IndexByte("+- ", s[0]) >= 0 {
		v.plus, v.blank, s = s[0] == '+', s[0] == ' ', s[1:]
	}
	if strings.HasPrefix(s, "0") && v.align == 0 {
		v.align, v.fill = '=', '0'
	}
	v.width, s = figures(s)
	if strings.HasPrefix(s, ",") {
		v.comma, s = true, s[1:]
	}
	if strings.HasPrefix(s, ".") {
		v.precision, s = figures(s[1:])
	}
	if len(s) > 1 {
		fail(0, "format: the specification ends in %.20q", s)
	}
	if s != "" {
		v.kind = s[0]
	}
	_, isNumber := real(x)
	_, isBool := x.(bool)
	switch {
	case v.kind == 0 && isNumber && !isBool:
		if _, ok := integer(x); ok {
			v.kind = 'd'
		} else if v.precision >= 0 {
			v.kind = 'g'
		}
	case v.kind == 's':
		wantText("format", x)
		v.kind = 0
	}
	text := ""
	switch {
	case v.kind == 0 && isNumber && !isBool:
		text = r.str(x)
	case v.kind == 0:
		text = v.cut(r.str(x))
	case strings.IndexByte("dxXobfFeEgG%", v.kind) >= 0:
		text = r.digits(x, v)
	default:
		fail(0, "format: there is no kind %q", v.kind)
	}
	if v.align == 0 {
		v.align = '<'
		if isNumber {
			v.align = '>'
		}
	}
	r.pad(b, text, v)
}
