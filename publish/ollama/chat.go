package ollama

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/tokenizer"
	"github.com/f190792d/mq/publish/ollama/gotemplate"
)

const templateKey = "tokenizer.chat_template"

// own is a family whose conversations Ollama renders and parses in code of its
// own, tools and thoughts included.
type own struct {
	families         []string // general.architecture
	sign             string   // in the family's Jinja template; empty: any
	renderer, parser string
}

// owned are the families that Ollama's importer does not recognize by itself.
// The first row that fits decides.
var owned = []own{
	{[]string{"qwen3moe", "qwen3next"}, "<function=", "qwen3-coder", "qwen3-coder"},
	{[]string{"qwen3vl", "qwen3vlmoe"}, "<think>", "qwen3-vl-thinking", "qwen3-vl-thinking"},
	{[]string{"qwen3vl", "qwen3vlmoe"}, "", "qwen3-vl-instruct", "qwen3-vl-instruct"},
	{[]string{"qwen35", "qwen35moe"}, "", "qwen3.5", "qwen3.5"},
	{[]string{"deepseek2"}, "<｜tool▁calls▁begin｜>", "deepseek3.1", "deepseek3"},
	{[]string{"lfm2", "lfm2moe"}, "<think>", "lfm2-thinking", "lfm2-thinking"},
	{[]string{"lfm2", "lfm2moe"}, "", "lfm2", "lfm2"},
	{[]string{"nemotron_h", "nemotron_h_moe"}, "<think>", "nemotron-3-nano", "nemotron-3-nano"},
	{[]string{"gpt-oss"}, "", "", "harmony"},
}

// chat finds out how Ollama renders the conversations of a file.
func (m *Model) chat(ctx context.Context, kvs gguf.KVs, o Options) error {
	source, ok := kvs.String(templateKey)
	if !ok {
		return nil // a model that completes text
	}
	for _, row := range owned {
		if slices.Contains(row.families, m.Config.Family) && strings.Contains(source, row.sign) {
			m.Config.Renderer, m.Config.Parser = row.renderer, row.parser
			break
		}
	}
	if m.Template != "" || o.Render == nil {
		return nil
	}
	words, err := tokenizer.FromGGUF(kvs)
	if err != nil {
		return err
	}
	d, err := gotemplate.Derive(ctx, renderer(source, words, o), thinks(source))
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case err != nil && m.Config.Renderer != "":
		return nil // the code of Ollama's own does without
	case err != nil:
		m.warn("%s; without a template of its own Ollama gives the model bare text, which ruins conversations", err)
		return nil
	}
	m.Template = d.Text
	if stop := stops(d.Markers, words); len(stop) > 0 {
		m.Params["stop"] = stop
	}
	if m.Config.Renderer == "" {
		m.lacks(source, d)
	}
	return nil
}

func (m *Model) warn(format string, args ...any) {
	m.Warnings = append(m.Warnings, fmt.Sprintf(format, args...))
}

// lacks warns of what the derived template leaves out.
func (m *Model) lacks(source string, d *gotemplate.Derived) {
	if strings.Contains(source, "strftime_now") {
		m.warn("the chat template writes the date of the day; in Ollama it stays that of today")
	}
	if strings.Contains(source, "tools") {
		m.warn("the chat template knows tools; the one derived for Ollama renders conversations without them")
	}
	if !d.System {
		m.warn("the chat template takes no system message; in Ollama it goes before the user's first one")
	}
}

// renderer renders by the template of a file. The BOS that llama.cpp and
// Ollama put before every text themselves is left out.
func renderer(source string, words *tokenizer.Tokenizer, o Options) gotemplate.Render {
	bos := special(words, "bos")
	return func(ctx context.Context, ask gotemplate.Ask) (string, error) {
		messages := make([]any, len(ask.Messages))
		for i, m := range ask.Messages {
			messages[i] = map[string]any{"role": m.Role, "content": m.Content}
		}
		variables := map[string]any{
			"messages": messages, "add_generation_prompt": ask.Generate, "bos_token": bos, "eos_token": special(words, "eos"), "tools": nil, "documents": nil,
		}
		if ask.Thinking != gotemplate.Unsaid {
			variables["enable_thinking"] = ask.Thinking == gotemplate.On
			variables["thinking"] = ask.Thinking == gotemplate.On
		}
		text, err := o.Render(ctx, source, variables)
		if err == nil && words.AddsBOS() && bos != "" {
			text = strings.TrimPrefix(text, bos)
		}
		return text, err
	}
}

// thinks returns the tags around thoughts that a template writes.
func thinks(source string) [2]string {
	if strings.Contains(source, "</think>") {
		return [2]string{"<think>", "</think>"}
	}
	return [2]string{}
}

// stops are the texts that end an answer: special tokens with which a turn
// begins or ends.
func stops(markers []string, words *tokenizer.Tokenizer) []string {
	var all []string
	for _, text := range append(markers, special(words, "eos"), special(words, "eot")) {
		if end := strings.IndexByte(text, '>'); end > 0 && text[0] == '<' {
			text = text[:end+1]
		}
		id, ok := words.ID(text)
		if !ok || text == "" || slices.Contains(all, text) {
			continue
		}
		if _, _, kind := words.Token(id); kind == tokenizer.TypeControl || kind == tokenizer.TypeUserDefined {
			all = append(all, text)
		}
	}
	return all
}

// checkTemplate holds a template that the caller gives to the language.
func checkTemplate(source string) error {
	if source == "" {
		return nil
	}
	_, err := gotemplate.Execute(source, gotemplate.Ask{Messages: []gotemplate.Message{{Role: "user", Content: "x"}}})
	if err != nil && !strings.Contains(err.Error(), "not defined") { // functions of Ollama's own
		return fault.Op("ollama").Invalid("%w", err)
	}
	return nil
}
