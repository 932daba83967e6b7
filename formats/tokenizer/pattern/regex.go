package pattern

// Regexp is a compiled split pattern: a backtracking program, as the patterns
// need lookahead and leftmost-first alternatives. A run of one character set
// takes one step and one backtrack entry, whatever its length.
type Regexp struct {
	prog []inst
	// first says which ASCII characters can begin a match, far whether any other
	// character can; empty says that a match may consume nothing.
	first [128]bool
	far   bool
	empty bool
}

// CompileRegexp compiles a pattern over the given edition of Unicode.
func CompileRegexp(pattern string, ed *Edition) (*Regexp, error) {
	p := &parser{src: pattern, ed: ed}
	if len(pattern) > maxPattern {
		return nil, p.fail("pattern is too large")
	}
	root, err := p.alternatives()
	if err != nil {
		return nil, err
	}
	if p.more() {
		return nil, p.fail("unbalanced )")
	}
	c := compiler{}
	c.emit(root)
	c.add(inst{op: opMatch})
	if c.size > maxProgram {
		return nil, p.fail("pattern is too large")
	}
	re := &Regexp{prog: c.prog}
	re.empty = re.begin(root)
	return re, nil
}

// begin adds what can begin n to the first set; true when n can be empty.
func (re *Regexp) begin(n *node) bool {
	switch {
	case n.set != nil:
		for r := range re.first {
			re.first[r] = re.first[r] || n.set.has(rune(r))
		}
		re.far = true
		return false
	case n.alt != nil:
		empty := false
		for _, a := range n.alt {
			empty = re.begin(a) || empty
		}
		return empty
	case n.repeat != nil:
		return re.begin(n.repeat) || n.min == 0
	case n.look != nil || n.assert != 0:
		return true
	}
	for _, item := range n.seq {
		if !re.begin(item) {
			return false
		}
	}
	return true
}

type compiler struct {
	prog []inst
	size int // of all programs, nested ones included
}

func (c *compiler) add(i inst) int {
	if c.size++; c.size <= maxProgram {
		c.prog = append(c.prog, i)
	}
	return len(c.prog) - 1
}

// nested compiles n as a program of its own.
func (c *compiler) nested(n *node) []inst {
	in := compiler{size: c.size}
	in.emit(n)
	in.add(inst{op: opMatch})
	c.size = in.size
	return in.prog
}

func (c *compiler) emit(n *node) {
	if c.size > maxProgram {
		return
	}
	switch {
	case n.set != nil:
		c.add(inst{op: opSet, set: n.set})
	case n.alt != nil:
		c.emitAlt(n.alt)
	case n.repeat != nil && n.atomic:
		greedy := *n
		greedy.atomic = false
		c.add(inst{op: opAtomic, sub: c.nested(&greedy)})
	case n.repeat != nil && n.repeat.set != nil && !n.lazy:
		c.add(inst{op: opRun, set: n.repeat.set, min: n.min, max: n.max})
	case n.repeat != nil:
		c.emitRepeat(n)
	case n.look != nil:
		c.add(inst{op: opLook, negate: n.negate, sub: c.nested(n.look)})
	case n.assert != 0:
		c.add(inst{op: n.assert, negate: n.negate})
	default:
		for _, item := range n.seq {
			c.emit(item)
		}
	}
}

func (c *compiler) emitAlt(alt []*node) {
	var ends []int
	for i, a := range alt {
		if i == len(alt)-1 {
			c.emit(a)
			break
		}
		split := c.add(inst{op: opSplit})
		c.emit(a)
		ends = append(ends, c.add(inst{op: opJump}))
		c.prog[split].x, c.prog[split].y = split+1, len(c.prog)
	}
	for _, e := range ends {
		c.prog[e].x = len(c.prog)
	}
}

func (c *compiler) emitRepeat(n *node) {
	branch := func(at, body, skip int) {
		if n.lazy {
			body, skip = skip, body
		}
		c.prog[at].x, c.prog[at].y = body, skip
	}
	for range n.min {
		c.emit(n.repeat)
	}
	if n.max < 0 {
		loop := c.add(inst{op: opSplit})
		c.emit(n.repeat)
		c.add(inst{op: opJump, x: loop})
		branch(loop, loop+1, len(c.prog))
		return
	}
	var splits []int
	for range n.max - n.min {
		splits = append(splits, c.add(inst{op: opSplit}))
		c.emit(n.repeat)
	}
	for _, s := range splits {
		branch(s, s+1, len(c.prog))
	}
}
