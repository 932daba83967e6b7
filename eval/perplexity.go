package eval

import (
	"context"
	"math"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/progress"
)

// Perplexity is e to the mean negative log-likelihood of the scored tokens.
type Perplexity struct {
	Value  float64 `json:"perplexity"`
	Error  float64 `json:"stderr"`
	Tokens int     `json:"tokens"` // scored
	Chunks int     `json:"chunks"`
}

// reached reports how many chunks, say, are done.
func reached(unit string, done, total int) progress.Report {
	return progress.Report{Unit: unit, Done: int64(done), Total: int64(total)}
}

// perplexityOf turns the moments of log-likelihoods into a perplexity.
func perplexityOf(m moments, chunks int) Perplexity {
	mean := m.mean()
	// llama-perplexity has no lower bound on the sample here.
	if m.n > 1 {
		n := float64(m.n)
		mean.Error = math.Sqrt(max(0, m.sum2/n-mean.Value*mean.Value) / (n - 1))
	}
	p := mean.exp()
	return Perplexity{p.Value, p.Error, m.n, chunks}
}

// MeasurePerplexity cuts tokens into chunks and scores the second half of
// each: position Context/2 predicts the token after it, and so on up to the
// last but one. The text carries its own BOS at the start where the
// vocabulary wants one. step, where it is not nil, is called after each chunk.
func MeasurePerplexity(ctx context.Context, m Scorer, tokens []int32, c Chunking, step progress.Result[Perplexity]) (Perplexity, error) {
	c = c.withDefaults()
	chunks, err := c.count(len(tokens))
	if err != nil {
		return Perplexity{}, err
	}
	var sum moments
	group := c.group(m.Vocabulary(), 0)
	for first := 0; first < chunks; first += group {
		last := min(first+group, chunks)
		logprobs, err := m.LogProbs(ctx, c.inputs(tokens, first, last), c.first())
		if err != nil {
			return Perplexity{}, err
		}
		for i, chunk := range logprobs {
			sum.lose(chunk)
			if step != nil {
				step(reached("chunks", first+i+1, chunks), perplexityOf(sum, first+i+1))
			}
		}
	}
	return perplexityOf(sum, chunks), check(sum.sum, m.Name())
}

// score calls f for the rows of a piece of logits, the first at position, up
// to the position end, in parallel.
func score(vocabulary int, logits []float32, position, end int, f func(position int, row []float32)) {
	rows := min(len(logits)/vocabulary, end-position)
	each(rows, func(i int) { f(position+i, logits[i*vocabulary:(i+1)*vocabulary]) })
}

// check refuses a sum that broken weights have turned into no number.
func check(sum float64, name string) error {
	if math.IsNaN(sum) || math.IsInf(sum, 0) {
		return fault.Op("eval").File(name).Check("the model's logits are not finite")
	}
	return nil
}

// MeasureStrided slides a window of c.Context tokens over the text by stride
// and scores the last stride tokens of each window, so that every scored
// token has at least Context-stride tokens before it. BOS is not inserted.
func MeasureStrided(ctx context.Context, m Scorer, tokens []int32, stride int, c Chunking, step progress.Result[Perplexity]) (Perplexity, error) {
	c = c.withDefaults()
	if _, err := c.count(len(tokens)); err != nil {
		return Perplexity{}, err
	}
	if stride < 1 || stride >= c.Context {
		return Perplexity{}, fault.Op("eval").Invalid("a stride of %d does not fit a context of %d", stride, c.Context)
	}
	windows := (len(tokens) - c.Context + stride - 1) / stride
	if c.Chunks > 0 {
		windows = min(windows, c.Chunks)
	}
	var sum moments
	from := c.Context - stride - 1
	for w := range windows {
		logprobs, err := m.LogProbs(ctx, [][]int32{tokens[w*stride:][:c.Context]}, from)
		if err != nil {
			return Perplexity{}, err
		}
		sum.lose(logprobs[0])
		if step != nil {
			step(reached("windows", w+1, windows), perplexityOf(sum, w+1))
		}
	}
	return perplexityOf(sum, windows), check(sum.sum, m.Name())
}
