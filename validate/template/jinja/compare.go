package jinja

import (
	"math"
	"strings"
)

// holds compares two values.
func (r *run) holds(op string, a, b any) bool {
	switch op {
	case "==":
		return r.equal(a, b)
	case "!=":
		return !r.equal(a, b)
	case "in":
		return r.contains(b, a)
	case "not in":
		return !r.contains(b, a)
	}
	f, okF := real(a)
	g, okG := real(b)
	if okF && okG && (math.IsNaN(f) || math.IsNaN(g)) {
		return false
	}
	c := r.compare(op, a, b)
	switch op {
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	case ">":
		return c > 0
	}
	return c >= 0
}

// compare puts two values in order.
func (r *run) compare(op string, a, b any) int {
	if x, ok := integer(a); ok {
		if y, ok := integer(b); ok {
			return order(x, y)
		}
	}
	f, okF := real(a)
	g, okG := real(b)
	if okF && okG {
		return order(f, g)
	}
	s, okS := asText(a)
	t, okT := asText(b)
	if okS && okT {
		r.scan(min(len(s), len(t)))
		return strings.Compare(s, t)
	}
	x, okX := a.(list)
	y, okY := b.(list)
	if !okX || !okY {
		p, okP := a.(tuple)
		q, okQ := b.(tuple)
		if !okP || !okQ {
			r.refuse(op, a, b)
		}
		x, y = list(p), list(q)
	}
	r.down()
	defer r.up()
	for i := range min(len(x), len(y)) {
		if !r.equal(x[i], y[i]) {
			return r.compare(op, x[i], y[i])
		}
	}
	return order(len(x), len(y))
}

func order[T int | int64 | float64](x, y T) int {
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

func (r *run) equal(a, b any) bool {
	r.down()
	defer r.up()
	if x, ok := integer(a); ok {
		if y, ok := integer(b); ok {
			return x == y
		}
	}
	if f, ok := real(a); ok {
		g, ok := real(b)
		return ok && f == g
	}
	if s, ok := asText(a); ok {
		t, ok := asText(b)
		r.scan(min(len(s), len(t)))
		return ok && s == t
	}
	switch x := a.(type) {
	case nil:
		return b == nil
	case *undefined:
		_, ok := b.(*undefined)
		return ok
	case list:
		y, ok := b.(list)
		return ok && r.equalItems(x, y)
	case tuple:
		y, ok := b.(tuple)
		return ok && r.equalItems(x, y)
	case *Dict:
		y, ok := b.(*Dict)
		if !ok || x.Len() != y.Len() {
			return false
		}
		for i, k := range x.keys {
			v, ok := y.get(k)
			if !ok || !r.equal(x.values[i], v) {
				return false
			}
		}
		return true
	}
	return same(a, b)
}

// same is whether two values are one.
func same(a, b any) bool {
	switch a := a.(type) {
	case list:
		b, ok := b.(list)
		return ok && len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
	case tuple:
		b, ok := b.(tuple)
		return ok && len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
	}
	switch b.(type) {
	case list, tuple:
		return false
	}
	return a == b
}

func (r *run) equalItems(a, b []any) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !r.equal(a[i], b[i]) {
			return false
		}
	}
	return true
}

// contains is the operator in.
func (r *run) contains(of, v any) bool {
	if s, ok := asText(of); ok {
		part, ok := asText(v)
		if !ok {
			r.refuse("in", v, of)
		}
		r.scan(len(s))
		return strings.Contains(s, part)
	}
	if d, ok := of.(*Dict); ok {
		if _, ok := hashed(v); !ok {
			fail(0, "a %s cannot be the key of a dictionary", typeName(v))
		}
		_, ok := d.get(v)
		return ok
	}
	for _, item := range r.iterate(of) {
		if r.equal(item, v) {
			return true
		}
	}
	return false
}
