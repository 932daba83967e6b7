package template

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/f190792d/mq/formats/tokenizer"
	"github.com/f190792d/mq/validate/template/jinja"
)

// The contents that texts are told apart by. They are single words, for
// templates trim what they print.
const (
	theSystem = "Zsystem0Z"
	theUser   = "Zuser1Z"
	theAnswer = "Zreply2Z"
	theSecond = "Zuser3Z"
	theTool   = "Ztool4Z"
)

// Lint returns what chats by a template will suffer from, and what they will
// miss. words is the model's vocabulary, nil where it is not known. Of a
// template that does not parse nothing is said: its error says enough.
func Lint(ctx context.Context, source string, words *tokenizer.Tokenizer) (warnings, notes []string) {
	t, err := jinja.Parse(source)
	if err != nil {
		return nil, nil
	}
	l := &linter{ctx: ctx, template: t, words: words}
	l.names()
	l.turns()
	return l.warnings, l.notes
}

type linter struct {
	ctx      context.Context
	template *jinja.Template
	words    *tokenizer.Tokenizer
	warnings []string
	notes    []string
}

func (l *linter) warn(format string, args ...any) {
	l.warnings = append(l.warnings, fmt.Sprintf(format, args...))
}

func (l *linter) note(format string, args ...any) {
	l.notes = append(l.notes, fmt.Sprintf(format, args...))
}

// foreign are the filters and statements of Jinja's that llama.cpp's own
// engine lacks.
var (
	foreignFilters = []string{"attr", "batch", "center", "forceescape", "round", "urlencode"}
	foreignTags    = []string{"with", "raw", "print"}
)

// names looks at what a template calls by name.
func (l *linter) names() {
	filters, tests, functions := l.template.Unknown()
	for kind, names := range map[string][]string{"filter": filters, "test": tests, "function": functions} {
		for _, name := range names {
			l.warn("the template names the %s %q, which neither Jinja nor transformers has: rendering ends where it is reached", kind, name)
		}
	}
	for kind, names := range map[string][2][]string{
		"filter": {l.template.Filters(), foreignFilters}, "statement": {l.template.Tags(), foreignTags},
	} {
		for _, name := range names[0] {
			if slices.Contains(names[1], name) {
				l.note("llama.cpp's own engine lacks the %s %q", kind, name)
			}
		}
	}
	slices.Sort(l.warnings) // maps have no order
	slices.Sort(l.notes)
}

// render renders messages, each a role and a content.
func (l *linter) render(generate bool, tools any, messages ...[2]string) (string, bool) {
	list := make([]any, len(messages))
	for i, m := range messages {
		list[i] = map[string]any{"role": m[0], "content": m[1]}
	}
	variables := map[string]any{"messages": list, "tools": tools, "documents": nil, "add_generation_prompt": generate}
	AddSpecial(variables, l.words)
	text, err := l.template.Render(l.ctx, variables, jinja.Options{})
	return text, err == nil
}

var (
	system = [2]string{"system", theSystem}
	user   = [2]string{"user", theUser}
	answer = [2]string{"assistant", theAnswer}
	second = [2]string{"user", theSecond}
)

// turns looks at what a template renders.
func (l *linter) turns() {
	asked, ok := l.render(true, nil, user, answer, second)
	if !ok {
		return
	}
	if !strings.Contains(asked, theSecond) {
		l.warn("the rendered conversation lacks the user's last message")
		return
	}
	if waiting, ok := l.render(false, nil, user, answer, second); ok && waiting == asked {
		if _, behind, _ := strings.Cut(asked, theSecond); strings.TrimSpace(behind) == "" {
			l.warn("nothing follows the user's last words where an answer is asked for (add_generation_prompt): the model is not told that it is its turn")
		}
	}
	if text, ok := l.render(true, nil, system, user); !ok {
		l.note("the template refuses system messages")
	} else if !strings.Contains(text, theSystem) {
		l.note("the template leaves system messages out")
	}
	tools := []any{map[string]any{"type": "function", "function": map[string]any{
		"name": theTool, "description": theTool, "parameters": map[string]any{"type": "object", "properties": map[string]any{}},
	}}}
	if text, ok := l.render(true, tools, user); !ok {
		l.note("the template cannot render tools")
	} else if !strings.Contains(text, theTool) {
		l.note("the template renders no tools: models are not told which there are")
	}
	l.tokens(asked)
}

// marks are texts that look like special tokens.
var marks = regexp.MustCompile(`<[|｜][^<>|｜\s]{1,40}[|｜]>|</?(?:start|end)_of_\w{1,20}>|\[/?(?:INST|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS)\]`)

// ends are the tokens that llama.cpp takes for the end of a turn wherever a
// vocabulary has them.
var ends = []string{
	"<|eot_id|>", "<|im_end|>", "<|end|>", "<|return|>", "<|call|>", "<|flush|>", "<|calls|>", "<end_of_turn>", "<turn|>", "<|endoftext|>", "<|eom_id|>", "< EOT >",
	"_<EOT>", "<EOT>", "<|end_of_text|>", "<end_of_utterance>", "<｜end▁of▁sentence｜>",
}

// tokens looks at the special tokens in a rendered text.
func (l *linter) tokens(text string) {
	if l.words == nil {
		return
	}
	bos := spelled(l.words, "bos")
	switch {
	case bos == "":
	case l.words.AddsBOS() && strings.HasPrefix(text, bos):
		l.warn("the template begins with %s while tokenizer.ggml.add_bos_token is true: a program that follows both starts with two", bos)
	case strings.HasPrefix(text, bos+bos):
		l.warn("the template begins with %s twice", bos)
	}
	var known []string
	for _, mark := range marks.FindAllString(text, 64) {
		if slices.Contains(known, mark) {
			continue
		}
		known = append(known, mark)
		if _, ok := l.words.ID(mark); !ok {
			l.warn("the template writes %s, which is not one token of this vocabulary", mark)
		}
	}
	_, behind, _ := strings.Cut(text, theAnswer)
	end := marks.FindString(behind)
	id, ok := l.words.ID(end)
	if !ok || !strings.HasPrefix(strings.TrimSpace(behind), end) || slices.Contains(ends, end) {
		return
	}
	for _, role := range []string{"eos", "eot", "eom"} {
		if special, ok := l.words.Special(role); ok && special == id {
			return
		}
	}
	l.warn("answers end with %s, which is none of the vocabulary's end tokens (eos, eot, eom): generation goes on after it", end)
}
