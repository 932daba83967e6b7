package cli

import (
	"context"

	"github.com/f190792d/mq/eval"
	"github.com/f190792d/mq/eval/forward"
	"github.com/f190792d/mq/formats/atomicfile"
	"github.com/f190792d/mq/formats/progress"
	"github.com/f190792d/mq/formats/tokenizer"
)

// task scores a model on questions with given answers.
type task func(ctx context.Context, m *forward.Model, t *tokenizer.Tokenizer, data []byte, limit int, step progress.Result[eval.Score]) (eval.Score, error)

// tasks are the kinds of task by the name of their flag.
var tasks = map[string]task{
	"hellaswag": func(ctx context.Context, m *forward.Model, t *tokenizer.Tokenizer, data []byte, limit int, step progress.Result[eval.Score]) (eval.Score, error) {
		return eval.Hellaswag(ctx, m, t, string(data), limit, step)
	},
	"winogrande": func(ctx context.Context, m *forward.Model, t *tokenizer.Tokenizer, data []byte, limit int, step progress.Result[eval.Score]) (eval.Score, error) {
		return eval.Winogrande(ctx, m, t, string(data), limit, step)
	},
	"multiple-choice": func(ctx context.Context, m *forward.Model, t *tokenizer.Tokenizer, data []byte, limit int, step progress.Result[eval.Score]) (eval.Score, error) {
		return eval.MultipleChoice(ctx, m, t, data, limit, step)
	},
}

// score runs a task file and prints the share of right answers.
func (a *app) score(ctx context.Context, path, kind, file string, limit int) error {
	data, err := atomicfile.ReadFile(file, atomicfile.MaxText)
	if err != nil {
		return err
	}
	model, words, err := a.openModel(ctx, path)
	if err != nil {
		return err
	}
	defer model.Close()
	bar := a.Progress(kind)
	result, err := tasks[kind](ctx, model, words, data, limit, func(r progress.Report, _ eval.Score) {
		bar.Show(r)
	})
	bar.Finish()
	if err != nil {
		return err
	}
	if a.JSON {
		a.Object(result)
		return nil
	}
	a.Printf("%s %.2f %% ± %.2f  (95 %% between %.2f and %.2f, chance %.2f, %d tasks)\n", kind,
		100*result.Accuracy, 100*result.Error, 100*result.Low, 100*result.High, 100*result.Chance, result.Tasks)
	return nil
}
