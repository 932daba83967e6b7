package validate

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/f190792d/mq/internal/oracle"
	"github.com/f190792d/mq/internal/shared"
	"github.com/f190792d/mq/validate/template"
)

func TestRendersWhatTransformersRenders(t *testing.T) {
	for _, c := range []struct{ name, template, want string }{
		{"loop and blanks", "{%- for m in messages %}\n    {{- '<|' + m['role'] + '|>' + m.content | trim }}\n{%- endfor %}",
			"<|system|>You answer in one sentence.<|user|>What is the capital of France?<|assistant|>It is Paris.<|user|>And that of Italy?"},
		{"namespace", "{% set ns = namespace(n=0) %}{% for m in messages %}{% if m.role == 'user' %}{% set ns.n = ns.n + 1 %}{% endif %}{% endfor %}{{ ns.n }}", "2"},
		{"JSON without escapes for HTML", "{{ {'a': '<é>'} | tojson }}", `{"a": "<é>"}`},
		{"generation", "{% generation %}x{% endgeneration %}", "x"},
		{"bos", "{{ bos_token }}", "<s>"},
		{"no system message", "{% if messages[0].role == 'system' %}{{ raise_exception('no system role') }}{% endif %}{{ messages[0].content }}", "What is the capital of France?"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := renderSample(t.Context(), template.Render, c.template, "<s>", "</s>")
			if err != nil || got != c.want {
				t.Errorf("got %q, %v; want %q", got, err, c.want)
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
		if text, err := renderSample(t.Context(), template.Render, config.Template, "<s>", "</s>"); err != nil || !strings.Contains(text, "And that of Italy?") {
			t.Errorf("%s: %q, %v", name, text, err)
		}
	}
}

func FuzzTemplate(f *testing.F) {
	f.Add("{% for m in messages %}{{ m['content'] | trim }}{% endfor %}")
	f.Add("{% raw %}{{ x }}{% endraw %}{# c #}{%- set a = 1 -%}{{ a ~ 'x' }}")
	f.Add("{{ ('a' * 100000)|length }}{{ 'x'.center(99) }}{{ [1] * 9 }}{{ 2 ** 9 }}{{ 'a'|indent(9) }}{{ 'ab'|replace('', 'xx') }}")
	f.Add("{{ messages|tojson(indent=2) }}{{ '%5d' % 3 }}{{ '{:>9}'.format(1) }}{{ range(9)|batch(2)|list }}{{ messages[::-1]|map(attribute='role')|join(',') }}")
	f.Add("{% macro f(a, b=1) %}{{ a }}{% endmacro %}{{ f(2) }}{% if x is defined %}{% else %}{% endif %}")
	f.Fuzz(func(t *testing.T, source string) {
		oracle.Watched(t, len(source), func() {
			_ = balanced(source)
			_, _ = renderSample(t.Context(), template.Render, source, "<s>", "</s>")
		})
	})
}
