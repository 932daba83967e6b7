package arch

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"math"
	"strconv"
	"strings"
)

// formula is an expression of a description, in the grammar of Go: numbers,
// texts, names, arithmetic, comparisons and the functions below. It has no
// loops and calls nothing else, so that its time is that of its length.
type formula struct {
	text string
	tree ast.Expr
}

// longestFormula bounds a formula in bytes.
const longestFormula = 512

// functions are what formulas may call.
var functions = map[string]struct {
	arguments int
	of        func(...float64) float64 // nil: the arguments are not all wanted
}{
	"sqrt":  {1, func(x ...float64) float64 { return math.Sqrt(x[0]) }},
	"log":   {1, func(x ...float64) float64 { return math.Log(x[0]) }},
	"exp":   {1, func(x ...float64) float64 { return math.Exp(x[0]) }},
	"abs":   {1, func(x ...float64) float64 { return math.Abs(x[0]) }},
	"floor": {1, func(x ...float64) float64 { return math.Floor(x[0]) }},
	"min":   {2, func(x ...float64) float64 { return min(x[0], x[1]) }},
	"max":   {2, func(x ...float64) float64 { return max(x[0], x[1]) }},

	"when":  {3, nil}, // the second where the first is true, else the third
	"or":    {2, nil}, // the first where it is given, else the second
	"given": {1, nil},
	"key":   {1, nil}, // of config.json, by a text
}

// parseFormula reads an expression and refuses what formulas do not have.
func parseFormula(text string) (formula, error) {
	if len(text) > longestFormula {
		return formula{}, fmt.Errorf("an expression of %d characters; the longest has %d", len(text), longestFormula)
	}
	tree, err := parser.ParseExpr(text)
	if err != nil {
		return formula{}, fmt.Errorf("%q is not an expression: %w", text, err)
	}
	f := formula{text, tree}
	ast.Inspect(tree, func(n ast.Node) bool {
		if err == nil {
			err = f.allows(n)
		}
		return err == nil
	})
	return f, err
}

// allows refuses a part of an expression that formulas do not have.
func (f formula) allows(n ast.Node) error {
	switch n := n.(type) {
	case nil, *ast.Ident, *ast.SelectorExpr, *ast.ParenExpr, *ast.UnaryExpr, *ast.BinaryExpr, *ast.IndexExpr:
		return nil
	case *ast.BasicLit:
		if n.Kind == token.INT || n.Kind == token.FLOAT || n.Kind == token.STRING {
			return nil
		}
	case *ast.CallExpr:
		name := nameOf(n.Fun)
		function, ok := functions[name]
		if !ok {
			return fmt.Errorf("%q: there is no function %s", f.text, name)
		}
		if len(n.Args) != function.arguments {
			return fmt.Errorf("%q: %s takes %d arguments, not %d", f.text, name, function.arguments, len(n.Args))
		}
		return nil
	}
	return fmt.Errorf("%q: expressions have numbers, texts, names, operators and functions, and nothing else", f.text)
}

// nameOf writes a name with its dots; empty for anything else.
func nameOf(n ast.Expr) string {
	switch n := n.(type) {
	case *ast.Ident:
		return n.Name
	case *ast.SelectorExpr:
		if before := nameOf(n.X); before != "" {
			return before + "." + n.Sel.Name
		}
	}
	return ""
}

// names calls visit with every name that a formula reads.
func (f formula) names(visit func(string)) {
	ast.Inspect(f.tree, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			for _, argument := range n.Args {
				if nameOf(n.Fun) == "key" {
					visit(textOf(argument))
				} else {
					formula{f.text, argument}.names(visit)
				}
			}
			return false
		case *ast.SelectorExpr, *ast.Ident:
			visit(nameOf(n.(ast.Expr)))
			return false
		}
		return true
	})
}

// textOf is the text of a literal.
func textOf(n ast.Expr) string {
	if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
		text, _ := strconv.Unquote(lit.Value) // the parser has read it
		return text
	}
	return ""
}

// scope finds what names mean; false: nothing is given.
type scope func(name string) (any, bool)

// absent is the error of a name that nothing is given for.
type absent struct{ name string }

func (a absent) Error() string { return "nothing says what " + a.name + " is" }

// value computes a formula: a number, a truth value, a text or a list.
func (f formula) value(s scope) (any, error) {
	v, err := s.of(f.tree)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", f.text, err)
	}
	return v, nil
}

// number computes a formula whose result is a number.
func (f formula) number(s scope) (float64, error) {
	v, err := f.value(s)
	if err != nil {
		return 0, err
	}
	x, ok := numberOf(v)
	if !ok || math.IsNaN(x) || math.IsInf(x, 0) {
		return 0, fmt.Errorf("%q is %v, which is not a number", f.text, v)
	}
	return x, nil
}

// numberOf takes truth for 1, as configurations do.
func numberOf(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case bool:
		return oneIf(v), true
	case json.Number:
		x, err := v.Float64()
		return x, err == nil
	}
	return 0, false
}

