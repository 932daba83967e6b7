package jinja

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

func generator(items []any) *iterator { return &iterator{kind: "generator", items: items, once: true} }

// getter returns the function that finds an attribute, with dots between its
// steps; nil gives the value itself.
func (r *run) getter(of string, attribute any) func(any) any {
	if attribute == nil {
		return func(v any) any { return v }
	}
	if i, ok := integer(attribute); ok {
		return func(v any) any { return r.item(v, i) }
	}
	steps := strings.Split(wantText(of, attribute), ".")
	return func(v any) any {
		for _, step := range steps {
			if i, err := strconv.ParseInt(step, 10, 64); err == nil {
				v = r.item(v, i)
			} else {
				v = r.item(v, step)
			}
		}
		return v
	}
}

// folded is a text without case, where case does not count.
func (r *run) folded(v any, caseCounts bool) any {
	if s, ok := asText(v); ok && !caseCounts {
		r.grow(2 * len(s))
		return lower(s)
	}
	return v
}

func length(r *run, v any, a callArgs) any {
	r.params("length", a)
	switch v := v.(type) {
	case string:
		return int64(utf8.RuneCountInString(v))
	case markup:
		return int64(utf8.RuneCountInString(string(v)))
	case list:
		return int64(len(v))
	case tuple:
		return int64(len(v))
	case *Dict:
		return int64(v.Len())
	case *undefined:
		return int64(0)
	case *iterator:
		if !v.once {
			return int64(len(v.items))
		}
	}
	fail(0, "a %s has no length", typeName(v))
	return nil
}

func first(r *run, v any, a callArgs) any {
	r.params("first", a)
	items := r.iterate(v)
	if len(items) == 0 {
		return &undefined{"there is no first item: the sequence is empty"}
	}
	return items[0]
}

func last(r *run, v any, a callArgs) any {
	r.params("last", a)
	if it, ok := v.(*iterator); ok && it.once {
		fail(0, "last needs a list, not a generator")
	}
	items := r.iterate(v)
	if len(items) == 0 {
		return &undefined{"there is no last item: the sequence is empty"}
	}
	return items[len(items)-1]
}

func listFilter(r *run, v any, a callArgs) any {
	r.params("list", a)
	items := r.iterate(v)
	return append(list(r.items(len(items))), items...)
}

func itemsFilter(r *run, v any, a callArgs) any {
	r.params("items", a)
	switch v := v.(type) {
	case *undefined:
		return generator(nil)
	case *Dict:
		return generator(r.pairs(v))
	}
	fail(0, "items needs a dictionary, not a %s", typeName(v))
	return nil
}

func joinFilter(r *run, v any, a callArgs) any {
	p := r.params("join", a, "d?", "attribute?")
	items := r.iterate(v)
	if p[1] != nil {
		get := r.getter("join", p[1])
		picked := r.items(len(items))
		for _, item := range items {
			picked = append(picked, get(item))
		}
		items = picked
	}
	sep := ""
	if p[0] != nil {
		sep = r.str(p[0])
	}
	return r.join(items, sep)
}

func reverse(r *run, v any, a callArgs) any {
	r.params("reverse", a)
	if it, ok := v.(*iterator); ok && it.once {
		items := slices.Clone(r.iterate(v))
		r.items(len(items))
		slices.Reverse(items)
		return list(items)
	}
	items := append(r.items(len(r.iterate(v))), r.iterate(v)...)
	slices.Reverse(items)
	if _, ok := asText(v); ok {
		return rewrapped(v, r.join(items, ""))
	}
	return generator(items)
}

// mapFilter applies a filter to every item, or picks an attribute. What counts
// as false has no items, whether or not it can be gone through.
func mapFilter(r *run, v any, a callArgs) any {
	if !truth(v) {
		return generator(nil)
	}
	var apply func(any) any
	if len(a.args) == 0 {
		p := r.params("map", a, "attribute", "default?")
		get := r.getter("map", p[0])
		apply = func(item any) any {
			found := get(item)
			if _, ok := found.(*undefined); ok && p[1] != nil {
				return p[1]
			}
			return found
		}
	} else {
		name := wantText("map", a.args[0])
		rest := callArgs{a.args[1:], a.names, a.named}
		apply = func(item any) any { return r.applyFilter(name, item, rest) }
	}
	items := r.iterate(v)
	mapped := r.items(len(items))
	for _, item := range items {
		mapped = append(mapped, apply(item))
	}
	return generator(mapped)
}

// selector is select, reject, selectattr or rejectattr.
func selector(byAttribute, keep bool) func(*run, any, callArgs) any {
	return func(r *run, v any, a callArgs) any {
		if !truth(v) {
			return generator(nil)
		}
		get := r.getter("select", nil)
		if byAttribute {
			if len(a.args) == 0 {
				fail(0, "selectattr and rejectattr need an attribute")
			}
			get = r.getter("selectattr", a.args[0])
			a.args = a.args[1:]
		}
		holds := truth
		if len(a.args) > 0 {
			name, rest := wantText("select", a.args[0]), callArgs{a.args[1:], a.names, a.named}
			holds = func(item any) bool { return r.tested(name, item, rest) }
		}
		var kept []any
		for _, item := range r.iterate(v) {
			r.grow(32)
			if holds(get(item)) == keep {
				kept = append(kept, item)
			}
		}
		return generator(kept)
	}
}

