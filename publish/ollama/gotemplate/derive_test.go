package gotemplate

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/validate/template"
)

// jinja renders by a template as package ollama does.
func jinja(source string) Render {
	return func(ctx context.Context, ask Ask) (string, error) {
		messages := make([]any, len(ask.Messages))
		for i, m := range ask.Messages {
			messages[i] = map[string]any{"role": m.Role, "content": m.Content}
		}
		variables := map[string]any{"messages": messages, "add_generation_prompt": ask.Generate, "bos_token": "<s>", "eos_token": "</s>", "tools": nil}
		if ask.Thinking != Unsaid {
			variables["enable_thinking"] = ask.Thinking == On
		}
		text, err := template.Render(ctx, source, variables)
		return strings.TrimPrefix(text, "<s>"), err
	}
}

// shapes are templates of the kinds that families publish.
var shapes = map[string]string{
	"turns": `{% for m in messages %}<|im_start|>{{ m.role }}{{ "\n" }}{{ m.content }}<|im_end|>{{ "\n" }}{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant{{ "\n" }}{% endif %}`,
	"a system message of its own": `{% if messages[0].role != 'system' %}<|im_start|>system{{ "\n" }}You are kind.<|im_end|>{{ "\n" }}{% endif %}
{% for m in messages %}<|im_start|>{{ m.role }}{{ "\n" }}{{ m.content | trim }}<|im_end|>{{ "\n" }}{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant{{ "\n" }}{% endif %}`,
	"system in the user's turn": `{{ bos_token }}{% if messages[0].role == 'system' %}{% set first = messages[0].content + '\n\n' %}{% set rest = messages[1:] %}{% else %}{% set first = '' %}{% set rest = messages %}{% endif %}
{% for m in rest %}<start_of_turn>{% if m.role == 'assistant' %}model{% else %}user{% endif %}{{ "\n" }}{% if loop.first %}{{ first }}{% endif %}{{ m.content | trim }}<end_of_turn>{{ "\n" }}{% endfor %}
{% if add_generation_prompt %}<start_of_turn>model{{ "\n" }}{% endif %}`,
	"system in the last turn": `{{ bos_token }}{% if messages[0].role == 'system' %}{% set s = messages[0].content %}{% set rest = messages[1:] %}{% else %}{% set s = '' %}{% set rest = messages %}{% endif %}
{% for m in rest %}{% if m.role == 'user' %}[INST] {% if loop.last and s %}{{ s }}{{ "\n\n" }}{% endif %}{{ m.content }}[/INST]{% else %} {{ m.content }}{{ eos_token }}{% endif %}{% endfor %}`,
	"BOS in every turn": `{% if messages[0].role == 'system' %}{% set s = '<<SYS>>\n' + messages[0].content + '\n<</SYS>>\n\n' %}{% set rest = messages[1:] %}{% else %}{% set s = '' %}{% set rest = messages %}{% endif %}
{% for m in rest %}{% if m.role == 'user' %}{{ bos_token }}[INST] {% if loop.first %}{{ s }}{% endif %}{{ m.content }} [/INST]{% else %} {{ m.content }} {{ eos_token }}{% endif %}{% endfor %}`,
	"no system message":              `{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system messages') }}{% endif %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}`,
	"another end of the last answer": `{% for m in messages %}<|start|>{{ m.role }}<|message|>{{ m.content }}{% if m.role == 'assistant' and loop.last %}<|return|>{% else %}<|end|>{% endif %}{% endfor %}{% if add_generation_prompt %}<|start|>assistant{% endif %}`,
	"thoughts": `{% for m in messages %}<|im_start|>{{ m.role }}{{ "\n" }}{% if m.role == 'assistant' and loop.last %}<think>{{ "\n\n" }}</think>{{ "\n\n" }}{% endif %}{{ m.content }}<|im_end|>{{ "\n" }}{% endfor %}
{% if add_generation_prompt %}<|im_start|>assistant{{ "\n" }}{% if enable_thinking is defined and enable_thinking is false %}<think>{{ "\n\n" }}</think>{{ "\n\n" }}{% endif %}{% endif %}`,
	"quotes": `{% for m in messages %}"""{{ m.role }}"""{{ "\n" }}{{ m.content }}""""{{ "\n" }}{% endfor %}{% if add_generation_prompt %}"""assistant"""{{ "\n" }}{% endif %}`,
	"braces": `{% for m in messages %}{{ "{{" }}{{ m.role }}{{ "}} {" }}{{ m.content }}{{ "}\n" }}{% endfor %}{% if add_generation_prompt %}{{ "{{assistant}} {" }}{% endif %}`,
}

