package eval

import (
	"context"
	"math"
	"math/rand/v2"

	"github.com/f190792d/mq/eval/forward"
	"github.com/f190792d/mq/formats/progress"
)

// Sample lets a model go on with prompts until they have length tokens, all at
// once, each token drawn with the probability that the model gives it.
func Sample(ctx context.Context, m *forward.Model, prompts [][]int32, length int, seed uint64, step progress.Func) ([][]int32, error) {
	texts := make([][]int32, len(prompts))
	draws := make([]*rand.Rand, len(prompts))
	for i, p := range prompts {
		texts[i] = append(make([]int32, 0, length), p[:min(len(p), length)]...)
		draws[i] = rand.New(rand.NewPCG(seed, uint64(i)))
	}
	sessions := m.NewSessions(len(prompts))
	tokens := make([]int32, len(prompts))
	for at := range length - 1 {
		for i, t := range texts {
			tokens[i] = t[at]
		}
		err := sessions.Append(ctx, tokens, func(i int, logits []float32) error {
			if len(texts[i]) == at+1 {
				texts[i] = append(texts[i], drawn(logits, draws[i].Float64()))
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		step.Report(reached("tokens", at+2, length))
	}
	return texts, nil
}

// drawn is the token at a share of the way through all probabilities.
func drawn(logits []float32, share float64) int32 {
	top := float64(logits[argmax(logits)])
	sum := 0.0
	for _, v := range logits {
		sum += math.Exp(float64(v) - top)
	}
	left := share * sum
	for i, v := range logits {
		if left -= math.Exp(float64(v) - top); left < 0 {
			return int32(i)
		}
	}
	return int32(argmax(logits))
}
