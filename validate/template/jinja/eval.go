package jinja

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// eval returns the value of an expression.
func (r *run) eval(e expr) any {
	r.work(1)
	r.deeper()
	v := r.value(e)
	r.nesting--
	return v
}

func (r *run) value(e expr) any {
	switch e := e.(type) {
	case *constant:
		return e.value
	case *name:
		return r.lookup(e.name)
	case *attribute:
		return r.attribute(r.eval(e.of), e.name)
	case *item:
		of := r.eval(e.of)
		if s, ok := e.key.(*slicing); ok {
			return r.slice(of, s)
		}
		return r.item(of, r.eval(e.key))
	case *listOf:
		return list(r.evalAll(e.items))
	case *tupleOf:
		return tuple(r.evalAll(e.items))
	case *dictOf:
		r.grow(64 * len(e.keys))
		d := &Dict{}
		for i, k := range e.keys {
			r.setKey(d, r.eval(k), r.eval(e.values[i]))
		}
		return d
	case *unary:
		return r.unary(e.op, r.eval(e.of))
	case *binary:
		return r.binaryExpr(e)
	case *comparison:
		return r.comparison(e)
	case *choice:
		switch {
		case truth(r.eval(e.test)):
			return r.eval(e.then)
		case e.otherwise != nil:
			return r.eval(e.otherwise)
		}
		return &undefined{"a condition without else does not hold"}
	case *call:
		return r.call(r.eval(e.of), r.args(e.args))
	case *filter:
		return r.filtered(e, r.eval(e.of))
	case *test:
		return r.tested(e.name, r.eval(e.of), r.args(e.args))
	}
	panic("jinja: unknown expression")
}

func (r *run) evalAll(list []expr) []any {
	items := r.items(len(list))
	for _, e := range list {
		items = append(items, r.eval(e))
	}
	return items
}

func (r *run) setKey(d *Dict, key, value any) {
	if s, ok := asText(key); ok {
		r.scan(len(s))
	}
	if !d.set(key, value) {
		fail(0, "a %s cannot be the key of a dictionary", typeName(key))
	}
}

func (r *run) binaryExpr(e *binary) any {
	a := r.eval(e.a)
	switch e.op {
	case "and":
		if !truth(a) {
			return a
		}
		return r.eval(e.b)
	case "or":
		if truth(a) {
			return a
		}
		return r.eval(e.b)
	}
	return r.binary(e.op, a, r.eval(e.b))
}

func (r *run) comparison(e *comparison) any {
	a := r.eval(e.first)
	for i, op := range e.ops {
		b := r.eval(e.rest[i])
		if !r.holds(op, a, b) {
			return false
		}
		a = b
	}
	return true
}

func (r *run) args(a arguments) callArgs {
	c := callArgs{args: r.evalAll(a.args), names: slices.Clone(a.names), named: r.evalAll(a.values)}
	if a.list != nil {
		c.args = append(c.args, r.iterate(r.eval(a.list))...)
	}
	if a.dict != nil {
		d, ok := r.eval(a.dict).(*Dict)
		if !ok {
			fail(0, "what follows ** is not a dictionary")
		}
		for i, k := range d.keys {
			s, ok := asText(k)
			if !ok || slices.Contains(c.names, s) {
				fail(0, "an argument of ** has no name of its own")
			}
			c.names, c.named = append(c.names, s), append(c.named, d.values[i])
		}
	}
	r.grow(16 * (len(c.args) + len(c.names)))
	return c
}

// call calls a value.
func (r *run) call(of any, a callArgs) any {
	switch f := of.(type) {
	case *function:
		return f.call(r, a)
	case *loopState:
		return f.again(r, a)
	case *undefined:
		fail(0, "%s", f.reason)
	}
	fail(0, "a %s cannot be called", typeName(of))
	return nil
}

// chain runs filters over the text of a block.
func (r *run) chain(e expr, v any) any {
	if e == nil {
		return v
	}
	f := e.(*filter)
	return r.filtered(f, r.chain(f.of, v))
}

func (r *run) filtered(f *filter, v any) any {
	return r.applyFilter(f.name, v, r.args(f.args))
}

func (r *run) applyFilter(name string, v any, a callArgs) any {
	implementation, ok := builtinFilters[name]
	if !ok {
		fail(0, "there is no filter %q", name)
	}
	if s, ok := asText(v); ok {
		r.scan(len(s))
	}
	return implementation(r, v, a)
}

func (r *run) tested(name string, v any, a callArgs) bool {
	implementation, ok := builtinTests[name]
	if !ok {
		fail(0, "there is no test %q", name)
	}
	return implementation(r, v, a)
}

