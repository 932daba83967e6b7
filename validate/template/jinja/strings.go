package jinja

import (
	"math"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
)

var stringMethods map[string]func(*run, any, callArgs) any

func init() {
	stringMethods = map[string]func(*run, any, callArgs) any{
		"strip":      trimmed("strip", strings.TrimFunc),
		"lstrip":     trimmed("lstrip", strings.TrimLeftFunc),
		"rstrip":     trimmed("rstrip", strings.TrimRightFunc),
		"startswith": affix("startswith", strings.HasPrefix), "endswith": affix("endswith", strings.HasSuffix),
		"removeprefix": removed("removeprefix", strings.TrimPrefix), "removesuffix": removed("removesuffix", strings.TrimSuffix),
		"find": found("find", strings.Index, false), "rfind": found("rfind", strings.LastIndex, false),
		"index": found("index", strings.Index, true), "rindex": found("rindex", strings.LastIndex, true),
		"ljust":  padded("ljust", func(int, int) int { return 0 }),
		"rjust":  padded("rjust", func(n, _ int) int { return n }),
		"center": padded("center", func(n, width int) int { return n/2 + n&width&1 }),
		"upper":  mapped(upper), "lower": mapped(lower), "casefold": mapped(cases.Fold().String),
		"capitalize": mapped(capitalize), "swapcase": mapped(swapCase), "title": mapped(titleMethod),
		"isspace": every(isSpace), "isalpha": every(unicode.IsLetter), "isdigit": every(unicode.IsDigit), "isdecimal": every(unicode.IsDigit),
		"isnumeric": every(unicode.IsNumber), "isalnum": every(func(c rune) bool { return unicode.IsLetter(c) || unicode.IsNumber(c) }),
		"isascii": func(_ *run, of any, _ callArgs) any {
			return strings.IndexFunc(of.(string), func(c rune) bool { return c >= utf8.RuneSelf }) < 0
		},
		"isprintable": func(_ *run, of any, _ callArgs) any {
			return strings.IndexFunc(of.(string), func(c rune) bool { return !unicode.IsPrint(c) }) < 0
		},
		"islower": cased(unicode.IsLower, unicode.IsUpper), "isupper": cased(unicode.IsUpper, unicode.IsLower),
		"split": split, "rsplit": rsplit, "splitlines": splitLines, "partition": partition, "rpartition": rpartition,
		"replace": replaceMethod, "count": countParts, "join": joinMethod, "zfill": zeroFill, "format": formatMethod,
		"expandtabs": expandTabs, "istitle": isTitle,
	}
}

// upper and lower know the letters that become several, as Python does.
func upper(s string) string { return cases.Upper(language.Und).String(s) }
func lower(s string) string { return cases.Lower(language.Und).String(s) }

func capitalize(s string) string {
	_, n := utf8.DecodeRuneInString(s)
	if n == 0 {
		return ""
	}
	return cases.Title(language.Und).String(s[:n]) + lower(s[n:])
}

func swapCase(s string) string {
	return strings.Map(func(c rune) rune {
		if unicode.IsUpper(c) {
			return unicode.ToLower(c)
		}
		return unicode.ToUpper(c)
	}, s)
}

// titleMethod begins every run of letters with a capital.
func titleMethod(s string) string {
	inside := false
	return strings.Map(func(c rune) rune {
		before := inside
		inside = unicode.IsLetter(c)
		if before {
			return unicode.ToLower(c)
		}
		return unicode.ToTitle(c)
	}, s)
}

// isTitle is whether capitals begin the words of a text, and only them.
func isTitle(_ *run, of any, _ callArgs) any {
	inside, any := false, false
	for _, c := range of.(string) {
		capital := unicode.IsUpper(c) || unicode.IsTitle(c)
		small := unicode.IsLower(c)
		if capital && inside || small && !inside {
			return false
		}
		inside = capital || small
		any = any || inside
	}
	return any
}

// texts makes a list of texts.
func (r *run) texts(parts []string) list {
	items := list(r.items(len(parts)))
	for _, p := range parts {
		items = append(items, p)
	}
	return items
}

// cuts returns how often a text is cut at most, -1 for no limit.
func cuts(of string, v any) int {
	n := wantInt(of, v, -1)
	if n < 0 || n > math.MaxInt32 {
		return -1
	}
	return int(n)
}

func split(r *run, of any, a callArgs) any {
	p := r.params("split", a, "sep?", "maxsplit?")
	s, n := of.(string), cuts("split", p[1])
	if p[0] == nil {
		var parts []string
		for s = strings.TrimLeftFunc(s, isSpace); s != ""; s = strings.TrimLeftFunc(s, isSpace) {
			r.grow(32)
			end := strings.IndexFunc(s, isSpace)
			if end < 0 || n >= 0 && len(parts) == n {
				end = len(s)
			}
			parts, s = append(parts, s[:end]), s[end:]
		}
		return r.texts(parts)
	}
	sep := separator("split", p[0])
	r.times(48, strings.Count(s, sep)+1)
	if n < 0 {
		return r.texts(strings.Split(s, sep))
	}
	return r.texts(strings.SplitN(s, sep, n+1))
}

