package template

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nikolalohinski/gonja/v2/builtins"
	controls "github.com/nikolalohinski/gonja/v2/builtins/control_structures"
	"github.com/nikolalohinski/gonja/v2/exec"
	"github.com/nikolalohinski/gonja/v2/nodes"
	"github.com/nikolalohinski/gonja/v2/parser"
)

// allowedTags are the statements that transformers gives a template, but for
// "generation", which is added here.
var allowedTags = []string{"if", "for", "set", "macro", "filter", "raw", "with", "do", "break", "continue", "call"}

// guard limits one rendering.
type guard struct {
	ctx      context.Context
	deadline time.Time
	calls    int // macros inside each other
}

// tags returns the statements, each with a watch on it.
func (g *guard) tags() *exec.ControlStructureSet {
	parsers := map[string]parser.ControlStructureParser{"generation": parseGeneration}
	for _, name := range allowedTags {
		original, _ := builtins.ControlStructures.Get(name)
		parsers[name] = func(p, args *parser.Parser) (nodes.ControlStructure, error) {
			w := &watched{guard: g}
			if token := args.Current(); name == "set" && token != nil {
				w.variable = token.Val
			}
			parsed, err := original(p, args)
			if err != nil {
				return nil, err
			}
			if loop, ok := parsed.(*controls.ForControlStructure); ok && loop.Recursive {
				return nil, errors.New("recursive loops are not rendered")
			}
			inner, ok := parsed.(exec.ControlStructure)
			if !ok {
				return parsed, nil // raw text has nothing to execute
			}
			w.ControlStructure = inner
			return w, nil
		}
	}
	return exec.NewControlStructureSet(parsers)
}

// watched is a statement of the library that is stopped where it goes on for
// too long or makes a variable too large.
type watched struct {
	exec.ControlStructure
	guard    *guard
	variable string // that it sets
}

// Execute runs the statement.
func (w *watched) Execute(r *exec.Renderer, tag *nodes.ControlStructureBlock) error {
	if w.guard.ctx.Err() != nil {
		return context.Cause(w.guard.ctx)
	}
	if time.Now().After(w.guard.deadline) {
		return fmt.Errorf("it takes longer than %v", maxRendering)
	}
	if macro, ok := w.ControlStructure.(*controls.MacroControlStructure); ok {
		return w.guard.define(macro.Macro, r)
	}
	if err := w.ControlStructure.Execute(r, tag); err != nil {
		return err
	}
	if value, ok := r.Environment.Context.Get(w.variable); ok && size(value) > maxRendered {
		return fmt.Errorf("variable %q passes %d bytes", w.variable, maxRendered)
	}
	return nil
}

// define makes a macro that does not call itself without end.
func (g *guard) define(m *nodes.Macro, r *exec.Renderer) error {
	call, err := exec.MacroNodeToFunc(m, r)
	if err != nil {
		return err
	}
	r.Environment.Context.Set(m.Name, exec.Macro(func(params *exec.VarArgs) *exec.Value {
		if g.calls >= maxCalls {
			return exec.AsValue(fmt.Errorf("more than %d macros call each other", maxCalls))
		}
		g.calls++
		defer func() { g.calls-- }()
		return call(params)
	}))
	return nil
}

// size estimates the bytes of the strings in a variable or a namespace.
func size(value any) int {
	switch v := value.(type) {
	case string:
		return len(v)
	case *exec.Value:
		return size(v.Interface())
	case map[string]any:
		n := 0
		for _, item := range v {
			if s, ok := item.(string); ok {
				n += len(s)
			}
		}
		return n
	}
	return 0
}

// generation is {% generation %}, which marks what an assistant said and
// renders as its body.
type generation struct{ *nodes.Wrapper }

func parseGeneration(p, args *parser.Parser) (nodes.ControlStructure, error) {
	if !args.End() {
		return nil, args.Error("generation takes no arguments", nil)
	}
	body, _, err := p.WrapUntil("endgeneration")
	if err != nil {
		return nil, err
	}
	return generation{body}, nil
}

// Execute renders the body.
func (g generation) Execute(r *exec.Renderer, _ *nodes.ControlStructureBlock) error {
	return r.ExecuteWrapper(g.Wrapper)
}
