package jinja

import (
	"fmt"
	"slices"
)

// maxNesting bounds how deep brackets and blocks lie in each other.
const maxNesting = 200

// maxSource bounds the bytes of a template.
const maxSource = 1 << 20

// Template is a template that was read.
type Template struct {
	nodes []node
	words words
}

// words are the names that a template says.
type words struct {
	filters, tests, tags map[string]bool
	called, assigned     map[string]bool // variables
	read                 map[string]bool
}

// Parse reads a template.
func Parse(source string) (t *Template, err error) {
	defer recovered(&err)
	if len(source) > maxSource {
		return nil, fmt.Errorf("it has %d bytes, more than %d", len(source), maxSource)
	}
	p := &parser{tokens: lex(source), uses: map[string]bool{}, words: words{
		map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}, nil,
	}}
	nodes := p.body()
	p.words.read = p.uses
	return &Template{nodes, p.words}, nil
}

type parser struct {
	tokens []token
	at     int
	depth  int
	loops  int             // around the current node, in the same macro
	uses   map[string]bool // names that are read, in the same macro
	words  words
}

func (p *parser) now() token  { return p.tokens[p.at] }
func (p *parser) next() token { t := p.now(); p.at = min(p.at+1, len(p.tokens)-1); return t }

// is reports whether the current token is an operator or a name.
func (p *parser) is(kind tokenKind, text string) bool {
	t := p.now()
	return t.kind == kind && t.text == text
}

// skip moves over an operator or a name if that is the current token.
func (p *parser) skip(kind tokenKind, text string) bool {
	if !p.is(kind, text) {
		return false
	}
	p.next()
	return true
}

func (p *parser) expect(kind tokenKind, text string) token {
	t := p.now()
	if t.kind != kind || text != "" && t.text != text {
		p.unexpected(spell(token{kind: kind, text: text}))
	}
	return p.next()
}

func (p *parser) unexpected(wanted string) {
	fail(p.now().line, "%s stands where %s is expected", spell(p.now()), wanted)
}

func spell(t token) string {
	switch t.kind {
	case tokenEnd:
		return "the end of the template"
	case tokenBlockEnd:
		return "the end of the statement"
	case tokenPrintEnd:
		return "the end of the expression"
	case tokenName:
		if t.text == "" {
			return "a name"
		}
	case tokenString:
		return "a text"
	}
	if runes := []rune(t.text); len(runes) > 40 {
		return fmt.Sprintf("%q…", string(runes[:40]))
	}
	return fmt.Sprintf("%q", t.text)
}

// enter counts how deep the parser is; leave is to be deferred.
func (p *parser) enter() {
	if p.depth++; p.depth > 4*maxNesting {
		fail(p.now().line, "the template is nested too deep")
	}
}

func (p *parser) leave() { p.depth-- }

// body reads nodes up to a statement that begins with one of ends, whose name
// is then the current token, or to the end of the template.
func (p *parser) body(ends ...string) []node {
	p.enter()
	defer p.leave()
	var nodes []node
	for {
		t := p.next()
		switch t.kind {
		case tokenEnd:
			if len(ends) > 0 {
				fail(t.line, "a block has no {%% %s %%}", ends[len(ends)-1])
			}
			return nodes
		case tokenText:
			nodes = append(nodes, &text{t.text})
		case tokenPrint:
			nodes = append(nodes, &print{t.line, p.tuple(true)})
			p.expect(tokenPrintEnd, "")
		default: // a block
			if p.now().kind == tokenName && slices.Contains(ends, p.now().text) {
				return nodes
			}
			nodes = append(nodes, p.statement())
			p.expect(tokenBlockEnd, "")
		}
	}
}

// until reads the body of a block up to its end, which is read, too.
func (p *parser) until(end string) []node {
	p.skip(tokenOperator, ":")
	p.expect(tokenBlockEnd, "")
	nodes := p.body(end)
	p.next()
	return nodes
}

// statement reads a statement but for the end of its last tag.
func (p *parser) statement() node {
	t := p.expect(tokenName, "")
	p.words.tags[t.text] = true
	switch t.text {
	case "if":
		return p.branch(t.line)
	case "for":
		return p.loop(t.line)
	case "set":
		return p.set(t.line)
	case "with":
		return p.with(t.line)
	case "macro":
		m := &macro{line: t.line, name: p.assigned()}
		p.macro(m, "endmacro")
		return m
	case "call":
		return p.callBlock(t.line)
	case "filter":
		f := p.filter(nil, true)
		return &filterBlock{t.line, f, p.until("endfilter")}
	case "generation":
		return &generation{p.until("endgeneration")}
	case "break", "continue":
		if p.loops == 0 {
			fail(t.line, "{%% %s %%} stands outside of a loop", t.text)
		}
		return &control{t.line, t.text == "break"}
	case "print":
		return &print{t.line, p.tuple(true)}
	case "elif", "else", "endif", "endfor", "endset", "endwith", "endmacro", "endcall", "endfilter", "endgeneration":
		fail(t.line, "{%% %s %%} ends no open block", t.text)
	}
	fail(t.line, "{%% %s %%} is not a statement of chat templates", t.text)
	return nil
}

