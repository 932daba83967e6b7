package jinja

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/f190792d/mq/internal/oracle"
)

// attacks are templates that would take all time or memory.
var attacks = map[string]string{
	"repeated text":        "{{ ('a' * 10000000000) | length }}",
	"repeated list":        "{{ ([1] * 10000000000) | length }}",
	"repeated nothing":     "{{ ('' * 10000000000) | length }}{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
	"doubled text":         "{% set ns = namespace(s='aaaa') %}{% for i in range(100) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
	"doubled list":         "{% set ns = namespace(s=[1, 2]) %}{% for i in range(100) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
	"tower of lists":       "{% set ns = namespace(s=[1]) %}{% for i in range(60) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s }}",
	"tower as JSON":        "{% set ns = namespace(s=[1]) %}{% for i in range(60) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s | tojson }}",
	"towers compared":      "{% set a = namespace(s=[1]) %}{% set b = namespace(s=[1]) %}{% for i in range(60) %}{% set a.s = [a.s, a.s] %}{% set b.s = [b.s, b.s] %}{% endfor %}{{ a.s == b.s }}",
	"depth of a value":     "{% set ns = namespace(s=[1]) %}{% for i in range(100000) %}{% set ns.s = [ns.s] %}{% endfor %}{{ ns.s }}",
	"center":               "{{ 'a' | center(10000000000) }}",
	"ljust":                "{{ 'a'.ljust(10000000000) }}",
	"zfill":                "{{ 'a'.zfill(10000000000) }}",
	"expandtabs":           "{{ '\t'.expandtabs(10000000000) }}",
	"indent":               "{{ 'a\nb' | indent(10000000000) }}",
	"indent of JSON":       "{{ [1] | tojson(indent=10000000000) }}",
	"replace":              "{{ ('a' * 100000) | replace('a', 'b' * 100000) }}",
	"replace of nothing":   "{{ ('a' * 1000000) | replace('', 'b' * 1000) }}",
	"join":                 "{{ range(100000) | join('a' * 1000000) }}",
	"slice":                "{{ [1] | slice(10000000000) | list }}",
	"batch":                "{{ [1] | batch(10000000000, 'x') | list }}",
	"format width":         "{{ '%10000000000d' % 1 }}",
	"format width of text": "{{ '{:>2000000000}'.format(1) }}",
	"format precision":     "{{ '%.2000000000f' % 1 }}",
	"power":                "{{ 9 ** 9 ** 9 ** 9 }}",
	"range":                "{% for a in range(1000000000) %}{% endfor %}",
	"ranges":               "{% for a in range(60000) %}{% for b in range(60000) %}{% endfor %}{% endfor %}",
	"output":               "{% for a in range(60000) %}" + strings.Repeat("a", 4000) + "{% endfor %}",
	"recursion":            "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
	"recursion, twice":     "{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(90) }}",
	"recursive loop":       "{% for a in messages recursive %}{{ loop(messages) }}{% endfor %}",
	"brackets":             strings.Repeat("{{ ", 1) + strings.Repeat("(", 500000) + " }}",
	"brackets, closed":     "{{ " + strings.Repeat("[", 199) + strings.Repeat("]", 199) + " }}" + strings.Repeat("{{ "+strings.Repeat("[", 5000), 20),
	"signs":                "{{ " + strings.Repeat("-", 500000) + "1 }}",
	"nots":                 "{{ " + strings.Repeat("not ", 200000) + "1 }}",
	"sum":                  "{{ 1" + strings.Repeat("+1", 300000) + " }}",
	"filters":              "{{ 1" + strings.Repeat("|abs", 200000) + " }}",
	"fields":               "{{ a" + strings.Repeat(".a", 300000) + " }}",
	"conditions":           "{{ 1" + strings.Repeat(" if 1 else 1", 80000) + " }}",
	"blocks":               strings.Repeat("{% if 1 %}", 90000),
	"else":                 "{% if 0 %}" + strings.Repeat("{% elif 0 %}", 80000) + "{% endif %}",
	"tags":                 strings.Repeat("{{1}}", 200000),
	"openings":             strings.Repeat("{", 1<<20),
	"raw":                  "{% raw %}" + strings.Repeat("{% ", 300000),
	"split":                "{% for a in range(100000) %}{% set s = ('a' * 1000000).split('a') %}{% endfor %}",
	"count":                "{% set s = 'a' * 10000000 %}{% for a in range(100000) %}{% set x = s.count('b') %}{% endfor %}",
	"in":                   "{% set s = 'a' * 10000000 %}{% for a in range(100000) %}{% if 'b' in s %}{% endif %}{% endfor %}",
	"compared":             "{% set s = 'a' * 10000000 %}{% set t = s ~ '' %}{% for a in range(100000) %}{% if t == s %}{% endif %}{% endfor %}",
	"length of text":       "{% set s = 'a' * 10000000 %}{% for a in range(100000) %}{% if s | length %}{% endif %}{% endfor %}",
	"index of text":        "{% set s = 'a' * 10000000 %}{% for a in range(100000) %}{% if s[5000000] %}{% endif %}{% endfor %}",
	"keys":                 "{% set s = 'a' * 10000000 %}{% set d = {s: 1} %}{% for a in range(100000) %}{% if d[s] %}{% endif %}{{ d.get(s) }}{% endfor %}",
	"strip":                "{{ ('a' * 1000000).strip('b' * 1000000 ~ 'a') }}",
	"dictionaries":         "{% set ns = namespace(d={}) %}{% for a in range(100000) %}{% set ns.d = dict(ns.d, **{'k' ~ a: a}) %}{% endfor %}",
	"sort":                 "{% for a in range(1000) %}{% set x = range(100000) | sort(reverse=true) %}{% endfor %}",
	"unique":               "{% for a in range(1000) %}{% set x = range(100000) | unique | list %}{% endfor %}",
	"scopes":               "{% macro f(n) %}{% for i in [1] %}{% if n %}{{ f(n - 1) }}{{ missing_name }}{% endif %}{% endfor %}{% endmacro %}{% for i in range(100000) %}{{ f(80) }}{% endfor %}",
	"source":               strings.Repeat("x", maxSource+1),
	"upper":                "{% set s = 'ŉ' * 1000000 %}{% for a in range(1000) %}{% set x = s | upper %}{% endfor %}",
	"words":                "{% set s = 'a ' * 1000000 %}{% for a in range(1000) %}{% set x = s | wordcount %}{% endfor %}",
	"strftime":             "{{ strftime_now('%c' * 5000000) }}",
	"hash of tuples":       "{% set ns = namespace(t=(1,)) %}{% for i in range(40) %}{% set ns.t = (ns.t, ns.t) %}{% endfor %}{{ {ns.t: 1} }}",
}

func TestAttacksEndWithinBounds(t *testing.T) {
	messages := []any{map[string]any{"role": "user", "content": "x"}}
	for name, source := range attacks {
		t.Run(name, func(t *testing.T) {
			oracle.Bounded(t, len(source), func() {
				template, err := Parse(source)
				if err != nil {
					return
				}
				if _, err = template.Render(context.Background(), map[string]any{"messages": messages}, Options{}); err == nil && name != "tags" && name != "openings" && !strings.HasPrefix(name, "repeated n") {
					t.Error("it renders")
				}
			})
		})
	}
}

func TestInterruptEndsARendering(t *testing.T) {
	template, err := Parse(attacks["ranges"])
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	begin := time.Now()
	if _, err := template.Render(ctx, nil, Options{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if d := time.Since(begin); d > 500*time.Millisecond {
		t.Errorf("it took %v", d)
	}
}
