package pattern

import (
	"math"
	"sync"
	"unicode/utf8"
)

// Regexp is a compiled split pattern: a backtracking program, as the patterns
// need lookahead and leftmost-first alternatives. A run of one character set
// takes one step and one backtrack entry, whatever its length.
type Regexp struct {
	prog []inst
	// first tells which ASCII characters, and whether any other character,
	// can begin a match; empty tells that a match may consume nothing.
	first [128]bool
	far   bool
	empty bool
}

type op uint8

const (
	opSet      op = iota + 1 // one character of set
	opRun                    // min to max characters of set, as many as possible
	opSplit                  // try x, then y
	opJump                   // to x
	opLook                   // sub matches here (not, with negate)
	opAtomic                 // sub, without coming back into it
	opBegin                  // begin of text
	opEnd                    // end of text or of a line
	opLast                   // end of text
	opBoundary               // word boundary
	opMatch
)

type inst struct {
	op       op
	negate   bool
	set      *runeSet
	sub      []inst
	x, y     int
	min, max int
}

const (
	maxPattern = 1 << 16 // bytes
	maxProgram = 1 << 12 // instructions
	maxFrames  = 1 << 20 // points to come back to
)

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

// frame is a point to come back to: at pc, from any of the positions low..pos
// (a run gives characters back one by one).
type frame struct{ pc, pos, low int }

type matcher struct {
	stack []frame
	steps int  // since the last account
	dead  bool // there may be no more
	work  *Work
}

// spend accounts for the steps made; false where there may be no more.
func (m *matcher) spend() bool {
	steps := m.steps
	m.steps = 0
	if len(m.stack) > maxFrames {
		steps = math.MaxInt32 // more than any text is worth
	}
	m.dead = !m.work.Spend(steps)
	return !m.dead
}

// stepsAtOnce are made between two accounts.
const stepsAtOnce = 256

var matchers = sync.Pool{New: func() any { return new(matcher) }}

// Each calls yield with the bounds of every match in s, in order, leftmost
// first and not overlapping. An empty match is reported only where it does not
// touch the end of the match before. It stops where the work ends.
func (re *Regexp) Each(w *Work, s string, yield func(start, end int)) {
	m := matchers.Get().(*matcher)
	m.work, m.dead = w, false
	defer func() {
		m.spend()
		m.work = nil
		matchers.Put(m)
	}()
	for at, last := 0, -1; ; {
		start, end, ok := re.find(m, s, at)
		if !ok || w.Err() != nil {
			return
		}
		if start < end || start != last {
			yield(start, end)
			last = end
		}
		if at = end; start == end {
			if end >= len(s) {
				return
			}
			_, n := decode(s[end:])
			at += n
		}
	}
}

// find returns the first match in s that begins at from or later.
func (re *Regexp) find(m *matcher, s string, from int) (start, end int, ok bool) {
	for at := from; at <= len(s); at++ {
		if m.steps++; m.steps >= stepsAtOnce && !m.spend() {
			return 0, 0, false
		}
		if at < len(s) {
			if b := s[at]; b < utf8.RuneSelf && !re.first[b] && !re.empty || b >= utf8.RuneSelf && !re.far && !re.empty {
				continue
			} else if b&0xC0 == 0x80 && inRune(s, at) {
				continue
			}
		} else if !re.empty {
			break
		}
		if end := m.run(re.prog, s, at); end >= 0 {
			return at, end, true
		}
		if m.dead {
			return 0, 0, false
		}
	}
	return 0, 0, false
}

// inRune tells whether the continuation byte at i belongs to a character that
// began before it.
func inRune(s string, i int) bool {
	for back := 1; back < utf8.UTFMax && back <= i; back++ {
		if utf8.RuneStart(s[i-back]) {
			_, n := utf8.DecodeRuneInString(s[i-back:])
			return n > back
		}
	}
	return false
}

// run matches prog at the position and returns the end of the match or -1.
func (m *matcher) run(prog []inst, s string, at int) int {
	base := len(m.stack)
	defer func() { m.stack = m.stack[:base] }()
	pc, pos := 0, at
	for {
		if m.steps++; m.steps >= stepsAtOnce && !m.spend() {
			return -1
		}
		in, ok := &prog[pc], true
		switch in.op {
		case opMatch:
			return pos
		case opSet:
			if ok = pos < len(s); ok {
				r, n := decode(s[pos:])
				ok = in.set.has(r)
				m.steps += in.set.weight
				pos += n
			}
		case opRun:
			low, count := pos, 0
			for pos < len(s) && count != in.max {
				r, n := decode(s[pos:])
				if !in.set.has(r) {
					break
				}
				pos += n
				if count++; count == in.min {
					low = pos
				}
			}
			m.steps += count / 16 * (1 + in.set.weight)
			if ok = count >= in.min; ok && pos > low {
				m.stack = append(m.stack, frame{pc + 1, pos, low})
			}
		case opSplit:
			m.stack = append(m.stack, frame{in.y, pos, pos})
			pc = in.x
			continue
		case opJump:
			pc = in.x
			continue
		case opLook:
			ok = (m.run(in.sub, s, pos) >= 0) != in.negate
		case opAtomic:
			end := m.run(in.sub, s, pos)
			if ok = end >= 0; ok {
				pos = end
			}
		case opBegin:
			ok = pos == 0 || s[pos-1] == '\n'
		case opEnd:
			ok = pos == len(s) || s[pos] == '\n'
		case opLast:
			ok = pos == len(s)
		case opBoundary:
			ok = (WordBefore(s, pos) != WordAfter(s, pos)) != in.negate
		}
		if ok {
			pc++
			continue
		}
		if len(m.stack) == base {
			return -1
		}
		top := &m.stack[len(m.stack)-1]
		pc = top.pc
		if top.low < top.pos {
			top.pos = before(s, top.pos)
		}
		pos = top.pos
		if top.low >= top.pos {
			m.stack = m.stack[:len(m.stack)-1]
		}
	}
}

// before is the position of the character that ends at pos.
func before(s string, pos int) int {
	_, n := utf8.DecodeLastRuneInString(s[:pos])
	return pos - n
}

var wordSet = func() *runeSet {
	set := escapes['w']
	set.ed = Unicode16
	return &set
}()

func WordBefore(s string, pos int) bool {
	r, n := utf8.DecodeLastRuneInString(s[:pos])
	return n > 0 && wordSet.lookup(r)
}

func WordAfter(s string, pos int) bool {
	if pos == len(s) {
		return false
	}
	r, _ := decode(s[pos:])
	return wordSet.lookup(r)
}
