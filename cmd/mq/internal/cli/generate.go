package cli

import (
	"context"
	"fmt"

	"github.com/f190792d/mq/eval"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/tokenizer"
)

// generation is what eval --generate needs.
type generation struct {
	prompt   string
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
	prompt, err := words.Encode(ctx, g.prompt, tokenizer.Options{AddSpecial: true, ParseSpecial: true})
	if err != nil {
		return err
	}
	if !a.JSON {
		a.Printf("%s", g.prompt)
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
		a.Object(map[string]any{"prompt": g.prompt, "ids": append([]int32{}, ids...), "text": words.Decode(ids)})
	} else {
		fmt.Fprintln(a.Out)
	}
	return err
}
