package jinja

// loopState is what a loop knows of itself.
type loopState struct {
	loop      *loop
	scope     *scope
	items     []any
	index     int
	depth     int
	last      any
	lastKnown bool
}

func (r *run) enterLoop(n *loop) {
	r.iterateLoop(n, r.scope, r.eval(n.over), 0)
}

func (r *run) iterateLoop(n *loop, outer *scope, over any, depth int) {
	items := r.iterate(over)
	if n.filter != nil {
		kept := r.items(len(items))
		for _, item := range items {
			r.within(outer, func() {
				r.assign(n.target, n.unpack, "", item)
				if truth(r.eval(n.filter)) {
					kept = append(kept, item)
				}
			})
		}
		items = kept
	}
	if len(items) == 0 {
		r.within(outer, func() { r.nodes(n.otherwise) })
		return
	}
	state := &loopState{loop: n, scope: outer, items: items, depth: depth}
	for i := range items {
		state.index = i
		r.within(outer, func() {
			r.line = n.line
			r.scope.set("loop", state)
			r.assign(n.target, n.unpack, "", items[i])
			r.nodes(n.body)
		})
		leave := r.leave
		r.leave = goesOn
		if leave == breaks {
			break
		}
	}
}

// attribute returns a field of a loop.
func (l *loopState) attribute(name string) (any, bool) {
	i, n := int64(l.index), int64(len(l.items))
	beside := func(at int64, reason string) any {
		if at < 0 || at >= n {
			return &undefined{reason}
		}
		return l.items[at]
	}
	switch name {
	case "index":
		return i + 1, true
	case "index0":
		return i, true
	case "revindex":
		return n - i, true
	case "revindex0":
		return n - i - 1, true
	case "first":
		return i == 0, true
	case "last":
		return i == n-1, true
	case "length":
		return n, true
	case "depth":
		return int64(l.depth) + 1, true
	case "depth0":
		return int64(l.depth), true
	case "previtem":
		return beside(i-1, "there is no previous item"), true
	case "nextitem":
		return beside(i+1, "there is no next item"), true
	case "cycle":
		return &function{"cycle", func(_ *run, a callArgs) any {
			if len(a.args) == 0 {
				fail(0, "loop.cycle has no items")
			}
			return a.args[l.index%len(a.args)]
		}}, true
	case "changed":
		return &function{"changed", func(r *run, a callArgs) any {
			now := tuple(a.args)
			changed := !l.lastKnown || !r.equal(l.last, now)
			l.last, l.lastKnown = now, true
			return changed
		}}, true
	}
	return nil, false
}

// again runs the body of a recursive loop for other items.
func (l *loopState) again(r *run, a callArgs) any {
	if !l.loop.recursive || len(a.args) != 1 {
		fail(0, "a loop is called that is not recursive, or not with one list")
	}
	var s string
	r.nested(func() {
		s = r.captured(func() { r.iterateLoop(l.loop, l.scope, a.args[0], l.depth+1) })
	})
	return s
}
