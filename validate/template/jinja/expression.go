package jinja

import (
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// expression reads an expression, with a condition after it.
func (p *parser) expression() expr {
	p.enter()
	defer p.leave()
	e := p.or()
	for p.skip(tokenName, "if") {
		c := &choice{test: p.or(), then: e}
		if p.skip(tokenName, "else") {
			c.otherwise = p.expression()
		}
		e = c
	}
	return e
}

// tuple reads expressions with commas between, or a single one. ends are names
// that end it beside those of the language.
func (p *parser) tuple(conditions bool, ends ...string) expr {
	return p.tupleWithin(conditions, false, ends)
}

func (p *parser) tupleWithin(conditions, parenthesis bool, ends []string) expr {
	var items []expr
	isTuple := false
	for {
		t := p.now()
		if t.kind == tokenBlockEnd || t.kind == tokenPrintEnd || p.is(tokenOperator, ")") || t.kind == tokenName && slices.Contains(ends, t.text) {
			break
		}
		if conditions {
			items = append(items, p.expression())
		} else {
			items = append(items, p.or())
		}
		if !p.skip(tokenOperator, ",") {
			break
		}
		isTuple = true
	}
	switch {
	case isTuple:
		return &tupleOf{items}
	case len(items) == 1:
		return items[0]
	case !parenthesis:
		p.unexpected("an expression")
	}
	return &tupleOf{}
}

// left reads operands with operators between that group to the left.
func (p *parser) left(operand func() expr, kind tokenKind, operators ...string) expr {
	e := operand()
	for n := 0; ; n++ {
		t := p.now()
		if t.kind != kind || !slices.Contains(operators, t.text) {
			return e
		}
		if n >= 5*maxNesting {
			fail(t.line, "an expression has more than %d operators in a row", n)
		}
		p.next()
		e = &binary{t.text, e, operand()}
	}
}

func (p *parser) or() expr  { return p.left(p.and, tokenName, "or") }
func (p *parser) and() expr { return p.left(p.not, tokenName, "and") }

func (p *parser) not() expr {
	if !p.skip(tokenName, "not") {
		return p.compare()
	}
	p.enter()
	defer p.leave()
	return &unary{"not", p.not()}
}

func (p *parser) compare() expr {
	c := &comparison{first: p.sum()}
	for {
		t := p.now()
		switch {
		case t.kind == tokenOperator && slices.Contains([]string{"==", "!=", "<", "<=", ">", ">="}, t.text):
			p.next()
		case p.is(tokenName, "in"):
			p.next()
		case p.is(tokenName, "not") && p.at+1 < len(p.tokens) && p.tokens[p.at+1].kind == tokenName && p.tokens[p.at+1].text == "in":
			p.next()
			p.next()
			t.text = "not in"
		case len(c.ops) == 0:
			return c.first
		default:
			return c
		}
		c.ops, c.rest = append(c.ops, t.text), append(c.rest, p.sum())
	}
}

func (p *parser) sum() expr     { return p.left(p.concat, tokenOperator, "+", "-") }
func (p *parser) concat() expr  { return p.left(p.product, tokenOperator, "~") }
func (p *parser) product() expr { return p.left(p.power, tokenOperator, "*", "/", "//", "%") }
func (p *parser) power() expr {
	return p.left(func() expr { return p.signed(true) }, tokenOperator, "**")
}

// signed reads an operand with what stands before and after it.
func (p *parser) signed(filters bool) expr {
	var e expr
	if t := p.now(); p.is(tokenOperator, "-") || p.is(tokenOperator, "+") {
		p.next()
		p.enter()
		e = &unary{t.text, p.signed(false)}
		p.leave()
	} else {
		e = p.primary()
	}
	e = p.postfix(e)
	if filters {
		e = p.filters(e)
	}
	return e
}

func (p *parser) primary() expr {
	t := p.next()
	switch t.kind {
	case tokenName:
		switch t.text {
		case "true", "True":
			return &constant{true}
		case "false", "False":
			return &constant{false}
		case "none", "None":
			return &constant{nil}
		}
		p.uses[t.text] = true
		return &name{t.text}
	case tokenString:
		s := t.text
		for p.now().kind == tokenString {
			s += p.next().text
		}
		return &constant{s}
	case tokenInt:
		n, ok := new(big.Int).SetString(strings.ToLower(t.text), 0)
		if t.text[0] == '0' && strings.Trim(t.text, "0") == "" {
			n, ok = new(big.Int), true
		}
		if !ok || !n.IsInt64() {
			fail(t.line, "the number %.40s is not one of 64 bits", t.text)
		}
		return &constant{n.Int64()}
	case tokenFloat:
		f, _ := strconv.ParseFloat(t.text, 64) // too large is infinite, as in Python
		return &constant{f}
	case tokenOperator:
		switch t.text {
		case "(":
			p.enter()
			defer p.leave()
			e := p.tupleWithin(true, true, nil)
			p.expect(tokenOperator, ")")
			return e
		case "[":
			return &listOf{p.items("]")}
		case "{":
			return p.dict()
		}
	}
	p.at--
	p.unexpected("an expression")
	return nil
}

// items reads expressions with commas between up to a bracket.
func (p *parser) items(end string) []expr {
	var items []expr
	for !p.skip(tokenOperator, end) {
		if len(items) > 0 {
			p.expect(tokenOperator, ",")
			if p.skip(tokenOperator, end) {
				break
			}
		}
		items = append(items, p.expression())
	}
	return items
}

func (p *parser) dict() expr {
	d := &dictOf{}
	for !p.skip(tokenOperator, "}") {
		if len(d.keys) > 0 {
			p.expect(tokenOperator, ",")
			if p.skip(tokenOperator, "}") {
				break
			}
		}
		d.keys = append(d.keys, p.expression())
		p.expect(tokenOperator, ":")
		d.values = append(d.values, p.expression())
	}
	return d
}

// postfix reads fields, items and calls after an operand.
func (p *parser) postfix(e expr) expr {
	for n := 0; ; n++ {
		if n >= 5*maxNesting {
			fail(p.now().line, "more than %d accesses in a row", n)
		}
		switch {
		case p.skip(tokenOperator, "."):
			if t := p.now(); t.kind == tokenInt {
				p.next()
				index, _ := strconv.ParseInt(t.text, 10, 64)
				e = &item{e, &constant{index}}
			} else {
				e = &attribute{e, p.expect(tokenName, "").text}
			}
		case p.skip(tokenOperator, "["):
			e = p.subscript(e)
		case p.is(tokenOperator, "("):
			e = p.call(e)
		default:
			return e
		}
	}
}

func (p *parser) subscript(of expr) expr {
	var keys []expr
	isTuple := false
	for !p.is(tokenOperator, "]") {
		keys = append(keys, p.subscripted())
		if !p.skip(tokenOperator, ",") {
			break
		}
		isTuple = true
	}
	p.expect(tokenOperator, "]")
	switch {
	case len(keys) == 0:
		p.unexpected("an index")
	case isTuple:
		return &item{of, &tupleOf{keys}}
	}
	return &item{of, keys[0]}
}

// subscripted reads an index or a slice.
func (p *parser) subscripted() expr {
	var parts [3]expr
	n := 0
	for {
		switch {
		case p.is(tokenOperator, "]") || p.is(tokenOperator, ","):
			if n == 0 {
				return parts[0]
			}
			return &slicing{parts[0], parts[1], parts[2]}
		case p.is(tokenOperator, ":") && n < 2:
			p.next()
			n++
		case parts[n] == nil:
			parts[n] = p.expression()
		default:
			p.unexpected(`"]"`)
		}
	}
}

func (p *parser) call(of expr) expr {
	if n, ok := of.(*name); ok {
		p.words.called[n.name] = true
	}
	return &call{of, p.arguments()}
}

func (p *parser) arguments() arguments {
	p.expect(tokenOperator, "(")
	p.enter()
	defer p.leave()
	var a arguments
	for n := 0; !p.skip(tokenOperator, ")"); n++ {
		if n > 0 {
			p.expect(tokenOperator, ",")
			if p.skip(tokenOperator, ")") {
				break
			}
		}
		switch t := p.now(); {
		case p.skip(tokenOperator, "*") && a.list == nil && a.dict == nil:
			a.list = p.expression()
		case p.skip(tokenOperator, "**") && a.dict == nil:
			a.dict = p.expression()
		case t.kind == tokenName && p.tokens[p.at+1].kind == tokenOperator && p.tokens[p.at+1].text == "=" && a.dict == nil:
			p.next()
			p.next()
			a.names, a.values = append(a.names, t.text), append(a.values, p.expression())
		case a.list == nil && a.dict == nil && len(a.names) == 0:
			a.args = append(a.args, p.expression())
		default:
			fail(t.line, "an argument without a name follows one with")
		}
	}
	return a
}

// filters reads filters, tests and calls after an operand.
func (p *parser) filters(e expr) expr {
	for n := 0; ; n++ {
		if n >= 5*maxNesting {
			fail(p.now().line, "more than %d filters in a row", n)
		}
		switch {
		case p.is(tokenOperator, "|"):
			e = p.filter(e, false)
		case p.skip(tokenName, "is"):
			e = p.test(e)
		case p.is(tokenOperator, "("):
			e = p.call(e)
		default:
			return e
		}
	}
}

// filter reads a filter, or, for the body of a block, a chain of them; begun
// tells that no | stands before the first.
func (p *parser) filter(e expr, begun bool) expr {
	chain := e == nil
	for begun || p.skip(tokenOperator, "|") {
		begun = false
		f := &filter{of: e, name: p.dotted()}
		p.words.filters[f.name] = true
		if p.is(tokenOperator, "(") {
			f.args = p.arguments()
		}
		e = f
		if !chain {
			break
		}
	}
	return e
}

func (p *parser) dotted() string {
	s := p.expect(tokenName, "").text
	for p.skip(tokenOperator, ".") {
		s += "." + p.expect(tokenName, "").text
	}
	return s
}

func (p *parser) test(e expr) expr {
	negated := p.skip(tokenName, "not")
	t := &test{of: e, name: p.dotted()}
	p.words.tests[t.name] = true
	switch now := p.now(); {
	case p.is(tokenName, "is"):
		fail(now.line, "tests follow each other: put the first into parentheses")
	case p.is(tokenOperator, "("):
		t.args = p.arguments()
	case now.kind == tokenString, now.kind == tokenInt, now.kind == tokenFloat, p.is(tokenOperator, "["), p.is(tokenOperator, "{"),
		now.kind == tokenName && !slices.Contains([]string{"else", "or", "and"}, now.text):
		t.args.args = []expr{p.postfix(p.primary())}
	}
	if negated {
		return &unary{"not", t}
	}
	return t
}
