package eval

import (
	"context"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/tokenizer"
)

// classes is a model of which only the logits of some tokens are asked for.
type classes struct {
	Model
	ids []int32
}

func (c *classes) Vocabulary() int { return len(c.ids) }

func (c *classes) Batch(ctx context.Context, sequences [][]int32, from int, emit func(int, int, []float32) error) error {
	vocab := c.Model.Vocabulary()
	return c.Model.Batch(ctx, sequences, from, func(sequence, position int, logits []float32) error {
		var chosen []float32
		for ; len(logits) > 0; logits = logits[vocab:] {
			for _, id := range c.ids {
				chosen = append(chosen, logits[id])
			}
		}
		return emit(sequence, position, chosen)
	})
}

// LikeFile returns source with the outputs that a file of it has: those of the
// file's classes where it is a classifier, such as a reranker, else all.
func LikeFile(source Model, kvs gguf.KVs) (Model, error) {
	name, _ := kvs.String("general.architecture")
	labels, ok := kvs.Strings(name + ".classifier.output_labels")
	if !ok {
		return source, nil
	}
	words, err := tokenizer.FromGGUF(kvs)
	if err != nil {
		return nil, err
	}
	c := &classes{Model: source}
	for _, label := range labels {
		id, ok := words.ID(label)
		if !ok || int(id) >= source.Vocabulary() {
			return nil, fault.Op("eval").Corrupt("the class %q is not a token of %s", label, source.Name())
		}
		c.ids = append(c.ids, id)
	}
	return c, nil
}