func (s scope) of(n ast.Expr) (any, error) {
	switch n := n.(type) {
	case *ast.ParenExpr:
		return s.of(n.X)
	case *ast.BasicLit:
		if n.Kind == token.STRING {
			return textOf(n), nil
		}
		return strconv.ParseFloat(strings.ReplaceAll(n.Value, "_", ""), 64)
	case *ast.Ident, *ast.SelectorExpr:
		return s.named(nameOf(n))
	case *ast.UnaryExpr:
		return s.unary(n)
	case *ast.BinaryExpr:
		return s.binary(n)
	case *ast.IndexExpr:
		return s.index(n)
	case *ast.CallExpr:
		return s.call(nameOf(n.Fun), n.Args)
	}
	return nil, fmt.Errorf("unexpected %T", n) // parseFormula has refused it
}

func (s scope) named(name string) (any, error) {
	if name == "true" || name == "false" {
		return name == "true", nil
	}
	v, ok := s(name)
	if !ok {
		return nil, absent{name}
	}
	if x, ok := numberOf(v); ok {
		if _, truth := v.(bool); !truth {
			return x, nil
		}
	}
	return v, nil
}

func (s scope) float(n ast.Expr) (float64, error) {
	v, err := s.of(n)
	if err != nil {
		return 0, err
	}
	x, ok := numberOf(v)
	if !ok {
		return 0, fmt.Errorf("%v is not a number", v)
	}
	return x, nil
}

// truth takes numbers but 0 for true.
func (s scope) truth(n ast.Expr) (bool, error) {
	x, err := s.float(n)
	return x != 0, err
}

func (s scope) unary(n *ast.UnaryExpr) (any, error) {
	x, err := s.float(n.X)
	switch n.Op {
	case token.SUB:
		return -x, err
	case token.ADD:
		return x, err
	case token.NOT:
		return x == 0, err
	}
	return nil, fmt.Errorf("there is no operator %s", n.Op)
}

func (s scope) binary(n *ast.BinaryExpr) (any, error) {
	if n.Op == token.LAND || n.Op == token.LOR {
		first, err := s.truth(n.X)
		if err != nil || first == (n.Op == token.LOR) {
			return first, err
		}
		return s.truth(n.Y)
	}
	a, err := s.of(n.X)
	if err != nil {
		return nil, err
	}
	b, err := s.of(n.Y)
	if err != nil {
		return nil, err
	}
	x, number := numberOf(a)
	y, other := numberOf(b)
	switch n.Op {
	case token.EQL, token.NEQ:
		same := number && other && x == y || !number && !other && fmt.Sprint(a) == fmt.Sprint(b)
		return same == (n.Op == token.EQL), nil
	}
	if !number || !other {
		return nil, fmt.Errorf("%v %s %v: the operator takes numbers", a, n.Op, b)
	}
	return compute(n.Op, x, y)
}

func compute(op token.Token, x, y float64) (any, error) {
	switch op {
	case token.ADD:
		return x + y, nil
	case token.SUB:
		return x - y, nil
	case token.MUL:
		return x * y, nil
	case token.QUO, token.REM:
		if y == 0 {
			return nil, fmt.Errorf("%v %s 0 is not a number", x, op)
		}
		if op == token.REM {
			return math.Mod(x, y), nil
		}
		return x / y, nil
	case token.LSS:
		return x < y, nil
	case token.LEQ:
		return x <= y, nil
	case token.GTR:
		return x > y, nil
	case token.GEQ:
		return x >= y, nil
	}
	return nil, fmt.Errorf("there is no operator %s", op)
}

// index takes an item of a list, such as the kind of a layer.
func (s scope) index(n *ast.IndexExpr) (any, error) {
	v, err := s.of(n.X)
	if err != nil {
		return nil, err
	}
	at, err := s.float(n.Index)
	if err != nil {
		return nil, err
	}
	list, ok := v.([]any)
	if !ok {
		return nil, fmt.Errorf("%v is not a list", v)
	}
	if at != math.Trunc(at) || at < 0 || at >= float64(len(list)) {
		return nil, fmt.Errorf("a list of %d has no item %v", len(list), at)
	}
	return scope(func(string) (any, bool) { return list[int(at)], true }).named("item")
}

func (s scope) call(name string, arguments []ast.Expr) (any, error) {
	switch name {
	case "when":
		is, err := s.truth(arguments[0])
		if err != nil {
			return nil, err
		}
		if is {
			return s.of(arguments[1])
		}
		return s.of(arguments[2])
	case "or", "given":
		v, err := s.of(arguments[0])
		missing := errors.As(err, new(absent))
		switch {
		case name == "given" && (err == nil || missing):
			return !missing, nil
		case missing:
			return s.of(arguments[1])
		}
		return v, err
	case "key":
		return s.named(textOf(arguments[0]))
	}
	x := make([]float64, len(arguments))
	for i, argument := range arguments {
		var err error
		if x[i], err = s.float(argument); err != nil {
			return nil, err
		}
	}
	return functions[name].of(x...), nil
}
