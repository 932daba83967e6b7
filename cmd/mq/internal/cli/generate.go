package cli

import (
	"context"
	"fmt"

	"github.com/f190792d/mq/eval"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/tokenizer"
	"github.com/f190792d/mq/validate/template"
)

// generation is what eval --generate needs.
type generation struct {
	prompt   string
	chat     bool // the prompt is what a user says
	tokens   int
	sampling eval.Sampling
}

// generate prints how a model continues a prompt.
func (a *app) generate(ctx context.Context, path string, g *generation) error {
	if g.tokens < 1 {
		return fault.Invalid("eval: -n %d: at least one token is generated", g.tokens)
	}
	model, words, err := a.openModel(ctx, path)
	if err != nil {
		return err
	}
	defer model.Close()
	ends := map[int32]bool{}
	for _, role := range []string{"eos", "eot", "eom"} {
		if id, ok := words.Special(role); ok {
			ends[id] = true
		}
	}
	text, prompt, err := a.prompt(ctx, path, g, words)
	if err != nil {
		return err
	}
	if !a.JSON && !g.chat {
		a.Printf("%s", text)
	}
	var ids []int32
	err = eval.Generate(ctx, model, prompt, g.tokens, g.sampling, func(id int32) bool { return ends[id] }, func(id int32) error {
		ids = append(ids, id)
		if !a.JSON {
			a.Printf("%s", words.TokenBytes(id))
		}
		return nil
	})
	if a.JSON {
		a.Object(map[string]any{"prompt": text, "ids": append([]int32{}, ids...), "text": words.Decode(ids)})
	} else {
		fmt.Fprintln(a.Out)
	}
	return err
}

// prompt returns the text that is continued, and its tokens.
func (a *app) prompt(ctx context.Context, path string, g *generation, words *tokenizer.Tokenizer) (string, []int32, error) {
	if !g.chat {
		ids, err := words.Encode(ctx, g.prompt, tokenizer.Options{AddSpecial: true, ParseSpecial: true})
		return g.prompt, ids, err
	}
	source, known, err := a.openChat(ctx, path, "")
	if err != nil {
		return "", nil, err
	}
	text, err := renderChat(ctx, path, source, template.Said(g.prompt), known)
	if err != nil {
		return "", nil, err
	}
	ids, err := chatTokens(ctx, words, text)
	return text, ids, err
}
