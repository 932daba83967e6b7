package jinja

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

var builtinFilters map[string]func(*run, any, callArgs) any

func init() {
	builtinFilters = map[string]func(*run, any, callArgs) any{
		"abs": absolute, "attr": attrFilter, "batch": batch, "capitalize": textFilter(capitalize), "center": centerFilter,
		"count": length, "d": defaultFilter, "default": defaultFilter, "dictsort": dictSort, "e": escapeFilter, "escape": escapeFilter,
		"first": first, "float": floatFilter, "forceescape": escapeFilter, "format": formatFilter, "indent": indent,
		"int": intFilter, "items": itemsFilter, "join": joinFilter, "last": last, "length": length, "list": listFilter, "lower": textFilter(lower),
		"map": mapFilter, "max": extreme("max", 1), "min": extreme("min", -1), "reject": selector(false, false), "rejectattr": selector(true, false),
		"replace": replaceFilter, "reverse": reverse, "round": round, "safe": safe, "select": selector(false, true), "selectattr": selector(true, true),
		"slice": sliceFilter, "sort": sortFilter, "string": stringFilter, "sum": sum, "title": textFilter(title), "tojson": toJSON,
		"trim": trim, "truncate": truncate, "unique": unique, "upper": textFilter(upper), "urlencode": urlEncode, "wordcount": wordCount,
	}
}

// textFilter is a filter that gives a text for a text.
func textFilter(f func(string) string) func(*run, any, callArgs) any {
	return func(r *run, v any, a callArgs) any {
		r.params("the filter", a)
		s := r.str(v)
		r.grow(2 * len(s))
		return rewrapped(v, f(s))
	}
}

// rewrapped is a text as safe as the value that it comes from.
func rewrapped(v any, s string) any {
	if _, ok := v.(markup); ok {
		return markup(s)
	}
	return s
}

// title begins every word with a capital.
func title(s string) string {
	begins := true
	return strings.Map(func(c rune) rune {
		was := begins
		begins = isSpace(c) || strings.ContainsRune("-({[<", c)
		if was {
			return unicode.ToTitle(c)
		}
		return unicode.ToLower(c)
	}, s)
}

func absolute(r *run, v any, a callArgs) any {
	r.params("abs", a)
	if i, ok := integer(v); ok {
		if i < 0 {
			return r.unary("-", i)
		}
		return i
	}
	f, ok := v.(float64)
	if !ok {
		fail(0, "abs needs a number, not a %s", typeName(v))
	}
	return math.Abs(f)
}

func attrFilter(r *run, v any, a callArgs) any {
	name := wantText("attr", r.params("attr", a, "name")[0])
	if m, ok := r.method(v, name); ok {
		return m
	}
	return missing(v, name)
}

func centerFilter(r *run, v any, a callArgs) any {
	p := r.params("center", a, "width?")
	width := p[0]
	if width == nil {
		width = int64(80)
	}
	return stringMethods["center"](r, r.str(v), callArgs{args: []any{width}})
}

func defaultFilter(r *run, v any, a callArgs) any {
	p := r.params("default", a, "default_value?", "boolean?")
	if _, ok := v.(*undefined); !ok && (!truth(p[1]) || truth(v)) {
		return v
	}
	if len(a.args) == 0 && !slices.Contains(a.names, "default_value") {
		return ""
	}
	return p[0]
}

var escapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "'", "&#39;", `"`, "&#34;")

func (r *run) escape(s string) string {
	r.times(5, len(s))
	return escapes.Replace(s)
}

func escapeFilter(r *run, v any, a callArgs) any {
	r.params("escape", a)
	if _, ok := v.(markup); ok {
		return v
	}
	return markup(r.escape(r.str(v)))
}

func safe(r *run, v any, _ callArgs) any { return markup(r.str(v)) }

func stringFilter(r *run, v any, _ callArgs) any {
	if _, ok := v.(markup); ok {
		return v
	}
	return r.str(v)
}

func formatFilter(r *run, v any, a callArgs) any {
	if len(a.names) > 0 {
		d := &Dict{}
		for i, name := range a.names {
			d.set(name, a.named[i])
		}
		return r.format(r.str(v), d)
	}
	return r.format(r.str(v), tuple(a.args))
}

func indent(r *run, v any, a callArgs) any {
	p := r.params("indent", a, "width?", "first?", "blank?")
	pad, ok := asText(p[0])
	if !ok {
		pad = strings.Repeat(" ", r.times(1, int(min(max(wantInt("indent", p[0], 4), 0), math.MaxInt32))))
	}
	var b strings.Builder
	if truth(p[1]) {
		r.write(&b, pad)
	}
	for i, line := range r.lines(wantText("indent", v)+"\n", false) {
		if i > 0 {
			r.write(&b, "\n")
			if line != "" || truth(p[2]) {
				r.write(&b, pad)
			}
		}
		r.write(&b, line)
	}
	return rewrapped(v, b.String())
}

