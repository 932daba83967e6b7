package cli

import (
	"context"
	"encoding/json"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/f190792d/mq/cmd/mq/internal/flags"
	"github.com/f190792d/mq/formats/atomicfile"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/tokenizer"
	"github.com/f190792d/mq/validate/template"
	"github.com/f190792d/mq/validate/template/jinja"
)

// chatFlags are the flags of chat-template.
type chatFlags struct {
	name, messages, tools string
	set                   []string
	source, tokens        bool
}

// chatTemplateCommand renders conversations by a model's template.
func (a *app) chatTemplateCommand() *cobra.Command {
	var f chatFlags
	cmd := &cobra.Command{
		Use:   "chat-template MODEL [--messages FILE]",
		Short: "Render a conversation by a model's chat template, and say what is wrong with that",
		Long: `Prints what the chat template of a GGUF file, of a checkpoint or of a .jinja file
makes of a conversation, as transformers renders it, and warns of what chats will
suffer from: two BOS, no beginning of an answer, tokens that the vocabulary lacks,
an end of answers that stops nothing, functions that nobody has.

The conversation is JSON: a list of messages, or an object with messages, tools,
documents and whatever else the template reads. Without one a sample is rendered.
A .jinja file has no special tokens: give what it reads, --set eos_token='</s>'.`,
		Example: `  mq chat-template model.gguf
  mq chat-template ./Qwen3-8B --messages chat.json --tools tools.json --set enable_thinking=false
  mq chat-template model.gguf --tokens`,
		Args: flags.Args(1, 1, "one MODEL"),
		RunE: func(cmd *cobra.Command, args []string) error { return a.chatTemplate(cmd.Context(), args[0], &f) },
	}
	fs := cmd.Flags()
	fs.StringVar(&f.messages, "messages", "", "JSON file with a conversation, - for standard input")
	fs.StringVar(&f.tools, "tools", "", "JSON file with a list of tools")
	fs.StringArrayVar(&f.set, "set", nil, "NAME=VALUE that the template reads, JSON or else text (repeatable)")
	fs.StringVar(&f.name, "name", "", "the template of this name, where a model has several")
	fs.BoolVar(&f.source, "source", false, "print the template itself")
	fs.BoolVar(&f.tokens, "tokens", false, "print the tokens of the conversation")
	return cmd
}

func (a *app) chatTemplate(ctx context.Context, path string, f *chatFlags) error {
	source, words, err := a.openChat(ctx, path, f.name)
	if err != nil {
		return err
	}
	if f.source && !a.JSON {
		a.Printf("%s", source)
		return nil
	}
	parsed, err := jinja.Parse(source)
	if err != nil {
		return fault.File(path).Corrupt("the chat template cannot be read: %w", err)
	}
	warnings, notes := template.Lint(ctx, source, words)
	if !a.JSON {
		for _, w := range warnings {
			a.Warn("%s", w)
		}
		for _, n := range notes {
			a.Note("%s", n)
		}
	}
	variables, err := a.conversation(f)
	if err != nil {
		return err
	}
	text, err := renderChat(ctx, path, source, variables, words)
	if err != nil {
		return err
	}
	var ids []int32
	if words != nil {
		if ids, err = chatTokens(ctx, words, text); err != nil {
			return err
		}
	}
	switch {
	case a.JSON:
		a.Object(map[string]any{
			"template": source, "text": text, "ids": append([]int32{}, ids...), "variables": append([]string{}, parsed.Variables()...),
			"warnings": append([]string{}, warnings...), "notes": append([]string{}, notes...),
		})
	case f.tokens && words == nil:
		return fault.Invalid("--tokens: %s is a template without a vocabulary; give the model", path)
	case f.tokens:
		return a.printTokens(words, ids, false)
	default:
		a.Printf("%s", text)
		if !strings.HasSuffix(text, "\n") {
			a.Printf("\n")
		}
	}
	return nil
}

// sampleChat is rendered where no conversation is given.
const sampleChat = `[{"role": "user", "content": "What is the capital of France?"}, {"role": "assistant", "content": "It is Paris."},
{"role": "user", "content": "And that of Italy?"}]`

// conversation reads the variables of the template.
func (a *app) conversation(f *chatFlags) (map[string]any, error) {
	data := sampleChat
	if f.messages != "" {
		var err error
		if data, err = a.ReadText(f.messages); err != nil {
			return nil, err
		}
	}
	variables, err := template.Conversation([]byte(data))
	if err != nil {
		return nil, fault.File(f.messages).Invalid("%w", err)
	}
	if f.tools != "" {
		text, err := a.ReadText(f.tools)
		if err != nil {
			return nil, err
		}
		if variables["tools"], err = template.Tools([]byte(text)); err != nil {
			return nil, fault.File(f.tools).Invalid("%w", err)
		}
	}
	for _, s := range f.set {
		name, value, ok := strings.Cut(s, "=")
		if !ok || name == "" {
			return nil, fault.Invalid("--set %s: it needs NAME=VALUE", s)
		}
		variables[name] = value
		if json.Valid([]byte(value)) {
			if v, err := jinja.Decode([]byte(value)); err == nil {
				variables[name] = v
			}
		}
	}
	return variables, nil
}

// renderChat renders a conversation by a model's template.
func renderChat(ctx context.Context, path, source string, variables map[string]any, words *tokenizer.Tokenizer) (string, error) {
	template.AddSpecial(variables, words)
	text, err := template.Render(ctx, source, variables)
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	if err != nil {
		return "", fault.File(path).Check("the chat template does not render the conversation: %w", err)
	}
	return text, nil
}

// chatTokens are the tokens of a rendered conversation: what the vocabulary
// puts before a text is not put there twice.
func chatTokens(ctx context.Context, words *tokenizer.Tokenizer, text string) ([]int32, error) {
	ids, err := words.Encode(ctx, text, tokenizer.Options{ParseSpecial: true})
	if err != nil {
		return nil, err
	}
	if bos, ok := words.Special("bos"); ok && words.AddsBOS() && (len(ids) == 0 || ids[0] != bos) {
		ids = append([]int32{bos}, ids...)
	}
	return ids, nil
}

// openChat reads the chat template of a MODEL, and its vocabulary, nil for a
// file of the template alone.
func (a *app) openChat(ctx context.Context, path, name string) (string, *tokenizer.Tokenizer, error) {
	if filepath.Ext(path) == ".jinja" {
		source, err := atomicfile.ReadFile(path, atomicfile.MaxText)
		return string(source), nil, err
	}
	folder, err := a.Files.IsFolder(path)
	if err != nil {
		return "", nil, err
	}
	var kvs gguf.KVs
	var words *tokenizer.Tokenizer
	if folder {
		read, err := a.readVocabulary(ctx, path, "")
		if err != nil {
			return "", nil, err
		}
		kvs, words = read.KVs, read.Tokenizer
	} else {
		file, err := gguf.Open(path)
		if err != nil {
			return "", nil, err
		}
		defer file.Close()
		kvs = file.KVs()
		if words, err = tokenizer.FromGGUF(kvs); err != nil {
			return "", nil, named(path, err)
		}
	}
	key := "tokenizer.chat_template"
	if name != "" && name != "default" {
		key += "." + name
	}
	source, ok := kvs.String(key)
	if !ok {
		return "", nil, fault.File(path).Key(key).Corrupt("the model has no such chat template")
	}
	return source, words, nil
}
