package pipeline

import (
	"context"
	"strings"

	"github.com/f190792d/mq/eval"
	"github.com/f190792d/mq/formats/tokenizer"
)

const (
	// autoTogether is how many texts a model writes at once.
	autoTogether = 128
	// autoSeed makes them the same in every run.
	autoSeed = 1
	// autoName is what key-values call them.
	autoName = "auto"
)

// beginnings are what a model goes on with: languages and kinds of text.
var beginnings = []string{
	"", "The", "Once upon a time", "In 1998,", "Q: What is", "# Introduction\n\n", "Dear", "\"I don't know,\" she said",
	"", "def main():\n", "#include <stdio.h>\n\nint", "import", "function", "SELECT", "<!DOCTYPE html>\n", "{\n  \"name\": ",
	"", "Der", "Die Stadt", "El", "La historia", "Le", "Les", "Il", "Het", "O", "W", "Это", "В", "这", "日本", "مرحبا",
}

// write lets the source write calibration text itself, as one of the texts to
// refine with.
func (j *Job) write(ctx context.Context) error {
	r := j.o.Refine
	model, words, err := j.openModel(ctx)
	if err != nil {
		return err
	}
	defer model.Close()
	length := calibrationContext
	if n := model.Longest(); n > 0 {
		length = min(length, n)
	}
	count := max(2, r.Tokens/(1+len(r.Texts))/length)
	var text strings.Builder
	for first := 0; first < count; first += autoTogether {
		var prompts [][]int32
		for i := first; i < min(count, first+autoTogether); i++ {
			tokens, err := words.Encode(ctx, beginnings[i%len(beginnings)], tokenizer.Options{AddSpecial: true})
			if err != nil {
				return err
			}
			if len(tokens) == 0 { // no token begins a text
				if tokens, err = words.Encode(ctx, "The", tokenizer.Options{}); err != nil {
					return err
				}
			}
			prompts = append(prompts, tokens)
		}
		texts, err := eval.Sample(ctx, model, prompts, length, autoSeed+uint64(first), j.o.Progress.Named("writing a text"))
		if err != nil {
			return err
		}
		for _, t := range texts {
			text.WriteString(words.Decode(t))
			text.WriteByte('\n')
		}
	}
	r.Texts = append(r.Texts, Text{Name: autoName, Content: text.String()})
	return nil
}
