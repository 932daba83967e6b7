package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"github.com/f190792d/mq/cmd/mq/internal/flags"
	"github.com/f190792d/mq/eval"
	"github.com/f190792d/mq/eval/forward"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/tokenizer"
)

// embedding is what eval --embed needs.
type embedding struct {
	texts []string
	least float64 // cosine with the base
}

// embedFlags registers the flags of eval --embed.
func embedFlags(fs *pflag.FlagSet, e *embedding) {
	fs.StringArrayVar(&e.texts, "embed", nil, "print the embedding of this text (repeatable; an empty one leaves it to -f)")
	fs.Float64Var(&e.least, "min-cosine", -1, "fail (exit 3) below this cosine of an embedding and that of --base")
	fs.Lookup("min-cosine").DefValue = "0" // which the help leaves out
	flags.MayBeEmpty(fs, "embed")
	flags.Range(fs, "min-cosine", -1, 1)
	flags.Needs(fs, "embed", "min-cosine")
	flags.Excludes(fs, "embed", "perplexity", "kl-divergence", "logits", "save-all-logits", "ctx", "chunks", "stride", "tasks", "max-ppl", "max-kld", "min-top1", "generate")
}

// embedded is what a model makes of one text.
type embedded struct {
	Tokens    int             `json:"tokens"`
	Norm      float64         `json:"norm"` // length of the embedding before it was scaled
	Embedding []float32       `json:"embedding"`
	Base      *eval.Closeness `json:"base,omitempty"`
}

// embed prints the embeddings of texts and files, or how close they are to those
// of another model.
func (a *app) embed(ctx context.Context, path string, e embedding, base string, files []string) error {
	if e.least > -1 && base == "" {
		return fault.Invalid("eval: --min-cosine needs --base MODEL")
	}
	texts, err := a.embeddedTexts(e.texts, files)
	if err != nil {
		return err
	}
	model, words, err := a.openModel(ctx, path)
	if err != nil {
		return err
	}
	defer model.Close()
	var other *forward.Model
	if base != "" {
		if other, _, err = a.openModel(ctx, base); err != nil {
			return err
		}
		defer other.Close()
		if other.Tokens() != model.Tokens() {
			return fault.Corrupt("%s has a vocabulary of %d tokens, %s one of %d: they cannot be compared", path, model.Tokens(), base, other.Tokens())
		}
	}
	all := make([]embedded, len(texts))
	for i, text := range texts {
		tokens, err := words.Encode(ctx, text, tokenizer.Options{AddSpecial: true})
		if err == nil {
			all[i], err = embeddedBy(ctx, model, other, tokens)
		}
		if err != nil {
			return err
		}
	}
	a.printEmbeddings(all)
	for i, one := range all {
		if one.Base != nil && !(one.Base.Cosine >= e.least) {
			return fault.Check("eval: the cosine of embedding %d and the base's, %.6f, is below --min-cosine %g", i+1, one.Base.Cosine, e.least)
		}
	}
	return nil
}

// embeddedTexts are those given, but for empty ones, and the files'.
func (a *app) embeddedTexts(given, files []string) (texts []string, err error) {
	for _, text := range given {
		if text != "" {
			texts = append(texts, text)
		}
	}
	for _, name := range files {
		text, err := a.ReadText(name)
		if err != nil {
			return nil, err
		}
		texts = append(texts, strings.TrimSuffix(text, "\n"))
	}
	if len(texts) == 0 {
		return nil, fault.Invalid("eval: give --embed a text, or texts in files with -f FILE")
	}
	return texts, nil
}

// embeddedBy runs a model on a text, and another one beside it.
func embeddedBy(ctx context.Context, model, base *forward.Model, tokens []int32) (embedded, error) {
	vector, err := model.Embed(ctx, tokens)
	if err != nil {
		return embedded{}, err
	}
	e := embedded{Tokens: len(tokens), Norm: eval.Length(vector), Embedding: eval.Unit(vector)}
	if base != nil {
		closeness, err := eval.CompareEmbeddings(ctx, base, model, tokens)
		if err != nil {
			return embedded{}, err
		}
		e.Base = &closeness
	}
	return e, nil
}

// printEmbeddings prints one object, or a line for each text.
func (a *app) printEmbeddings(all []embedded) {
	if a.JSON {
		a.Object(map[string]any{"embeddings": all})
		return
	}
	for _, e := range all {
		if e.Base != nil {
			a.Printf("cosine %.6f, of %d positions at least %.6f, largest difference %.3g\n", e.Base.Cosine, e.Base.Tokens, e.Base.MinCosine, e.Base.MaxDifference)
			continue
		}
		a.Printf("%s\n", strings.Trim(fmt.Sprint(e.Embedding), "[]"))
	}
}
