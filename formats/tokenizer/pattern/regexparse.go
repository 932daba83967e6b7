package pattern

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/f190792d/mq/formats/fault"
)

// node is a parsed regular expression. Exactly one of the forms is used.
type node struct {
	set    *runeSet
	seq    []*node // concatenation, also the empty expression
	alt    []*node
	repeat *node // with min, max (-1: no limit), lazy, atomic
	look   *node // lookahead, with negate
	assert op    // opBegin, opEnd, opLast, opBoundary, with negate

	min, max             int
	lazy, atomic, negate bool

	empty bool // can match without consuming text
	size  int  // of its program, at least 1
}

const (
	maxRepeat = 1024 // {m,n}
	maxNest   = 64   // groups and sets in one another
)

// parser reads the dialect that tokenizer files use (Oniguruma's, without
// back-references, look-behind and recursion).
type parser struct {
	src  string
	pos  int
	fold bool
	deep int
	ed   *Edition
}

func (p *parser) fail(what string) error {
	return fault.Op("tokenizer").Unsupported("split pattern %q: %s at byte %d", p.src, what, p.pos)
}

func (p *parser) more() bool         { return p.pos < len(p.src) }
func (p *parser) peek(s string) bool { return strings.HasPrefix(p.src[p.pos:], s) }
func (p *parser) accept(s string) bool {
	if p.peek(s) {
		p.pos += len(s)
		return true
	}
	return false
}

func (p *parser) rune() rune {
	r, n := utf8.DecodeRuneInString(p.src[p.pos:])
	p.pos += n
	return r
}

func (p *parser) alternatives() (*node, error) {
	if p.deep++; p.deep > maxNest {
		return nil, p.fail("groups nest too deeply")
	}
	defer func() { p.deep-- }()
	var alt []*node
	for {
		seq := &node{}
		for p.more() && !p.peek("|") && !p.peek(")") {
			item, err := p.item()
			if err != nil {
				return nil, err
			}
			seq.seq = append(seq.seq, item)
		}
		if _, err := p.sized(seq); err != nil {
			return nil, err
		}
		alt = append(alt, seq)
		if !p.accept("|") {
			break
		}
	}
	if len(alt) == 1 {
		return alt[0], nil
	}
	return p.sized(&node{alt: alt})
}

// item reads one atom with its quantifiers.
func (p *parser) item() (*node, error) {
	atom, err := p.atom()
	if err != nil {
		return nil, err
	}
	if _, err := p.sized(atom); err != nil {
		return nil, err
	}
	for tower := 0; p.more(); tower++ {
		lo, hi, ok := p.quantifier()
		if !ok {
			break
		}
		if tower == maxNest {
			return nil, p.fail("too many repeats of one another")
		}
		if lo > maxRepeat || hi > maxRepeat || hi >= 0 && lo > hi {
			return nil, p.fail("repeat count out of range")
		}
		if hi < 0 && atom.empty || atom.assert != 0 || atom.look != nil {
			return nil, p.fail("repeat of an expression that can be empty")
		}
		atom = &node{repeat: atom, min: lo, max: hi}
		if p.accept("?") {
			atom.lazy = true
		} else if p.accept("+") {
			atom.atomic = true
		}
		if _, err := p.sized(atom); err != nil {
			return nil, err
		}
	}
	return atom, nil
}

func (p *parser) quantifier() (lo, hi int, ok bool) {
	switch {
	case p.accept("*"):
		return 0, -1, true
	case p.accept("+"):
		return 1, -1, true
	case p.accept("?"):
		return 0, 1, true
	}
	const longest = 32
	if !p.peek("{") {
		return 0, 0, false
	}
	body, _, found := strings.Cut(p.src[p.pos:min(p.pos+longest, len(p.src))], "}")
	if !found {
		return 0, 0, false
	}
	from, to, ranged := strings.Cut(body[1:], ",")
	lo, err := strconv.Atoi(from)
	if err != nil || lo < 0 {
		return 0, 0, false
	}
	hi = lo
	if ranged {
		hi = -1
		if to != "" {
			if hi, err = strconv.Atoi(to); err != nil || hi < 0 {
				return 0, 0, false
			}
		}
	}
	p.pos += len(body) + 1
	return lo, hi, true
}