func (p *parser) branch(line int) node {
	b := &branch{line: line, test: p.tuple(false)}
	p.skip(tokenOperator, ":")
	p.expect(tokenBlockEnd, "")
	b.then = p.body("elif", "else", "endif")
	switch t := p.next(); t.text {
	case "elif":
		p.enter()
		b.also = []node{p.branch(t.line)}
		p.leave()
	case "else":
		b.also = p.until("endif")
	}
	return b
}

func (p *parser) loop(line int) node {
	l := &loop{line: line}
	l.target, l.unpack = p.targets()
	p.expect(tokenName, "in")
	l.over = p.tuple(false, "recursive")
	if p.skip(tokenName, "if") {
		l.filter = p.expression()
	}
	l.recursive = p.skip(tokenName, "recursive")
	p.skip(tokenOperator, ":")
	p.expect(tokenBlockEnd, "")
	p.loops++
	l.body = p.body("else", "endfor")
	p.loops--
	if p.next().text == "else" {
		l.otherwise = p.until("endfor")
	}
	return l
}

// assigned reads a name that is given a value.
func (p *parser) assigned() string {
	name := p.expect(tokenName, "").text
	p.words.assigned[name] = true
	return name
}

// targets reads names that values are given to; the second result tells
// whether one value is spread over them.
func (p *parser) targets() ([]string, bool) {
	paren := p.skip(tokenOperator, "(")
	names := []string{p.assigned()}
	unpack := false
	for p.skip(tokenOperator, ",") {
		unpack = true
		if p.now().kind != tokenName || p.is(tokenName, "in") {
			break
		}
		names = append(names, p.assigned())
	}
	if paren {
		p.expect(tokenOperator, ")")
	}
	return names, unpack
}

func (p *parser) set(line int) node {
	names, unpack := p.targets()
	field := ""
	if len(names) == 1 && p.skip(tokenOperator, ".") {
		field = p.expect(tokenName, "").text
		p.uses[names[0]] = true
	}
	if p.skip(tokenOperator, "=") {
		return &set{line, names, unpack, field, p.tuple(true)}
	}
	if unpack {
		p.unexpected(`"="`)
	}
	var f expr
	if p.is(tokenOperator, "|") {
		f = p.filter(nil, false)
	}
	return &setBlock{line, names[0], field, f, p.until("endset")}
}

func (p *parser) with(line int) node {
	w := &with{line: line}
	for p.now().kind != tokenBlockEnd {
		if len(w.names) > 0 {
			p.expect(tokenOperator, ",")
		}
		w.names = append(w.names, p.assigned())
		p.expect(tokenOperator, "=")
		w.values = append(w.values, p.expression())
	}
	w.body = p.until("endwith")
	return w
}

// macro reads the parameters and the body of a macro.
func (p *parser) macro(m *macro, end string) {
	p.params(m)
	p.macroBody(m, end)
}

func (p *parser) params(m *macro) {
	p.expect(tokenOperator, "(")
	for !p.skip(tokenOperator, ")") {
		if len(m.params) > 0 {
			p.expect(tokenOperator, ",")
		}
		m.params = append(m.params, p.assigned())
		if p.skip(tokenOperator, "=") {
			m.defaults = append(m.defaults, p.expression())
		} else if len(m.defaults) > 0 {
			fail(p.now().line, "a parameter without a default follows one with")
		}
	}
}

// macroBody reads the body of a macro and notes the names that it reads.
func (p *parser) macroBody(m *macro, end string) {
	loops, uses := p.loops, p.uses
	p.loops, p.uses = 0, map[string]bool{}
	m.body = p.until(end)
	m.uses = p.uses
	p.loops, p.uses = loops, uses
	for name := range m.uses {
		if !slices.Contains(m.params, name) {
			p.uses[name] = true
		}
	}
}

func (p *parser) callBlock(line int) node {
	m := &macro{line: line, name: "caller"}
	if p.is(tokenOperator, "(") {
		p.params(m)
	}
	called := p.expression()
	p.macroBody(m, "endcall")
	return &callBlock{line, m, called}
}
