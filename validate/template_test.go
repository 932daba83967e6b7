package validate

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/f190792d/mq/internal/shared"
)

func TestRendersWhatTransformersRenders(t *testing.T) {
	for _, c := range []struct{ name, template, want string }{
		{"loop and blanks", "{%- for m in messages %}\n    {{- '<|' + m['role'] + '|>' + m.content | trim }}\n{%- endfor %}",
			"<|system|>You answer in one sentence.<|user|>What is the capital of France?<|assistant|>It is Paris.<|user|>And that of Italy?"},
		{"namespace", "{% set ns = namespace(n=0) %}{% for m in messages %}{% if m.role == 'user' %}{% set ns.n = ns.n + 1 %}{% endif %}{% endfor %}{{ ns.n }}", "2"},
		{"JSON without escapes for HTML", "{{ {'a': '<é>'} | tojson }}", `{"a":"<é>"}`},
		{"generation", "{% generation %}x{% endgeneration %}", "x"},
		{"bos", "{{ bos_token }}", "<s>"},
		{"no system message", "{% if messages[0].role == 'system' %}{{ raise_exception('no system role') }}{% endif %}{{ messages[0].content }}", "What is the capital of France?"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := renderSample(c.template, "<s>", "</s>")
			if err != nil || got != c.want {
				t.Errorf("got %q, %v; want %q", got, err, c.want)
			}
		})
	}
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
			if text, err := renderSample(template, "", ""); err == nil {
				t.Errorf("rendered %d bytes", len(text))
			}
		})
	}
}

func TestRealTemplatesRender(t *testing.T) {
	folder := shared.Path(t, "data/tokenizers")
	for _, name := range []string{"llama3_1", "qwen3", "deepseek_v3", "minimind"} {
		data, err := os.ReadFile(filepath.Join(folder, name, "tokenizer_config.json"))
		if err != nil {
			t.Fatal(err)
		}
		var config struct {
			Template string `json:"chat_template"`
		}
		if err := json.Unmarshal(data, &config); err != nil {
			t.Fatal(err)
		}
		if config.Template == "" {
			continue
		}
		if err := balanced(config.Template); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if text, err := renderSample(config.Template, "<s>", "</s>"); err != nil || !strings.Contains(text, "And that of Italy?") {
			t.Errorf("%s: %q, %v", name, text, err)
		}
	}
}

func FuzzTemplate(f *testing.F) {
	f.Add("{% for m in messages %}{{ m['content'] | trim }}{% endfor %}")
	f.Add("{% raw %}{{ x }}{% endraw %}{# c #}{%- set a = 1 -%}{{ a ~ 'x' }}")
	f.Add("{% macro f(a, b=1) %}{{ a }}{% endmacro %}{{ f(2) }}{% if x is defined %}{% else %}{% endif %}")
	f.Fuzz(func(t *testing.T, template string) {
		if len(template) > 400 || strings.Contains(template, "*") {
			return // repeated strings are as long as they are asked to be
		}
		_ = balanced(template)
		_, _ = renderSample(template, "<s>", "</s>")
	})
}