func (p *parser) atom() (*node, error) {
	switch {
	case p.peek("("):
		return p.group()
	case p.peek("["):
		set, err := p.bracket()
		return &node{set: set}, err
	case p.accept("^"):
		return &node{assert: opBegin}, nil
	case p.accept("$"):
		return &node{assert: opEnd}, nil
	case p.accept("."):
		return &node{set: (&runeSet{ranges: []rune{'\n', '\n'}, negate: true}).seal()}, nil
	case p.peek("*"), p.peek("+"), p.peek("?"):
		return nil, p.fail("nothing to repeat")
	case p.accept(`\b`):
		return &node{assert: opBoundary}, nil
	case p.accept(`\B`):
		return &node{assert: opBoundary, negate: true}, nil
	case p.accept(`\A`):
		return &node{assert: opBegin}, nil
	case p.accept(`\z`), p.accept(`\Z`):
		return &node{assert: opLast}, nil
	case p.peek(`\`):
		set, err := p.escape()
		if err != nil {
			return nil, err
		}
		set.fold = p.fold
		return &node{set: set.seal()}, nil
	}
	r := p.rune()
	return &node{set: (&runeSet{ranges: []rune{r, r}, fold: p.fold}).seal()}, nil
}

func (p *parser) group() (*node, error) {
	p.accept("(")
	outer, wrap := p.fold, func(n *node) *node { return n }
	switch {
	case p.accept("?:"):
	case p.accept("?="):
		wrap = func(n *node) *node { return &node{look: n} }
	case p.accept("?!"):
		wrap = func(n *node) *node { return &node{look: n, negate: true} }
	case p.accept("?>"):
		wrap = func(n *node) *node { return &node{repeat: n, min: 1, max: 1, atomic: true} }
	case p.accept("?i:"):
		p.fold = true
	case p.accept("?-i:"):
		p.fold = false
	case p.accept("?i)"):
		p.fold = true // to the end of the enclosing group
		return p.alternatives()
	case p.peek("?"):
		return nil, p.fail("group of an unknown kind")
	}
	n, err := p.alternatives()
	p.fold = outer
	if err != nil {
		return nil, err
	}
	if !p.accept(")") {
		return nil, p.fail("missing )")
	}
	return wrap(n), nil
}

// escape reads what follows a backslash, as a set (not sealed).
func (p *parser) escape() (*runeSet, error) {
	p.accept(`\`)
	if !p.more() {
		return nil, p.fail("trailing backslash")
	}
	c := p.src[p.pos]
	if set, ok := escapes[c|0x20]; ok && (c|0x20 != 'h' || c == 'h') {
		p.pos++
		set.ed, set.negate = p.ed, c&0x20 == 0
		return &set, nil
	}
	if r, ok := controlEscapes[c]; ok {
		p.pos++
		return &runeSet{ranges: []rune{r, r}}, nil
	}
	switch c {
	case 'p', 'P':
		return p.property()
	case 'x', 'u':
		p.pos++
		width := map[byte]int{'x': 2, 'u': 4}[c]
		hex := p.src[p.pos:min(p.pos+width, len(p.src))]
		skip := len(hex)
		if p.peek("{") {
			hex, _, _ = strings.Cut(p.src[p.pos+1:], "}")
			skip = len(hex) + 2
		}
		v, err := strconv.ParseUint(hex, 16, 21)
		if err != nil {
			return nil, p.fail("bad code point")
		}
		p.pos = min(p.pos+skip, len(p.src))
		return &runeSet{ranges: []rune{rune(v), rune(v)}}, nil
	}
	if c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' {
		return nil, p.fail("unknown escape")
	}
	r := p.rune()
	return &runeSet{ranges: []rune{r, r}}, nil
}

func (p *parser) property() (*runeSet, error) {
	negate := p.src[p.pos] == 'P'
	p.pos++
	name := ""
	if p.accept("{") {
		var ok bool
		if name, _, ok = strings.Cut(p.src[p.pos:], "}"); !ok {
			return nil, p.fail("missing }")
		}
		p.pos += len(name) + 1
	} else if p.more() {
		name = string(p.rune())
	}
	if rest, ok := strings.CutPrefix(name, "^"); ok {
		name, negate = rest, !negate
	}
	c, ok := properties[name]
	if !ok {
		return nil, p.fail("unknown property " + name)
	}
	return &runeSet{classes: []class{c}, ed: p.ed, negate: negate}, nil
}

// bracket reads [...], with nested sets and && intersections.
func (p *parser) bracket() (*runeSet, error) {
	if p.deep++; p.deep > maxNest {
		return nil, p.fail("sets nest too deeply")
	}
	defer func() { p.deep-- }()
	p.accept("[")
	outer := &runeSet{negate: p.accept("^"), fold: p.fold, ed: p.ed}
	set := outer
	for first := true; ; first = false {
		switch {
		case !p.more():
			return nil, p.fail("missing ]")
		case p.peek("]") && !first:
			p.pos++
			return outer.seal(), nil
		case p.accept("&&"):
			set.both = &runeSet{fold: p.fold, ed: p.ed}
			set = set.both
			continue
		case p.peek("[") && !p.peek("[:"):
			in, err := p.bracket()
			if err != nil {
				return nil, err
			}
			set.nested = append(set.nested, in)
			continue
		}
		lo, err := p.member(set)
		if err != nil {
			return nil, err
		}
		if lo < 0 {
			continue
		}
		hi := lo
		if p.peek("-") && !p.peek("-]") && p.pos+1 < len(p.src) && !p.peek("-[") {
			p.pos++
			if hi, err = p.member(set); err != nil {
				return nil, err
			}
			if hi < lo {
				return nil, p.fail("range out of order")
			}
		}
		set.ranges = append(set.ranges, lo, hi)
	}
}

// member reads one character of a set; a class goes into the set and gives -1.
func (p *parser) member(set *runeSet) (rune, error) {
	if !p.peek(`\`) {
		return p.rune(), nil
	}
	in, err := p.escape()
	if err != nil {
		return 0, err
	}
	if len(in.ranges) == 2 && in.ranges[0] == in.ranges[1] && len(in.classes) == 0 {
		return in.ranges[0], nil
	}
	if !in.negate {
		set.classes = append(set.classes, in.classes...)
		set.ranges = append(set.ranges, in.ranges...)
		return -1, nil
	}
	set.nested = append(set.nested, in)
	return -1, nil
}

// sized computes what is asked of a node later on, so that nothing walks the
// tree again and again, and refuses what would become too large a program.
func (p *parser) sized(n *node) (*node, error) {
	n.size = 1
	switch {
	case n.set != nil:
	case n.alt != nil:
		for _, a := range n.alt {
			n.empty = n.empty || a.empty
			n.size += a.size + 2
		}
	case n.repeat != nil:
		n.empty = n.min == 0 || n.repeat.empty
		n.size += n.repeat.size
		if n.repeat.set == nil || n.lazy {
			n.size += (n.repeat.size + 1) * max(n.min, n.max, 1)
		}
	case n.look != nil:
		n.empty = true
		n.size += n.look.size + 1
	case n.assert != 0:
		n.empty = true
	default:
		n.empty = true
		for _, item := range n.seq {
			n.empty = n.empty && item.empty
			n.size += item.size
		}
	}
	if n.size > maxProgram {
		return nil, p.fail("pattern is too large")
	}
	return n, nil
}
