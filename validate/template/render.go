package template

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/nikolalohinski/gonja/v2/builtins"
	"github.com/nikolalohinski/gonja/v2/config"
	"github.com/nikolalohinski/gonja/v2/exec"
	"github.com/nikolalohinski/gonja/v2/loaders"
)

// A template comes with a file from anywhere: it may neither read other files
// nor run for ever nor fill the memory.
const (
	maxTemplate  = 128 << 10 // bytes of a template
	maxRendered  = 1 << 20   // bytes of its output, and of any variable
	maxRange     = 1 << 16   // items of a range
	maxCalls     = 64        // macros inside each other
	maxRendering = 3 * time.Second
)

// Render renders a chat template with the variables that transformers gives
// it. A template that is too long, runs too long, or grows too large is an
// error, as is one that does not parse.
func Render(ctx context.Context, source string, variables map[string]any) (text string, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the renderer gave up: %v", p)
		}
	}()
	if len(source) > maxTemplate {
		return "", fmt.Errorf("it has %d bytes, more than %d", len(source), maxTemplate)
	}
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	const name = "/template"
	loader, err := loaders.NewMemoryLoader(map[string]string{name: source})
	if err != nil {
		return "", err
	}
	settings := config.New()
	settings.TrimBlocks, settings.LeftStripBlocks = true, true
	g := &guard{ctx: ctx, deadline: time.Now().Add(maxRendering)}
	environment := &exec.Environment{
		Context:           exec.NewContext(maps.Clone(globals)),
		Filters:           filters(),
		Tests:             builtins.Tests,
		ControlStructures: g.tags(),
		Methods:           builtins.Methods,
	}
	template, err := exec.NewTemplate(name, settings, loader, environment)
	if err != nil {
		return "", shorten(err, source)
	}
	var out limited
	if err := template.Execute(&out, exec.NewContext(variables)); err != nil {
		return "", shorten(err, source)
	}
	return out.String(), nil
}

// shorten takes the template itself out of a message about it.
func shorten(err error, source string) error {
	message := strings.ReplaceAll(err.Error(), source, "…")
	if runes := []rune(message); len(runes) > 300 {
		message = "…" + string(runes[len(runes)-300:])
	}
	return errors.New(message)
}

// globals are the functions that templates call.
var globals = map[string]any{
	"namespace": mustGlobal("namespace"),
	"dict":      mustGlobal("dict"),
	"joiner":    mustGlobal("joiner"),
	"range":     boundedRange,
	"raise_exception": func(_ *exec.Evaluator, params *exec.VarArgs) *exec.Value {
		message := "the template raises an exception"
		if len(params.Args) > 0 {
			message += ": " + params.Args[0].String()
		}
		return exec.AsValue(errors.New(message))
	},
	"strftime_now": func(_ *exec.Evaluator, params *exec.VarArgs) string { return "2025-01-01" },
}

func mustGlobal(name string) any {
	v, ok := builtins.GlobalFunctions.Get(name)
	if !ok {
		panic("template: no global function " + name)
	}
	return v
}

// boundedRange is range with an end.
func boundedRange(_ *exec.Evaluator, params *exec.VarArgs) ([]int, error) {
	bounds := []int{0, 0, 1}
	switch len(params.Args) {
	case 1:
		bounds[1] = params.Args[0].Integer()
	case 2, 3:
		for i, a := range params.Args {
			bounds[i] = a.Integer()
		}
	default:
		return nil, errors.New("range takes one to three numbers")
	}
	first, last, step := bounds[0], bounds[1], bounds[2]
	if step == 0 {
		return nil, errors.New("range has a step of 0")
	}
	list := []int{}
	for i := first; step > 0 && i < last || step < 0 && i > last; i += step {
		if len(list) == maxRange {
			return nil, fmt.Errorf("range has more than %d items", maxRange)
		}
		list = append(list, i)
	}
	return list, nil
}

// toJSON writes JSON as Python does with ensure_ascii off: without escapes
// for HTML.
func toJSON(_ *exec.Evaluator, in *exec.Value, params *exec.VarArgs) *exec.Value {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if indent, ok := params.KwArgs["indent"]; ok && indent.IsInteger() {
		encoder.SetIndent("", strings.Repeat(" ", min(max(indent.Integer(), 0), 16)))
	}
	if err := encoder.Encode(in.ToGoSimpleType(false)); err != nil {
		return exec.AsValue(err)
	}
	return exec.AsSafeValue(strings.TrimSuffix(out.String(), "\n"))
}

// filters returns the built-in filters with toJSON in its place.
func filters() *exec.FilterSet {
	set := exec.NewFilterSet(map[string]exec.FilterFunction{}).Update(builtins.Filters)
	if err := set.Replace("tojson", toJSON); err != nil {
		panic(err) // tojson is built in
	}
	return set
}

// limited is an output that refuses to grow without end.
type limited struct{ strings.Builder }

func (l *limited) Write(p []byte) (int, error) {
	if l.Len()+len(p) > maxRendered {
		return 0, fmt.Errorf("the output passes %d bytes", maxRendered)
	}
	return l.Builder.Write(p)
}

func (l *limited) WriteString(s string) (int, error) { return l.Write([]byte(s)) }
