package validate

import (
	"context"
	"fmt"
	"strings"

	"github.com/f190792d/mq/formats/tokenizer"
)

// sample is the conversation that templates have to render.
var sample = []map[string]any{
	{"role": "system", "content": "You answer in one sentence."},
	{"role": "user", "content": "What is the capital of France?"},
	{"role": "assistant", "content": "It is Paris."},
	{"role": "user", "content": "And that of Italy?"},
}

const templateKey = "tokenizer.chat_template"

// checkTemplate checks the delimiters and blocks of the chat template. With a
// renderer it also renders a conversation, and with a linter says what is wrong.
func (v *validation) checkTemplate(ctx context.Context) {
	r, kvs, render := v.Report, v.kvs, v.Render
	source, ok := kvs.String(templateKey)
	if !ok {
		if kvs.Has(templateKey) {
			r.add(Finding{Check: Template, Severity: Fail, Key: templateKey, Message: "the value is not a string"})
			r.done(Template, "not readable")
			return
		}
		r.skip(Template, "the file has none")
		return
	}
	say := func(s Severity, format string, args ...any) {
		r.add(Finding{Check: Template, Severity: s, Key: templateKey, Message: fmt.Sprintf(format, args...)})
	}
	if err := balanced(source); err != nil {
		say(Fail, "no renderer can read this template: %v", err)
		r.done(Template, "broken")
		return
	}
	if render == nil {
		r.done(Template, "blocks are balanced; not rendered")
		return
	}
	text, err := renderSample(ctx, render, source, special(v.tokens, "bos"), special(v.tokens, "eos"))
	if err != nil {
		say(Warning, "the sample conversation could not be rendered: %v", err)
		r.done(Template, "not rendered")
		return
	}
	if v.Lint != nil {
		warnings, notes := v.Lint(ctx, source, v.tokens)
		for _, w := range warnings {
			say(Warning, "%s", w)
		}
		for _, n := range notes {
			say(Note, "%s", n)
		}
	}
	r.done(Template, "parses and renders a conversation of %d characters", len([]rune(text)))
}

// special returns the spelling of a special token.
func special(t *tokenizer.Tokenizer, role string) string {
	if t == nil {
		return ""
	}
	id, ok := t.Special(role)
	if !ok {
		return ""
	}
	text, _, _ := t.Token(id)
	return text
}

// renderSample renders the sample, without its system message where the
// template refuses that.
func renderSample(ctx context.Context, render Renderer, source, bos, eos string) (string, error) {
	text, err := render(ctx, source, conversation(sample, bos, eos))
	if err == nil {
		return text, nil
	}
	if text, e := render(ctx, source, conversation(sample[1:], bos, eos)); e == nil {
		return text, nil
	}
	return "", err
}

// conversation holds the variables that transformers gives a template.
func conversation(messages []map[string]any, bos, eos string) map[string]any {
	list := make([]any, len(messages))
	for i, m := range messages {
		list[i] = m
	}
	return map[string]any{
		"messages": list, "bos_token": bos, "eos_token": eos, "add_generation_prompt": true,
		"tools": nil, "documents": nil,
	}
}

// balanced finds what makes a text no template at all: a delimiter that is
// not closed, a block without its end.
func balanced(source string) error {
	ends := map[string]string{"{%": "%}", "{{": "}}", "{#": "#}"}
	var open []string
	line := 1
	for rest := source; ; {
		at := strings.IndexByte(rest, '{')
		if at < 0 || at+1 >= len(rest) {
			break
		}
		line += strings.Count(rest[:at], "\n")
		start := rest[at : at+2]
		end, ok := ends[start]
		if !ok {
			rest = rest[at+1:]
			continue
		}
		length := closing(rest[at+2:], end)
		if length < 0 {
			return fmt.Errorf("line %d: %s is not closed", line, start)
		}
		body := rest[at+2 : at+2+length]
		rest = rest[at+2+length+2:]
		if start == "{%" {
			var err error
			if open, err = nest(open, body); err != nil {
				return fmt.Errorf("line %d: %w", line, err)
			}
			if len(open) > 0 && open[len(open)-1] == "raw" {
				rest = afterRaw(rest)
				open = open[:len(open)-1]
			}
		}
		line += strings.Count(body, "\n")
	}
	if len(open) > 0 {
		return fmt.Errorf("{%% %s %%} has no {%% end%s %%}", open[len(open)-1], open[len(open)-1])
	}
	return nil
}

// closing finds a closing delimiter outside of strings; comments have none.
func closing(s, end string) int {
	quote := byte(0)
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quote != 0 && c == '\\':
			i++
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case end != "#}" && (c == '"' || c == '\''):
			quote = c
		case strings.HasPrefix(s[i:], end):
			return i
		}
	}
	return -1
}

// nest follows one tag through the blocks that are open.
func nest(open []string, body string) ([]string, error) {
	words := strings.Fields(strings.Trim(body, "-+ \t\r\n"))
	if len(words) == 0 {
		return open, nil
	}
	word := words[0]
	switch word {
	case "if", "for", "macro", "filter", "call", "with", "generation", "raw", "block":
		return append(open, word), nil
	}
	if word == "set" && !strings.Contains(body, "=") {
		return append(open, word), nil
	}
	if block, ok := strings.CutPrefix(word, "end"); ok {
		if len(open) == 0 || open[len(open)-1] != block {
			return nil, fmt.Errorf("{%% %s %%} ends no open block", word)
		}
		return open[:len(open)-1], nil
	}
	return open, nil
}

// afterRaw returns what follows the end of a raw block.
func afterRaw(s string) string {
	_, rest, ok := strings.Cut(s, "endraw")
	if !ok {
		return ""
	}
	_, rest, _ = strings.Cut(rest, "%}")
	return rest
}