// ordered sorts items by keys; what cannot be compared ends the rendering.
func (r *run) ordered(items []any, key func(any) any, reverse bool) []any {
	type pair struct{ key, item any }
	r.times(48, len(items))
	pairs := make([]pair, len(items))
	for i, item := range items {
		pairs[i] = pair{key(item), item}
	}
	slices.SortStableFunc(pairs, func(a, b pair) int {
		c := r.compare("<", a.key, b.key)
		if reverse {
			return -c
		}
		return c
	})
	sorted := make([]any, len(items))
	for i := range pairs {
		sorted[i] = pairs[i].item
	}
	return sorted
}

func sortFilter(r *run, v any, a callArgs) any {
	p := r.params("sort", a, "reverse?", "case_sensitive?", "attribute?")
	var getters []func(any) any
	if s, ok := asText(p[2]); ok {
		for _, attribute := range strings.Split(s, ",") {
			getters = append(getters, r.getter("sort", attribute))
		}
	} else {
		getters = append(getters, r.getter("sort", p[2]))
	}
	return list(r.ordered(r.iterate(v), func(item any) any {
		if len(getters) == 1 {
			return r.folded(getters[0](item), truth(p[1]))
		}
		var key tuple
		for _, get := range getters {
			r.grow(16)
			key = append(key, r.folded(get(item), truth(p[1])))
		}
		return key
	}, truth(p[0])))
}

func dictSort(r *run, v any, a callArgs) any {
	p := r.params("dictsort", a, "case_sensitive?", "by?", "reverse?")
	d, ok := v.(*Dict)
	if !ok {
		fail(0, "dictsort needs a dictionary, not a %s", typeName(v))
	}
	by := 0
	if p[1] != nil {
		switch wantText("dictsort", p[1]) {
		case "value":
			by = 1
		case "key":
		default:
			fail(0, "dictsort goes by key or value")
		}
	}
	return list(r.ordered(r.pairs(d), func(item any) any { return r.folded(item.(tuple)[by], truth(p[0])) }, truth(p[2])))
}

// extreme is max or min.
func extreme(name string, sign int) func(*run, any, callArgs) any {
	return func(r *run, v any, a callArgs) any {
		p := r.params(name, a, "case_sensitive?", "attribute?")
		items, get := r.iterate(v), r.getter(name, p[1])
		if len(items) == 0 {
			return &undefined{"there is no " + name + ": the sequence is empty"}
		}
		best := items[0]
		key := r.folded(get(best), truth(p[0]))
		for _, item := range items[1:] {
			if k := r.folded(get(item), truth(p[0])); sign*r.compare("<", k, key) > 0 {
				best, key = item, k
			}
		}
		return best
	}
}

func unique(r *run, v any, a callArgs) any {
	p := r.params("unique", a, "case_sensitive?", "attribute?")
	get, seen := r.getter("unique", p[1]), &Dict{}
	var kept []any
	for _, item := range r.iterate(v) {
		r.grow(96)
		n := seen.Len()
		r.setKey(seen, r.folded(get(item), truth(p[0])), nil)
		if seen.Len() > n {
			kept = append(kept, item)
		}
	}
	return generator(kept)
}

func sum(r *run, v any, a callArgs) any {
	p := r.params("sum", a, "attribute?", "start?")
	get, total := r.getter("sum", p[0]), p[1]
	if total == nil {
		total = int64(0)
	}
	for _, item := range r.iterate(v) {
		total = r.binary("+", total, get(item))
	}
	return total
}

func batch(r *run, v any, a callArgs) any {
	p := r.params("batch", a, "linecount", "fill_with?")
	n := wantInt("batch", p[0], 0)
	if n < 1 {
		fail(0, "batch needs a number above 0")
	}
	var rows []any
	items := r.iterate(v)
	for len(items) > 0 {
		size := int(min(n, int64(len(items))))
		row := append(list(r.items(size+2)), items[:size]...)
		rows, items = append(rows, row), items[size:]
	}
	if last := len(rows) - 1; last >= 0 && p[1] != nil {
		row := rows[last].(list)
		missing := int(min(n-int64(len(row)), 1<<40))
		r.times(16, missing)
		for range missing {
			row = append(row, p[1])
		}
		rows[last] = row
	}
	return generator(rows)
}

func sliceFilter(r *run, v any, a callArgs) any {
	p := r.params("slice", a, "slices", "fill_with?")
	n := int(min(wantInt("slice", p[0], 0), 1<<40))
	if n < 1 {
		fail(0, "slice needs a number above 0")
	}
	items := r.iterate(v)
	r.items(len(items))
	r.times(64, n)
	var columns []any
	each, more := len(items)/n, len(items)%n
	for i := range n {
		size := each
		if i < more {
			size++
		}
		column := append(list{}, items[:size]...)
		items = items[size:]
		if p[1] != nil && i >= more && more > 0 {
			column = append(column, p[1])
		}
		columns = append(columns, column)
	}
	return generator(columns)
}