func separator(of string, v any) string {
	sep := wantText(of, v)
	if sep == "" {
		fail(0, "%s: the separator is empty", of)
	}
	return sep
}

func rsplit(r *run, of any, a callArgs) any {
	p := r.params("rsplit", a, "sep?", "maxsplit?")
	s, n := of.(string), cuts("rsplit", p[1])
	var parts []string // from the last on
	if p[0] == nil {
		for s = strings.TrimRightFunc(s, isSpace); s != ""; s = strings.TrimRightFunc(s, isSpace) {
			r.grow(32)
			at := strings.LastIndexFunc(s, isSpace)
			if at < 0 || n >= 0 && len(parts) == n {
				parts, s = append(parts, s), ""
				break
			}
			_, size := utf8.DecodeRuneInString(s[at:])
			parts, s = append(parts, s[at+size:]), s[:at]
		}
	} else {
		sep := separator("rsplit", p[0])
		for n < 0 || len(parts) < n {
			r.grow(32)
			at := strings.LastIndex(s, sep)
			if at < 0 {
				break
			}
			parts, s = append(parts, s[at+len(sep):]), s[:at]
		}
		parts = append(parts, s)
	}
	for i, j := 0, len(parts)-1; i < j; i, j = i+1, j-1 {
		parts[i], parts[j] = parts[j], parts[i]
	}
	return r.texts(parts)
}

// lines cuts a text where Python does.
func (r *run) lines(s string, keep bool) []string {
	var all []string
	for s != "" {
		r.grow(16)
		at := strings.IndexAny(s, "\n\r\v\f\x1c\x1d\x1e\u0085\u2028\u2029")
		if at < 0 {
			return append(all, s)
		}
		_, size := utf8.DecodeRuneInString(s[at:])
		if strings.HasPrefix(s[at:], "\r\n") {
			size = 2
		}
		if keep {
			all = append(all, s[:at+size])
		} else {
			all = append(all, s[:at])
		}
		s = s[at+size:]
	}
	return all
}

func splitLines(r *run, of any, a callArgs) any {
	p := r.params("splitlines", a, "keepends?")
	return r.texts(r.lines(of.(string), truth(p[0])))
}

func partition(r *run, of any, a callArgs) any {
	sep := separator("partition", r.params("partition", a, "sep")[0])
	before, after, ok := strings.Cut(of.(string), sep)
	if !ok {
		sep = ""
	}
	return tuple{before, sep, after}
}

func rpartition(r *run, of any, a callArgs) any {
	sep, s := separator("rpartition", r.params("rpartition", a, "sep")[0]), of.(string)
	at := strings.LastIndex(s, sep)
	if at < 0 {
		return tuple{"", "", s}
	}
	return tuple{s[:at], sep, s[at+len(sep):]}
}

func (r *run) replace(s, old, with string, n int) string {
	count := strings.Count(s, old)
	if n >= 0 {
		count = min(count, n)
	}
	r.grow(len(s))
	r.times(max(len(with), 1), count)
	return strings.Replace(s, old, with, n)
}

func replaceMethod(r *run, of any, a callArgs) any {
	p := r.params("replace", a, "old", "new", "count?")
	return r.replace(of.(string), wantText("replace", p[0]), wantText("replace", p[1]), cuts("replace", p[2]))
}

func countParts(r *run, of any, a callArgs) any {
	p := r.params("count", a, "part", "start?", "end?")
	return int64(strings.Count(r.part(of.(string), p[1], p[2]), wantText("count", p[0])))
}

func joinMethod(r *run, of any, a callArgs) any {
	items := r.iterate(r.params("join", a, "items")[0])
	for _, item := range items {
		wantText("join", item)
	}
	return r.join(items, of.(string))
}

// join puts the texts of values together.
func (r *run) join(items []any, sep string) string {
	var b strings.Builder
	for i, item := range items {
		if i > 0 {
			r.write(&b, sep)
		}
		r.write(&b, r.str(item))
	}
	return b.String()
}

func zeroFill(r *run, of any, a callArgs) any {
	s := of.(string)
	missing := int(min(wantInt("zfill", r.params("zfill", a, "width")[0], 0), 1<<40)) - utf8.RuneCountInString(s)
	if missing <= 0 {
		return s
	}
	r.grow(len(s) + missing)
	sign := 0
	if s != "" && (s[0] == '-' || s[0] == '+') {
		sign = 1
	}
	return s[:sign] + strings.Repeat("0", missing) + s[sign:]
}

func expandTabs(r *run, of any, a callArgs) any {
	size := min(wantInt("expandtabs", r.params("expandtabs", a, "tabsize?")[0], 8), 1<<40)
	var b strings.Builder
	column := int64(0)
	for _, c := range of.(string) {
		switch {
		case c == '\t' && size > 0:
			n := size - column%size
			r.grow(int(n))
			b.WriteString(strings.Repeat(" ", int(n)))
			column += n
		case c == '\t':
		default:
			r.grow(4)
			b.WriteRune(c)
			if column++; c == '\n' || c == '\r' {
				column = 0
			}
		}
	}
	return b.String()
}
