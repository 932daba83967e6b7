package jinja

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// method returns a method or a field of a value.
func (r *run) method(of any, name string) (any, bool) {
	var table map[string]func(*run, any, callArgs) any
	switch v := of.(type) {
	case string, markup:
		table = stringMethods
	case *Dict:
		table = dictMethods
	case list:
		table = listMethods
	case tuple:
		table = tupleMethods
	case *namespace:
		return v.get(name)
	case *loopState:
		return v.attribute(name)
	case *cycler:
		return v.attribute(name)
	default:
		return nil, false
	}
	m, ok := table[name]
	if !ok {
		return nil, false
	}
	if m == nil {
		return &undefined{"the method " + name + " would change a " + typeName(of) + ", which templates may not do"}, true
	}
	return &function{name, func(r *run, a callArgs) any {
		if s, ok := asText(of); ok {
			r.scan(len(s))
			v := m(r, s, a)
			if s, ok := v.(string); ok {
				if _, ok := of.(markup); ok {
					return markup(s)
				}
			}
			return v
		}
		return m(r, of, a)
	}}, true
}

// The methods that would change their value are nil.
var listMethods = map[string]func(*run, any, callArgs) any{
	"append": nil, "clear": nil, "pop": nil, "reverse": nil, "insert": nil, "sort": nil, "extend": nil, "remove": nil,
	"copy":  func(_ *run, of any, _ callArgs) any { return of },
	"count": countItems, "index": indexOf,
}

var tupleMethods = map[string]func(*run, any, callArgs) any{"count": countItems, "index": indexOf}

func countItems(r *run, of any, a callArgs) any {
	p := r.params("count", a, "value")
	n := int64(0)
	for _, item := range r.iterate(of) {
		if r.equal(item, p[0]) {
			n++
		}
	}
	return n
}

func indexOf(r *run, of any, a callArgs) any {
	p := r.params("index", a, "value")
	for i, item := range r.iterate(of) {
		if r.equal(item, p[0]) {
			return int64(i)
		}
	}
	fail(0, "index: the value is not in the list")
	return nil
}

var dictMethods = map[string]func(*run, any, callArgs) any{
	"clear": nil, "pop": nil, "popitem": nil, "setdefault": nil, "update": nil,
	"copy":   func(_ *run, of any, _ callArgs) any { return of },
	"keys":   func(_ *run, of any, _ callArgs) any { return &iterator{kind: "dict_keys", items: of.(*Dict).keys} },
	"values": func(_ *run, of any, _ callArgs) any { return &iterator{kind: "dict_values", items: of.(*Dict).values} },
	"items":  func(r *run, of any, _ callArgs) any { return &iterator{kind: "dict_items", items: r.pairs(of.(*Dict))} },
	"get": func(r *run, of any, a callArgs) any {
		p := r.params("get", a, "key", "default?")
		if _, ok := hashed(p[0]); !ok {
			fail(0, "a %s cannot be the key of a dictionary", typeName(p[0]))
		}
		if v, ok := of.(*Dict).get(p[0]); ok {
			return v
		}
		return p[1]
	},
}

// pairs are the keys of a dictionary with their values.
func (r *run) pairs(d *Dict) []any {
	r.times(64, d.Len())
	items := make([]any, d.Len())
	for i, k := range d.keys {
		items[i] = tuple{k, d.values[i]}
	}
	return items
}

// params puts the arguments of a call in the order of the parameters. One that
// ends in ? may be left out and is then nil.
func (r *run) params(of string, a callArgs, names ...string) []any {
	values := make([]any, len(names))
	given := make([]bool, len(names))
	if len(a.args) > len(names) {
		fail(0, "%s takes no more than %d arguments", of, len(names))
	}
	for i, v := range a.args {
		values[i], given[i] = v, true
	}
	for i, name := range a.names {
		at := slices.IndexFunc(names, func(n string) bool { return strings.TrimSuffix(n, "?") == name })
		if at < 0 || given[at] {
			fail(0, "%s does not take the argument %q", of, name)
		}
		values[at], given[at] = a.named[i], true
	}
	for i, name := range names {
		if !given[i] && !strings.HasSuffix(name, "?") {
			fail(0, "%s lacks the argument %q", of, name)
		}
	}
	return values
}

// wantText returns a text that a function needs.
func wantText(of string, v any) string {
	s, ok := asText(v)
	if !ok {
		wantDefined(v)
		fail(0, "%s needs a text, not a %s", of, typeName(v))
	}
	return s
}