func intFilter(r *run, v any, a callArgs) any {
	p := r.params("int", a, "default?", "base?")
	wantDefined(v)
	otherwise := p[0]
	if otherwise == nil {
		otherwise = int64(0)
	}
	if i, ok := integer(v); ok {
		return i
	}
	if s, ok := asText(v); ok {
		s = strings.ReplaceAll(strings.TrimFunc(s, isSpace), "_", "")
		base := wantInt("int", p[1], 10)
		if base == 16 || base == 8 || base == 2 {
			s = strings.TrimPrefix(strings.ToLower(s), map[int64]string{16: "0x", 8: "0o", 2: "0b"}[base])
		}
		if base < 2 || base > 36 {
			return otherwise
		}
		if i, err := strconv.ParseInt(s, int(base), 64); err == nil {
			return i
		}
		f, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return otherwise
		}
		v = f
	}
	f, ok := v.(float64)
	if !ok || math.IsNaN(f) || math.Abs(f) >= 1<<63 {
		return otherwise
	}
	return int64(f)
}

func floatFilter(r *run, v any, a callArgs) any {
	p := r.params("float", a, "default?")
	wantDefined(v)
	if f, ok := real(v); ok {
		return f
	}
	if s, ok := asText(v); ok {
		f, err := strconv.ParseFloat(strings.ReplaceAll(strings.TrimFunc(s, isSpace), "_", ""), 64)
		if err == nil || math.IsInf(f, 0) {
			return f
		}
	}
	if p[0] == nil {
		return 0.0
	}
	return p[0]
}

func replaceFilter(r *run, v any, a callArgs) any {
	p := r.params("replace", a, "old", "new", "count?")
	return r.replace(r.str(v), r.str(p[0]), r.str(p[1]), cuts("replace", p[2]))
}

func round(r *run, v any, a callArgs) any {
	p := r.params("round", a, "precision?", "method?")
	method := "common"
	if p[1] != nil {
		method = wantText("round", p[1])
	}
	precision := wantInt("round", p[0], 0)
	if i, ok := integer(v); ok && method == "common" && precision >= 0 {
		return i
	}
	f, ok := real(v)
	if !ok {
		fail(0, "round needs a number, not a %s", typeName(v))
	}
	scale := math.Pow(10, float64(precision))
	switch method {
	case "ceil":
		return math.Ceil(f*scale) / scale
	case "floor":
		return math.Floor(f*scale) / scale
	case "common":
		if precision < 0 || precision > 300 {
			return math.RoundToEven(f*scale) / scale
		}
		rounded, _ := strconv.ParseFloat(strconv.FormatFloat(f, 'f', int(precision), 64), 64)
		return rounded
	}
	fail(0, "round has no method %.20q", method)
	return nil
}

func trim(r *run, v any, a callArgs) any {
	return rewrapped(v, stringMethods["strip"](r, r.str(v), a).(string))
}

func truncate(r *run, v any, a callArgs) any {
	p := r.params("truncate", a, "length?", "killwords?", "end?", "leeway?")
	limit, leeway, end := wantInt("truncate", p[0], 255), wantInt("truncate", p[3], 5), "..."
	if p[2] != nil {
		end = wantText("truncate", p[2])
	}
	s := wantText("truncate", v)
	n := int64(utf8.RuneCountInString(s))
	keep := limit - int64(utf8.RuneCountInString(end))
	if keep < 0 {
		fail(0, "truncate: the length is less than that of the end")
	}
	if n <= limit+leeway {
		return v
	}
	s = r.part(s, nil, keep)
	if !truth(p[1]) {
		if at := strings.LastIndexByte(s, ' '); at >= 0 {
			s = s[:at]
		}
	}
	r.grow(len(s) + len(end))
	return s + end
}

func urlEncode(r *run, v any, a callArgs) any {
	r.params("urlencode", a)
	s := r.str(v)
	r.times(3, len(s))
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("_.-~/", c) >= 0 {
			b.WriteByte(c)
		} else {
			b.WriteString("%" + strings.ToUpper(strconv.FormatInt(int64(c)+256, 16)[1:]))
		}
	}
	return b.String()
}

func wordCount(r *run, v any, a callArgs) any {
	r.params("wordcount", a)
	s := r.str(v)
	r.times(8, len(s))
	words := strings.FieldsFunc(s, func(c rune) bool { return !isWord(c) })
	return int64(len(words))
}
