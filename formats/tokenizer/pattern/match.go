package pattern

import (
	"math"
	"sync"
	"unicode/utf8"
)

// frame is a point to come back to: at pc, from any of the positions low..pos
// (a run gives characters back one by one).
type frame struct{ pc, pos, low int }

type matcher struct {
	stack []frame
	steps int  // since the last account
	dead  bool // there may be no more
	work  *Work

	tries  int  // points that were come back to since the last match
	failed memo // those that lead nowhere
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
		m.work, m.failed = nil, memo{}
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
	m.failed = memo{}
	m.tries = 0
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
		if end := m.run(re.prog, s, at, true); end >= 0 {
			return at, end, true
		}
		if m.dead {
			return 0, 0, false
		}
	}
	return 0, 0, false
}

// inRune reports whether the continuation byte at i belongs to a character that
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

// run matches prog at the position and returns the end of the match or -1. whole
// says that prog is the whole pattern, not a part of it.
func (m *matcher) run(prog []inst, s string, at int, whole bool) int {
	base := len(m.stack)
	defer func() { m.stack = m.stack[:base] }()
	pc, pos := 0, at
	back := false // the matcher has just come back to this instruction
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
			if ok = back || !whole || m.tries < memoAfter || !m.triedBefore(len(prog), pc, at, pos, len(s)); ok {
				m.stack = append(m.stack, frame{in.y, pos, pos})
				pc, back = in.x, false
				continue
			}
		case opJump:
			pc = in.x
			continue
		case opLook:
			ok = (m.run(in.sub, s, pos, false) >= 0) != in.negate
		case opAtomic:
			end := m.run(in.sub, s, pos, false)
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
		if back = false; ok {
			pc++
			continue
		}
		for tried := true; tried; {
			if len(m.stack) == base {
				return -1
			}
			pc, pos = m.goBack(s)
			tried = whole && m.triedBefore(len(prog), pc, at, pos, len(s))
		}
		back = true
	}
}

// goBack goes to the last point to come back to.
func (m *matcher) goBack(s string) (pc, pos int) {
	top := &m.stack[len(m.stack)-1]
	if top.low < top.pos {
		top.pos = before(s, top.pos)
	}
	pc, pos = top.pc, top.pos
	if top.low >= top.pos {
		m.stack = m.stack[:len(m.stack)-1]
	}
	return pc, pos
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

// WordBefore reports whether a word character ends at pos.
func WordBefore(s string, pos int) bool {
	r, n := utf8.DecodeLastRuneInString(s[:pos])
	return n > 0 && wordSet.lookup(r)
}

// WordAfter reports whether a word character begins at pos.
func WordAfter(s string, pos int) bool {
	if pos == len(s) {
		return false
	}
	r, _ := decode(s[pos:])
	return wordSet.lookup(r)
}

// triedBefore reports whether the matcher has come back to an instruction of a
// program of the given length at a place before, and takes note of it. Places
// lie between from, where the match began, and end.
func (m *matcher) triedBefore(program, pc, from, pos, end int) bool {
	if m.tries++; m.tries < memoAfter {
		return false
	}
	if m.failed.bits == nil {
		size := program * (end - from + 1)
		if size > memoBits || !m.work.Spend(size/64) {
			m.tries = 0 // too much to remember: ask again later, from further on
			return false
		}
		m.failed = memo{make([]uint64, size/64+1), from}
	}
	return m.failed.note(program*(pos-m.failed.from) + pc)
}
