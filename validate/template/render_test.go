package template

import (
	"context"
	"strings"
	"testing"
)

var messages = []any{
	map[string]any{"role": "user", "content": "What is the capital of France?"},
	map[string]any{"role": "assistant", "content": "It is Paris."},
}

func TestTemplatesCannotRunAway(t *testing.T) {
	for name, template := range map[string]string{
		"recursion":     "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
		"nested loops":  "{% for a in range(60000) %}{% for b in range(60000) %}{% for c in range(60000) %}{% endfor %}{% endfor %}{% endfor %}",
		"long range":    "{% for a in range(100000000000) %}{% endfor %}",
		"output":        "{% for a in range(60000) %}aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa{% endfor %}",
		"growth":        "{% set ns = namespace(s='aaaaaaaaaaaaaaaa') %}{% for a in range(60) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
		"other files":   "{% include '/etc/passwd' %}",
		"loop in loops": "{% for a in messages recursive %}{{ loop(messages) }}{% endfor %}",
		"length":        strings.Repeat("x", maxTemplate+1),
	} {
		t.Run(name, func(t *testing.T) {
			if text, err := Render(t.Context(), template, map[string]any{"messages": messages}); err == nil {
				t.Errorf("rendered %d bytes", len(text))
			}
		})
	}
}

func TestRenderingEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if text, err := Render(ctx, "{% for m in messages %}x{% endfor %}", map[string]any{"messages": messages}); err == nil {
		t.Errorf("rendered %q", text)
	}
}
