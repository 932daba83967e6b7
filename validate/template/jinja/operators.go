package jinja

import (
	"math"
	"strings"
)

// integer returns the value of a whole number.
func integer(v any) (int64, bool) {
	switch v := v.(type) {
	case int64:
		return v, true
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	}
	return 0, false
}

// real returns the value of a number.
func real(v any) (float64, bool) {
	if f, ok := v.(float64); ok {
		return f, true
	}
	i, ok := integer(v)
	return float64(i), ok
}

func (r *run) unary(op string, v any) any {
	if op == "not" {
		return !truth(v)
	}
	if i, ok := integer(v); ok {
		switch {
		case op == "+":
			return i
		case i == math.MinInt64:
			overflow()
		}
		return -i
	}
	f, ok := v.(float64)
	if !ok {
		r.refuse(op, v, v)
	}
	if op == "+" {
		return f
	}
	return -f
}

func overflow() { fail(0, "a number needs more than 64 bits") }

// refuse ends the rendering where an operator does not take its operands.
func (r *run) refuse(op string, a, b any) {
	wantDefined(a)
	wantDefined(b)
	fail(0, "%s does not take %s and %s", op, typeName(a), typeName(b))
}

func (r *run) binary(op string, a, b any) any {
	if op == "~" {
		s, t := r.str(a), r.str(b)
		r.grow(len(s) + len(t))
		return s + t
	}
	x, okX := integer(a)
	y, okY := integer(b)
	if okX && okY {
		return r.integers(op, x, y)
	}
	f, okF := real(a)
	g, okG := real(b)
	if okF && okG {
		return floats(op, f, g)
	}
	switch op {
	case "+":
		return r.add(a, b)
	case "*":
		if okX {
			a, y, okY = b, x, true
		}
		if okY {
			return r.repeat(a, y)
		}
	case "%":
		if format, ok := asText(a); ok {
			s := r.format(format, b)
			if _, ok := a.(markup); ok {
				return markup(s)
			}
			return s
		}
	}
	r.refuse(op, a, b)
	return nil
}

func (r *run) add(a, b any) any {
	s, okS := asText(a)
	t, okT := asText(b)
	if okS && okT {
		r.grow(len(s) + len(t))
		_, safeA := a.(markup)
		_, safeB := b.(markup)
		switch {
		case safeA && safeB:
			return markup(s + t)
		case safeA:
			return markup(s + r.escape(t))
		case safeB:
			return markup(r.escape(s) + t)
		}
		return s + t
	}
	switch x := a.(type) {
	case list:
		if y, ok := b.(list); ok {
			return append(append(list(r.items(len(x)+len(y))), x...), y...)
		}
	case tuple:
		if y, ok := b.(tuple); ok {
			return append(append(tuple(r.items(len(x)+len(y))), x...), y...)
		}
	}
	r.refuse("+", a, b)
	return nil
}

// repeat is a text or a list, n times.
func (r *run) repeat(v any, n int64) any {
	times := int(min(max(n, 0), math.MaxInt32))
	switch v := v.(type) {
	case string:
		return strings.Repeat(v, r.times(len(v), times))
	case markup:
		return markup(strings.Repeat(string(v), r.times(len(v), times)))
	case list:
		return list(r.repeated(v, times))
	case tuple:
		return tuple(r.repeated(v, times))
	}
	r.refuse("*", v, n)
	return nil
}

func (r *run) repeated(v []any, n int) []any {
	if len(v) == 0 {
		return nil
	}
	r.times(16*len(v), n)
	items := make([]any, 0, len(v)*n)
	for range n {
		items = append(items, v...)
	}
	return items
}

func (r *run) integers(op string, x, y int64) any {
	switch op {
	case "+":
		if s := x + y; (s > x) == (y > 0) {
			return s
		}
	case "-":
		if d := x - y; (d < x) == (y > 0) {
			return d
		}
	case "*":
		if x == 0 || y == 0 {
			return int64(0)
		}
		if p := x * y; p/y == x && (x != math.MinInt64 || y != -1) && (y != math.MinInt64 || x != -1) {
			return p
		}
	case "/":
		if y == 0 {
			fail(0, "a division by zero")
		}
		return float64(x) / float64(y)
	case "//", "%":
		if y == 0 {
			fail(0, "a division by zero")
		}
		if x == math.MinInt64 && y == -1 {
			break
		}
		q, rest := x/y, x%y
		if rest != 0 && (rest < 0) != (y < 0) {
			q, rest = q-1, rest+y
		}
		if op == "//" {
			return q
		}
		return rest
	case "**":
		return r.power(x, y)
	}
	overflow()
	return nil
}

func (r *run) power(x, y int64) any {
	if y < 0 {
		return floats("**", float64(x), float64(y))
	}
	p := int64(1)
	if x == 0 || x == 1 || x == -1 {
		y = min(y, 2+y%2) // the sign is that of a small one
	}
	for range min(y, 65) {
		p = r.integers("*", p, x).(int64)
	}
	return p
}

func floats(op string, x, y float64) any {
	switch op {
	case "+":
		return x + y
	case "-":
		return x - y
	case "*":
		return x * y
	case "**":
		return math.Pow(x, y)
	}
	if y == 0 {
		fail(0, "a division by zero")
	}
	switch op {
	case "/":
		return x / y
	case "//":
		return math.Floor(x / y)
	}
	rest := math.Mod(x, y)
	if rest != 0 && (rest < 0) != (y < 0) {
		rest += y
	}
	return rest
}