func TestDerivedTemplateRendersWhatTheModelsOwnDoes(t *testing.T) {
	for name, source := range shapes {
		d, err := Derive(t.Context(), jinja(source), [2]string{"<think>", "</think>"})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if strings.Contains(d.Text, `"""`) {
			t.Errorf("%s: a Modelfile would cut %s", name, d.Text)
		}
		if want := name != "no system message"; d.System != want || d.Compared < 3 {
			t.Errorf("%s: system messages %v, %d conversations compared", name, d.System, d.Compared)
		}
		// a conversation that Derive does not know
		ask := Ask{Generate: true, Messages: []Message{
			{"system", "rules"}, {"user", "one"}, {"assistant", "two"}, {"user", "three {{ .Content }}"}, {"assistant", "four"}, {"user", "five"},
		}}
		if !d.System {
			ask.Messages = ask.Messages[1:]
		}
		want, err := jinja(source)(t.Context(), ask)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Execute(d.Text, ask); err != nil || got != want {
			t.Errorf("%s: %v\n%q\n%q\n%s", name, err, got, want, d.Text)
		}
	}
}

// TestAnswerBegunIsContinued: a conversation that ends with the assistant asks
// for the rest of that turn.
func TestAnswerBegunIsContinued(t *testing.T) {
	for name, source := range shapes {
		d, err := Derive(t.Context(), jinja(source), [2]string{})
		if err != nil {
			t.Fatal(err)
		}
		got, err := Execute(d.Text, Ask{Messages: []Message{{"user", "one"}, {"assistant", "The answer is"}}})
		if err != nil || !strings.HasSuffix(got, "The answer is") {
			t.Errorf("%s: %v, %q", name, err, got)
		}
	}
}

func TestThoughtsAreSwitched(t *testing.T) {
	d, err := Derive(t.Context(), jinja(shapes["thoughts"]), [2]string{"<think>", "</think>"})
	if err != nil {
		t.Fatal(err)
	}
	for mode, want := range map[Thinking]bool{Unsaid: false, On: false, Off: true} {
		got, err := Execute(d.Text, Ask{Messages: []Message{{"user", "one"}}, Generate: true, Thinking: mode})
		if err != nil || strings.HasSuffix(got, "<think>\n\n</think>\n\n") != want {
			t.Errorf("%v: %v, %q", mode, err, got)
		}
	}
}

func TestTemplatesThatAreNotTurnsAreRefused(t *testing.T) {
	for name, source := range map[string]string{
		"only the last message": `{{ messages[-1].content }}`,
		"every content twice":   `{% for m in messages %}{{ m.role }}: {{ m.content }} {{ m.content }}{% endfor %}`,
		"count of the turns":    `{% for m in messages %}<{{ loop.index }}{{ m.role }}>{{ m.content }}</>{% endfor %}{% if add_generation_prompt %}<answer>{% endif %}`,
		"length of the content": `{% for m in messages %}<{{ m.role }} {{ m.content | length }}>{{ m.content }}</>{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}`,
		"an exception":          `{{ raise_exception('no') }}`,
		"no template":           `{% for`,
	} {
		if d, err := Derive(t.Context(), jinja(source), [2]string{}); !errors.Is(err, fault.ErrUnsupported) {
			t.Errorf("%s: %v: %v", name, err, d)
		}
	}
}

func TestDerivationEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Derive(ctx, jinja(shapes["turns"]), [2]string{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
