package jinja

import (
	"fmt"
	"math"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"
)

// toJSON is the filter tojson as transformers has it: Python's json.dumps.
func toJSON(r *run, v any, a callArgs) any {
	p := r.params("tojson", a, "ensure_ascii?", "indent?", "separators?", "sort_keys?")
	w := &jsonWriter{run: r, ascii: truth(p[0]), sorted: truth(p[3]), item: ", ", key: ": "}
	if p[1] != nil {
		w.lines, w.item = true, ","
		if s, ok := asText(p[1]); ok {
			w.indent = s
		} else {
			n := min(max(wantInt("tojson", p[1], 0), 0), math.MaxInt32)
			w.indent = strings.Repeat(" ", r.times(1, int(n)))
		}
	}
	if p[2] != nil {
		pair, ok := sequence(p[2])
		if !ok || len(pair) != 2 {
			fail(0, "tojson: separators are two texts")
		}
		w.item, w.key = wantText("tojson", pair[0]), wantText("tojson", pair[1])
	}
	w.write(v, 0)
	return w.out.String()
}

type jsonWriter struct {
	*run
	out           strings.Builder
	ascii, sorted bool
	lines         bool
	indent        string
	item, key     string
}

func (w *jsonWriter) put(s string) { w.run.write(&w.out, s) }

func (w *jsonWriter) newline(depth int) {
	if w.lines {
		w.put("\n")
		for range depth {
			w.put(w.indent)
		}
	}
}

func (w *jsonWriter) write(v any, depth int) {
	w.down()
	defer w.up()
	switch v := v.(type) {
	case *Dict:
		w.dict(v, depth)
		return
	case list:
		w.list(v, depth)
		return
	case tuple:
		w.list(v, depth)
		return
	case string:
		w.text(v)
		return
	case markup:
		w.text(string(v))
		return
	}
	s, ok := scalar(v)
	if !ok {
		if u, ok := v.(*undefined); ok {
			fail(0, "tojson: %s", u.reason)
		}
		fail(0, "tojson: a %s cannot be JSON", typeName(v))
	}
	w.put(s)
}

// scalar is a value without parts as JSON.
func scalar(v any) (string, bool) {
	switch v := v.(type) {
	case nil:
		return "null", true
	case bool:
		return strconv.FormatBool(v), true
	case int64:
		return strconv.FormatInt(v, 10), true
	case float64:
		switch {
		case math.IsNaN(v):
			return "NaN", true
		case math.IsInf(v, 1):
			return "Infinity", true
		case math.IsInf(v, -1):
			return "-Infinity", true
		}
		return float(v), true
	}
	return "", false
}

func (w *jsonWriter) list(items []any, depth int) {
	if len(items) == 0 {
		w.put("[]")
		return
	}
	w.put("[")
	for i, item := range items {
		if i > 0 {
			w.put(w.item)
		}
		w.newline(depth + 1)
		w.write(item, depth+1)
	}
	w.newline(depth)
	w.put("]")
}

func (w *jsonWriter) dict(d *Dict, depth int) {
	if d.Len() == 0 {
		w.put("{}")
		return
	}
	order := make([]int, w.times(8, d.Len()))
	for i := range order {
		order[i] = i
	}
	if w.sorted {
		sort.SliceStable(order, func(i, j int) bool { return w.compare("<", d.keys[order[i]], d.keys[order[j]]) < 0 })
	}
	w.put("{")
	for i, at := range order {
		if i > 0 {
			w.put(w.item)
		}
		w.newline(depth + 1)
		if s, ok := asText(d.keys[at]); ok {
			w.text(s)
		} else if s, ok := scalar(d.keys[at]); ok {
			w.text(s)
		} else {
			fail(0, "tojson: a %s cannot be a key", typeName(d.keys[at]))
		}
		w.put(w.key)
		w.write(d.values[at], depth+1)
	}
	w.newline(depth)
	w.put("}")
}

// text writes a text with the escapes of json.dumps.
func (w *jsonWriter) text(s string) {
	w.put(`"`)
	begin := 0
	for i, c := range s {
		escape := ""
		switch {
		case c == '"' || c == '\\':
			escape = `\` + string(c)
		case c < ' ':
			if at := strings.IndexRune("\n\r\t\f\b", c); at >= 0 {
				escape = `\` + "nrtfb"[at:at+1]
			} else {
				escape = fmt.Sprintf(`\u%04x`, c)
			}
		case w.ascii && c > '~' && c < 0x10000:
			escape = fmt.Sprintf(`\u%04x`, c)
		case w.ascii && c >= 0x10000:
			escape = fmt.Sprintf(`\u%04x\u%04x`, 0xd800+(c-0x10000)>>10, 0xdc00+(c-0x10000)&0x3ff)
		default:
			continue
		}
		w.put(s[begin:i])
		w.put(escape)
		begin = i + utf8.RuneLen(c)
	}
	w.put(s[begin:])
	w.put(`"`)
}
