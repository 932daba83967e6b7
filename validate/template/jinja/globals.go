package jinja

import (
	"fmt"
	"strings"
	"time"
)

// globals are the functions that every template has.
var globals *scope

func init() {
	globals = &scope{names: map[string]any{}}
	for name, call := range map[string]func(*run, callArgs) any{
		"range": rangeOf, "dict": dictCall, "namespace": namespaceCall, "raise_exception": raise, "strftime_now": strftimeNow,
		"cycler": newCycler, "joiner": joiner,
	} {
		globals.names[name] = &function{name, call}
	}
}

func rangeOf(r *run, a callArgs) any {
	if len(a.names) > 0 || len(a.args) == 0 || len(a.args) > 3 {
		fail(0, "range takes one to three numbers")
	}
	from, to, step := int64(0), wantInt("range", a.args[0], 0), int64(1)
	if len(a.args) > 1 {
		from, to = to, wantInt("range", a.args[1], 0)
	}
	if len(a.args) > 2 {
		step = wantInt("range", a.args[2], 0)
	}
	if step == 0 {
		fail(0, "range has a step of 0")
	}
	it := &iterator{kind: "range", text: fmt.Sprintf("range(%d, %d)", from, to)}
	if step != 1 {
		it.text = fmt.Sprintf("range(%d, %d, %d)", from, to, step)
	}
	for i := from; step > 0 && i < to || step < 0 && i > to; i += step {
		if len(it.items) == maxRange {
			fail(0, "range has more than %d numbers", maxRange)
		}
		r.grow(24)
		it.items = append(it.items, i)
		if step > 0 && i > to-step || step < 0 && i < to-step {
			break // the next may need more than 64 bits
		}
	}
	return it
}

func dictCall(r *run, a callArgs) any {
	d := &Dict{}
	r.grow(64 * len(a.names))
	for _, from := range a.args {
		if of, ok := from.(*Dict); ok {
			r.times(64, of.Len())
			for i, k := range of.keys {
				d.set(k, of.values[i])
			}
			continue
		}
		for _, pair := range r.iterate(from) {
			r.grow(64)
			items := r.iterate(pair)
			if len(items) != 2 {
				fail(0, "dict needs pairs")
			}
			r.setKey(d, items[0], items[1])
		}
	}
	for i, name := range a.names {
		d.set(name, a.named[i])
	}
	return d
}

func namespaceCall(r *run, a callArgs) any {
	ns := &namespace{dictCall(r, a).(*Dict)}
	for _, k := range ns.keys {
		if s, ok := asText(k); ok && strings.HasPrefix(s, "_") {
			fail(0, "the field %.40q of a namespace begins with _", s)
		}
	}
	return ns
}

func raise(r *run, a callArgs) any {
	panic(failure{fmt.Errorf("%w: %.200s", ErrRaised, r.str(r.params("raise_exception", a, "message")[0]))})
}

// cycler goes round its items.
type cycler struct {
	items []any
	at    int
}

func newCycler(_ *run, a callArgs) any {
	if len(a.args) == 0 {
		fail(0, "cycler has no items")
	}
	return &cycler{items: a.args}
}

func (c *cycler) attribute(name string) (any, bool) {
	switch name {
	case "current":
		return c.items[c.at], true
	case "next":
		return &function{name, func(*run, callArgs) any {
			v := c.items[c.at]
			c.at = (c.at + 1) % len(c.items)
			return v
		}}, true
	case "reset":
		return &function{name, func(*run, callArgs) any { c.at = 0; return nil }}, true
	}
	return nil, false
}

// joiner gives its separator at every call but the first.
func joiner(r *run, a callArgs) any {
	sep := r.params("joiner", a, "sep?")[0]
	if sep == nil {
		sep = ", "
	}
	used := false
	return &function{"joiner", func(*run, callArgs) any {
		if !used {
			used = true
			return ""
		}
		return sep
	}}
}

func strftimeNow(r *run, a callArgs) any {
	format := wantText("strftime_now", r.params("strftime_now", a, "format")[0])
	now := r.now()
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		c := format[i]
		if c != '%' || i+1 == len(format) {
			r.write(&b, format[i:i+1])
			continue
		}
		i++
		bare := format[i] == '-' && i+1 < len(format)
		if bare {
			i++
		}
		s := dated(now, format[i])
		if bare && len(s) > 1 {
			s = strings.TrimPrefix(s, "0")
		}
		r.write(&b, s)
	}
	return b.String()
}

// layouts are the parts of a date that Go's own layouts name.
var layouts = map[byte]string{
	'Y': "2006", 'y': "06", 'm': "01", 'd': "02", 'e': "_2", 'H': "15", 'I': "03", 'M': "04", 'S': "05", 'p': "PM", 'j': "002",
	'B': "January", 'b': "Jan", 'h': "Jan", 'A': "Monday", 'a': "Mon", 'F': "2006-01-02", 'T': "15:04:05", 'R': "15:04", 'D': "01/02/06",
	'x': "01/02/06", 'X': "15:04:05", 'c': "Mon Jan _2 15:04:05 2006", 'r': "03:04:05 PM", 'f': "000000",
}

// dated is one part of a date, of a time without a zone.
func dated(t time.Time, c byte) string {
	year, week := t.ISOWeek()
	weekday := int(t.Weekday())
	switch c {
	case 'f':
		return fmt.Sprintf("%06d", t.Nanosecond()/1000)
	case 'z', 'Z':
		return ""
	case '%', 'n', 't':
		return map[byte]string{'%': "%", 'n': "\n", 't': "\t"}[c]
	case 'w':
		return fmt.Sprint(weekday)
	case 'u':
		return fmt.Sprint((weekday+6)%7 + 1)
	case 'G':
		return fmt.Sprintf("%04d", year)
	case 'V':
		return fmt.Sprintf("%02d", week)
	case 'U':
		return fmt.Sprintf("%02d", (t.YearDay()+6-weekday)/7)
	case 'W':
		return fmt.Sprintf("%02d", (t.YearDay()+6-(weekday+6)%7)/7)
	case 'C':
		return fmt.Sprintf("%02d", t.Year()/100)
	case 's':
		return fmt.Sprint(t.Unix())
	}
	if layout, ok := layouts[c]; ok {
		return t.Format(layout)
	}
	return "%" + string(c)
}
