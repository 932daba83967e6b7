package eval

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/f190792d/mq/eval/forward"
)

// Sampling says how the next token is chosen. The zero value takes the most
// likely one.
type Sampling struct {
	Temperature float64 // 0: the most likely token
	TopK        int     // choose among the K most likely; 0: all
	TopP        float64 // … among those that make up this probability; 0: all
	Seed        uint64
}

// Generate continues a prompt by at most n tokens and gives each to emit. It
// ends at a token for which stop, where it is not nil, is true; that token is
// not given.
func Generate(ctx context.Context, m *forward.Model, prompt []int32, n int, s Sampling, stop func(int32) bool, emit func(int32) error) error {
	if n <= 0 {
		return nil
	}
	session := m.NewSession()
	logits, err := session.Append(ctx, prompt...)
	if err != nil {
		return err
	}
	random := rand.New(rand.NewPCG(s.Seed, s.Seed))
	for i := range n {
		token := s.choose(logits, random)
		if stop != nil && stop(token) {
			return nil
		}
		if err := emit(token); err != nil {
			return err
		}
		if i == n-1 {
			return nil
		}
		if logits, err = session.Append(ctx, token); err != nil {
			return err
		}
	}
	return nil
}

// choose draws a token.
func (s Sampling) choose(logits []float32, random *rand.Rand) int32 {
	best := argmax(logits)
	if s.Temperature <= 0 {
		return int32(best)
	}
	order := make([]int32, len(logits))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortStableFunc(order, func(a, b int32) int {
		switch {
		case logits[a] > logits[b]:
			return -1
		case logits[a] < logits[b]:
			return 1
		}
		return 0
	})
	if s.TopK > 0 {
		order = order[:min(s.TopK, len(order))]
	}
	weights := make([]float64, len(order))
	total := 0.0
	for i, t := range order {
		weights[i] = math.Exp(float64(logits[t]-logits[best]) / s.Temperature)
		total += weights[i]
	}
	if s.TopP > 0 && s.TopP < 1 {
		sum := 0.0
		for i, w := range weights {
			if sum += w; sum >= s.TopP*total {
				weights, total = weights[:i+1], sum
				break
			}
		}
	}
	at := random.Float64() * total
	for i, w := range weights {
		if at -= w; at < 0 {
			return order[i]
		}
	}
	return order[len(weights)-1]
}
