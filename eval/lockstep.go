package eval

import (
	"context"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/progress"
)

// keptLogits bounds the logits of the base that are kept while the model runs.
const keptLogits = 512 << 20

// MeasureDivergence runs base and model side by side over the chunks of a
// text, so that no file of logits is needed.
func MeasureDivergence(ctx context.Context, base, model Model, tokens []int32, c Chunking, step progress.Result[Divergence]) (Divergence, error) {
	c = c.withDefaults()
	chunks, err := c.count(len(tokens))
	if err != nil {
		return Divergence{}, err
	}
	vocab := model.Vocabulary()
	if base.Vocabulary() != vocab {
		return Divergence{}, fault.Op("eval").Corrupt("%s has a vocabulary of %d tokens, %s one of %d: they cannot be compared",
			model.Name(), vocab, base.Name(), base.Vocabulary())
	}
	group := c.group(vocab, keptLogits)
	var kept []float32
	return compare(ctx, model, tokens, c, chunks, group, step, func(first, last int) error {
		kept = kept[:0]
		return base.Batch(ctx, c.inputs(tokens, first, last), c.first(), func(_, _ int, logits []float32) error {
			kept = append(kept, logits...)
			return nil
		})
	}, func(chunk, position int, logits []float32, token int32) point {
		row := (chunk%group)*(c.Context-c.first()) + position - c.first()
		return compareLogits(logits, kept[row*vocab:(row+1)*vocab], token)
	})
}

// compare runs the model group by group. prepare gets the base ready for the
// chunks [first, last); at compares one position with it.
func compare(ctx context.Context, model Model, tokens []int32, c Chunking, chunks, group int, step progress.Result[Divergence],
	prepare func(first, last int) error, at func(chunk, position int, logits []float32, token int32) point) (Divergence, error) {
	var sum comparison
	points := make([]point, c.scored())
	vocab := model.Vocabulary()
	for first := 0; first < chunks; first += group {
		last := min(first+group, chunks)
		if err := prepare(first, last); err != nil {
			return Divergence{}, err
		}
		err := model.Batch(ctx, c.inputs(tokens, first, last), c.first(), func(s, position int, logits []float32) error {
			next := tokens[(first+s)*c.Context+1:]
			score(vocab, logits, position, c.Context-1, func(position int, row []float32) {
				points[position-c.first()] = at(first+s, position, row, next[position])
			})
			if position+len(logits)/vocab < c.Context {
				return nil
			}
			for _, p := range points {
				sum.add(p)
			}
			if step != nil {
				step(reached("chunks", first+s+1, chunks), sum.result(first+s+1, false))
			}
			return nil
		})
		if err != nil {
			return Divergence{}, err
		}
	}
	return sum.result(chunks, true), check(sum.kld.sum+sum.nll.sum, model.Name())
}
