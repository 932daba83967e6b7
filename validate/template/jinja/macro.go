package jinja

import (
	"fmt"
	"slices"
)

// nested counts calls within calls.
func (r *run) nested(part func()) {
	if r.calls++; r.calls > maxCalls {
		fail(0, "more than %d calls lie in each other", maxCalls)
	}
	part()
	r.calls--
}

// define makes a function of a macro.
func (r *run) define(m *macro) *function {
	outer := r.scope
	return &function{m.name, func(r *run, a callArgs) any {
		var s string
		r.nested(func() {
			before := r.leave
			r.within(outer, func() {
				r.bind(m, a)
				s = r.captured(func() { r.nodes(m.body) })
			})
			r.leave = before
		})
		return s
	}}
}

// bind gives the parameters of a macro their values.
func (r *run) bind(m *macro, a callArgs) {
	given := map[string]any{}
	for i, p := range m.params {
		if i < len(a.args) {
			given[p] = a.args[i]
		}
	}
	extra := &Dict{}
	for i, name := range a.names {
		switch _, twice := given[name]; {
		case slices.Contains(m.params, name) && !twice:
			given[name] = a.named[i]
		case name == "caller":
			r.scope.set("caller", a.named[i])
		case m.uses["kwargs"] && !twice:
			extra.set(name, a.named[i])
		default:
			fail(0, "macro %q does not take the argument %q", m.name, name)
		}
	}
	rest := tuple{}
	if len(a.args) > len(m.params) {
		if rest = a.args[len(m.params):]; !m.uses["varargs"] {
			fail(0, "macro %q takes no more than %d arguments", m.name, len(m.params))
		}
	}
	r.scope.set("varargs", rest)
	r.scope.set("kwargs", extra)
	if _, ok := r.scope.names["caller"]; !ok && m.uses["caller"] {
		r.scope.set("caller", &undefined{"no caller is defined"})
	}
	for i, p := range m.params {
		v, ok := given[p]
		if !ok {
			v = &undefined{fmt.Sprintf("the parameter %q was not given", p)}
			if d := i - (len(m.params) - len(m.defaults)); d >= 0 {
				v = r.eval(m.defaults[d])
			}
		}
		r.scope.set(p, v)
	}
}

// callBlock calls a macro with a block as its caller.
func (r *run) callBlock(n *callBlock) {
	c, ok := n.call.(*call)
	if !ok {
		fail(0, "{%% call %%} needs a call")
	}
	a := r.args(c.args)
	a.names, a.named = append(a.names, "caller"), append(a.named, r.define(n.macro))
	r.write(r.out, r.str(r.call(r.eval(c.of), a)))
}
