package eval

import (
	"context"
	"slices"

	"github.com/f190792d/mq/eval/forward"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/progress"
)

// Alterable is a model whose weights can be changed while it runs.
type Alterable interface {
	Model
	Run() forward.Run
	With(forward.Run) *forward.Model
}

// MeasureSensitivity tells how much a model's predictions depend on some of
// its tensors: for each group of names, the mean Kullback-Leibler divergence
// (in nats) from the unaltered model over all positions of the sequences,
// while alter changes the weights of the group. It costs one pass for each
// group and reports each.
func MeasureSensitivity(ctx context.Context, m Alterable, sequences [][]int32, groups [][]string, alter func(values []float32), step progress.Func) ([]float64, error) {
	vocab := m.Vocabulary()
	first := make([]int, len(sequences)) // row of each sequence in kept
	rows := 0
	for i, s := range sequences {
		first[i] = rows
		rows += len(s)
	}
	if rows == 0 {
		return nil, fault.Op("eval").Invalid("no tokens to measure the sensitivity with")
	}
	kept := make([]float32, rows*vocab)
	err := m.Batch(ctx, sequences, 0, func(s, position int, logits []float32) error {
		copy(kept[(first[s]+position)*vocab:], logits)
		return nil
	})
	if err != nil {
		return nil, err
	}
	divergences := make([]float64, len(groups))
	klds := make([]float64, rows)
	for i, group := range groups {
		how := m.Run()
		how.Alter = func(name string, values []float32) {
			if slices.Contains(group, name) {
				alter(values)
			}
		}
		err := m.With(how).Batch(ctx, sequences, 0, func(s, position int, logits []float32) error {
			score(vocab, logits, position, len(sequences[s]), func(p int, row []float32) {
				at := first[s] + p
				klds[at] = compareLogits(row, kept[at*vocab:(at+1)*vocab], 0).kld
			})
			return nil
		})
		if err != nil {
			return nil, err
		}
		for _, kld := range klds {
			divergences[i] += max(0, kld) / float64(rows)
		}
		if err := check(divergences[i], m.Name()); err != nil {
			return nil, err
		}
		step.Report(reached("runs", i+1, len(groups)))
	}
	return divergences, nil
}