// missing is what a field or an item that is not there gives.
func missing(of, key any) any {
	if u, ok := of.(*undefined); ok {
		fail(0, "%s", u.reason)
	}
	if s, ok := asText(key); ok {
		return &undefined{fmt.Sprintf("a %s has no %.60q", typeName(of), s)}
	}
	return &undefined{fmt.Sprintf("a %s has no such item", typeName(of))}
}

// attribute is of.name: a method or, where there is none, an item.
func (r *run) attribute(of any, name string) any {
	if v, ok := r.method(of, name); ok {
		return v
	}
	if d, ok := of.(*Dict); ok {
		if v, ok := d.get(name); ok {
			return v
		}
	}
	return missing(of, name)
}

// item is of[key]: an item or, where there is none, a method.
func (r *run) item(of, key any) any {
	if s, ok := asText(key); ok {
		r.scan(len(s))
		if d, ok := of.(*Dict); ok {
			if v, ok := d.get(s); ok {
				return v
			}
		}
		if v, ok := r.method(of, s); ok {
			return v
		}
		return missing(of, key)
	}
	if d, ok := of.(*Dict); ok {
		if v, ok := d.get(key); ok {
			return v
		}
		return missing(of, key)
	}
	i, ok := integer(key)
	if !ok {
		return missing(of, key)
	}
	if s, ok := asText(of); ok {
		r.scan(len(s))
		n := utf8.RuneCountInString(s)
		if i < 0 {
			i += int64(n)
		}
		if i < 0 || i >= int64(n) {
			return missing(of, key)
		}
		for _, c := range s {
			if i == 0 {
				return string(c)
			}
			i--
		}
	}
	items, ok := sequence(of)
	if i < 0 {
		i += int64(len(items))
	}
	if !ok || i < 0 || i >= int64(len(items)) {
		return missing(of, key)
	}
	return items[i]
}

// sequence returns the items of a value that has an order and a length.
func sequence(v any) ([]any, bool) {
	switch v := v.(type) {
	case list:
		return v, true
	case tuple:
		return v, true
	case *iterator:
		return v.items, v.kind == "range"
	}
	return nil, false
}

// slice is of[from:to:step].
func (r *run) slice(of any, s *slicing) any {
	bound := func(e expr) (int64, bool) {
		if e == nil {
			return 0, false
		}
		v := r.eval(e)
		if v == nil {
			return 0, false
		}
		i, ok := integer(v)
		if !ok {
			fail(0, "a %s is not a bound of a slice", typeName(v))
		}
		return i, true
	}
	text, isText := asText(of)
	items, ok := sequence(of)
	var runes []rune
	if isText {
		r.grow(4 * len(text))
		runes = []rune(text)
	} else if !ok {
		r.refuse("a slice", of, of)
	}
	from, hasFrom := bound(s.from)
	to, hasTo := bound(s.to)
	step, hasStep := bound(s.step)
	if !hasStep {
		step = 1
	}
	if step == 0 {
		fail(0, "the step of a slice is 0")
	}
	n := int64(max(len(items), len(runes)))
	first, last := limits(n, from, hasFrom, to, hasTo, step)
	var picked []any
	var b strings.Builder
	if !isText {
		picked = r.items(len(items))
	}
	for i := first; step > 0 && i < last || step < 0 && i > last; i += step {
		r.work(1)
		if isText {
			r.grow(4)
			b.WriteRune(runes[i])
		} else {
			picked = append(picked, items[i])
		}
		if step > n || step < -n {
			break
		}
	}
	switch of.(type) {
	case string:
		return b.String()
	case markup:
		return markup(b.String())
	case tuple:
		return tuple(picked)
	}
	return list(picked)
}

// limits are the first index of a slice and the one after its last.
func limits(n, from int64, hasFrom bool, to int64, hasTo bool, step int64) (first, last int64) {
	low, high := int64(0), n
	if step < 0 {
		low, high = -1, n-1
	}
	clip := func(i int64, given bool, otherwise int64) int64 {
		if !given {
			return otherwise
		}
		if i < 0 {
			i += n
		}
		return min(max(i, low), high)
	}
	if step < 0 {
		return clip(from, hasFrom, high), clip(to, hasTo, low)
	}
	return clip(from, hasFrom, low), clip(to, hasTo, high)
}

// iterate returns the items that a loop goes through.
func (r *run) iterate(v any) []any {
	switch v := v.(type) {
	case list:
		return v
	case tuple:
		return v
	case *Dict:
		return v.keys
	case *undefined:
		return nil
	case *iterator:
		if v.spent {
			return nil
		}
		v.spent = v.once
		return v.items
	}
	s, ok := asText(v)
	if !ok {
		fail(0, "a %s cannot be gone through", typeName(v))
	}
	r.grow(32 * len(s))
	items := make([]any, 0, len(s))
	for _, c := range s {
		items = append(items, string(c))
	}
	return items
}
