package jinja

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// Options are what a rendering takes from outside.
type Options struct {
	Now func() time.Time // for strftime_now; nil: the clock of the machine
}

// Render renders a template with variables: nil, bool, int, int64, float64,
// string, []any, map[string]any, whose keys are sorted, and what Decode gives.
func (t *Template) Render(ctx context.Context, variables map[string]any, o Options) (text string, err error) {
	r := &run{budget: budget{ctx: ctx, deadline: time.Now().Add(maxTime), steps: maxSteps, bytes: maxBytes}, now: o.Now}
	if r.now == nil {
		r.now = time.Now
	}
	defer func() {
		if err != nil && r.line > 0 && ctx.Err() == nil {
			err = fmt.Errorf("line %d: %w", r.line, err)
		}
	}()
	defer recovered(&err)
	r.work(1)
	root := &scope{names: map[string]any{}, outer: globals}
	size := 0
	for name, v := range variables {
		root.names[name] = valueOf(v, &size)
	}
	r.bytes += 16 * size
	var b strings.Builder
	r.out = &b
	r.scope = root
	r.nodes(t.nodes)
	return b.String(), nil
}

// run is one rendering.
type run struct {
	budget
	now   func() time.Time
	scope *scope
	out   *strings.Builder
	line  int
	leave leaving
}

// leaving is how a body ends.
type leaving int

const (
	goesOn leaving = iota
	continues
	breaks
)

// scope holds the names of a block.
type scope struct {
	names map[string]any
	outer *scope
}

func (s *scope) set(name string, v any) {
	if s.names == nil {
		s.names = map[string]any{}
	}
	s.names[name] = v
}

func (r *run) lookup(name string) any {
	for s := r.scope; s != nil; s = s.outer {
		r.work(1)
		if v, ok := s.names[name]; ok {
			return v
		}
	}
	return &undefined{fmt.Sprintf("%q is undefined", name)}
}

// within runs a part in a scope of its own.
func (r *run) within(outer *scope, part func()) {
	before := r.scope
	r.grow(64)
	r.scope = &scope{outer: outer}
	part()
	r.scope = before
}

// captured returns what a part prints.
func (r *run) captured(part func()) string {
	before := r.out
	var b strings.Builder
	r.out = &b
	part()
	r.out = before
	return b.String()
}

func (r *run) nodes(nodes []node) {
	for _, n := range nodes {
		r.work(1)
		r.deeper()
		r.node(n)
		r.nesting--
		if r.leave != goesOn {
			return
		}
	}
}

func (r *run) node(n node) {
	switch n := n.(type) {
	case *text:
		r.write(r.out, n.text)
	case *print:
		r.line = n.line
		r.write(r.out, r.str(r.eval(n.of)))
	case *branch:
		r.branch(n)
	case *loop:
		r.line = n.line
		r.enterLoop(n)
	case *set:
		r.line = n.line
		r.assign(n.target, n.unpack, n.field, r.eval(n.value))
	case *setBlock:
		var v any
		r.within(r.scope, func() { v = r.captured(func() { r.nodes(n.body) }) })
		r.line = n.line
		r.assign([]string{n.name}, false, n.field, r.chain(n.filter, v))
	case *with:
		r.line = n.line
		outer := r.scope
		r.within(outer, func() {
			inner := r.scope
			for i, name := range n.names {
				r.scope = outer
				v := r.eval(n.values[i])
				r.scope = inner
				r.scope.set(name, v)
			}
			r.nodes(n.body)
		})
	case *macro:
		r.scope.set(n.name, r.define(n))
	case *callBlock:
		r.line = n.line
		r.callBlock(n)
	case *filterBlock:
		var v any
		r.within(r.scope, func() { v = r.captured(func() { r.nodes(n.body) }) })
		r.line = n.line
		r.write(r.out, r.str(r.chain(n.filter, v)))
	case *generation:
		r.within(r.scope, func() { r.nodes(n.body) })
	case *control:
		r.leave = continues
		if n.leave {
			r.leave = breaks
		}
	}
}

func (r *run) branch(n *branch) {
	for {
		r.line = n.line
		if truth(r.eval(n.test)) {
			r.nodes(n.then)
			return
		}
		if len(n.also) == 1 {
			if next, ok := n.also[0].(*branch); ok {
				n = next
				continue
			}
		}
		r.nodes(n.also)
		return
	}
}

// assign gives names, or a field of a namespace, a value.
func (r *run) assign(target []string, unpack bool, field string, v any) {
	if field != "" {
		ns, ok := r.lookup(target[0]).(*namespace)
		if !ok {
			fail(0, "%q is not a namespace: it has no fields to set", target[0])
		}
		ns.setField(field, v)
		return
	}
	if !unpack {
		r.grow(64)
		r.scope.set(target[0], v)
		return
	}
	items := r.iterate(v)
	if len(items) != len(target) {
		fail(0, "%d names are given %d values", len(target), len(items))
	}
	r.grow(64 * len(items))
	for i, name := range target {
		r.scope.set(name, items[i])
	}
}

func (n *namespace) setField(field string, v any) {
	if strings.HasPrefix(field, "_") {
		fail(0, "the field %q of a namespace begins with _", field)
	}
	n.set(field, v)
}