// wantDefined ends the rendering where a value is undefined.
func wantDefined(v any) {
	if u, ok := v.(*undefined); ok {
		fail(0, "%s", u.reason)
	}
}

// wantInt returns a whole number that a function needs.
func wantInt(of string, v any, otherwise int64) int64 {
	if v == nil {
		return otherwise
	}
	i, ok := integer(v)
	if !ok {
		fail(0, "%s needs a whole number, not a %s", of, typeName(v))
	}
	return i
}

// trimmed is strip, lstrip or rstrip.
func trimmed(name string, trim func(string, func(rune) bool) string) func(*run, any, callArgs) any {
	return func(r *run, of any, a callArgs) any {
		p := r.params(name, a, "chars?")
		if p[0] == nil {
			return trim(of.(string), isSpace)
		}
		chars := wantText(name, p[0])
		if len(chars) > 256 {
			r.times(len(chars), len(of.(string)))
		}
		return trim(of.(string), func(c rune) bool { return strings.ContainsRune(chars, c) })
	}
}

// affix is startswith or endswith.
func affix(name string, has func(s, part string) bool) func(*run, any, callArgs) any {
	return func(r *run, of any, a callArgs) any {
		p := r.params(name, a, "part", "start?", "end?")
		s := r.part(of.(string), p[1], p[2])
		if parts, ok := p[0].(tuple); ok {
			return slices.ContainsFunc(parts, func(v any) bool { return has(s, wantText(name, v)) })
		}
		return has(s, wantText(name, p[0]))
	}
}

// part is a text from one character to another.
func (r *run) part(s string, from, to any) string {
	if from == nil && to == nil {
		return s
	}
	v := r.slice(s, &slicing{from: &constant{from}, to: &constant{to}})
	return v.(string)
}

// removed is removeprefix or removesuffix.
func removed(name string, trim func(s, part string) string) func(*run, any, callArgs) any {
	return func(r *run, of any, a callArgs) any {
		return trim(of.(string), wantText(name, r.params(name, a, "part")[0]))
	}
}

// found is find, rfind, index or rindex.
func found(name string, find func(s, part string) int, must bool) func(*run, any, callArgs) any {
	return func(r *run, of any, a callArgs) any {
		p := r.params(name, a, "part", "start?", "end?")
		s := r.part(of.(string), p[1], p[2])
		at := find(s, wantText(name, p[0]))
		if at < 0 {
			if must {
				fail(0, "%s: the text has no such part", name)
			}
			return int64(-1)
		}
		from := wantInt(name, p[1], 0)
		if from < 0 {
			from = max(0, from+int64(utf8.RuneCountInString(of.(string))))
		}
		return from + int64(utf8.RuneCountInString(s[:at]))
	}
}

// padded is ljust, rjust, center or zfill.
func padded(name string, left func(missing, width int) int) func(*run, any, callArgs) any {
	return func(r *run, of any, a callArgs) any {
		p := r.params(name, a, "width", "fill?")
		fill := " "
		if p[1] != nil {
			fill = wantText(name, p[1])
		}
		if utf8.RuneCountInString(fill) != 1 {
			fail(0, "%s fills with one character", name)
		}
		s := of.(string)
		width := int(min(wantInt(name, p[0], 0), 1<<40))
		missing := width - utf8.RuneCountInString(s)
		if missing <= 0 {
			return s
		}
		r.grow(len(s))
		r.times(len(fill), missing)
		n := left(missing, width)
		return strings.Repeat(fill, n) + s + strings.Repeat(fill, missing-n)
	}
}

// every is whether a text is not empty and all its characters are of a kind.
func every(is func(rune) bool) func(*run, any, callArgs) any {
	return func(_ *run, of any, _ callArgs) any {
		s := of.(string)
		return s != "" && strings.IndexFunc(s, func(c rune) bool { return !is(c) }) < 0
	}
}

// cased is islower or isupper.
func cased(is, not func(rune) bool) func(*run, any, callArgs) any {
	return func(_ *run, of any, _ callArgs) any {
		s := of.(string)
		return strings.IndexFunc(s, is) >= 0 && strings.IndexFunc(s, func(c rune) bool { return not(c) || unicode.IsTitle(c) }) < 0
	}
}

// mapped is a method without arguments that gives a text.
func mapped(f func(string) string) func(*run, any, callArgs) any {
	return func(r *run, of any, a callArgs) any {
		r.params("the method", a)
		r.grow(2 * len(of.(string)))
		return f(of.(string))
	}
}
