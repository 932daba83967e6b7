package eval

import (
	"context"
	"math"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/progress"
	"github.com/f190792d/mq/formats/tokenizer"
)

// Brancher scores several continuations of a prefix: it returns the
// log-probability of each of their tokens. *forward.Model is one.
type Brancher interface {
	Branches(ctx context.Context, prefix []int32, branches [][]int32) ([][]float64, error)
}

// Score is the share of tasks that a model answers rightly.
type Score struct {
	Accuracy float64 `json:"accuracy"`
	Error    float64 `json:"stderr"`
	Low      float64 `json:"low"`  // 95 % interval after Wilson
	High     float64 `json:"high"` //
	Chance   float64 `json:"chance"`
	Tasks    int     `json:"tasks"`
}

// tally counts answers.
type tally struct{ right, done, answers int }

func (t tally) score() Score {
	n := float64(t.done)
	p := float64(t.right) / n
	s := Score{Accuracy: p, Tasks: t.done, Chance: n / float64(t.answers)}
	if t.done > 1 {
		s.Error = math.Sqrt(p * (1 - p) / (n - 1))
	}
	const za = 1.95996398454
	z := za * za / n
	half := z * math.Sqrt(n*(4*p*(1-p)+z)) / (2 * za)
	s.Low, s.High = (p+z/2-half)/(1+z), (p+z/2+half)/(1+z)
	return s
}

// choice is a task with its answers spelled out: whole sentences of which one
// is right.
type choice struct {
	sentences [][]int32
	right     func(answer int) bool
	prefix    int // tokens that all sentences begin with
}

// newChoice encodes the sentences of a task. label names it in messages.
func newChoice(ctx context.Context, t *tokenizer.Tokenizer, label string, sentences []string, right func(int) bool) (choice, error) {
	c := choice{right: right}
	for _, s := range sentences {
		tokens, err := t.Encode(ctx, s, tokenizer.Options{AddSpecial: true})
		if err != nil {
			return c, err
		}
		c.sentences = append(c.sentences, tokens)
	}
	shortest := len(c.sentences[0])
	for _, s := range c.sentences {
		shortest = min(shortest, len(s))
	}
	for c.prefix < shortest && c.common(c.prefix) {
		c.prefix++
	}
	if c.prefix == 0 || c.prefix == shortest {
		return c, fault.Op("eval").Corrupt("%s: the answers do not share a beginning, or one is the beginning of all", label)
	}
	return c, nil
}

// common reports whether all sentences have the same token at a position.
func (c choice) common(position int) bool {
	for _, s := range c.sentences {
		if s[position] != c.sentences[0][position] {
			return false
		}
	}
	return true
}

// logprobs returns the log-probability of each token of each sentence after
// the common prefix: [sentence][token].
func (c choice) logprobs(ctx context.Context, m Brancher) ([][]float64, error) {
	branches := make([][]int32, len(c.sentences))
	for i, s := range c.sentences {
		branches[i] = s[c.prefix:]
	}
	return m.Branches(ctx, c.sentences[0][:c.prefix], branches)
}

// mean returns the mean of values.
func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// best returns the index of the largest value, the first of equals.
func best(values []float64) int {
	b := 0
	for i, v := range values {
		if v > values[b] {
			b = i
		}
	}
	return b
}

// answerAll asks the model for the answer of every task: the one whose tokens
// are the most likely on average.
func answerAll(ctx context.Context, m Brancher, tasks []choice, step progress.Result[Score]) (Score, error) {
	var sum tally
	for i, task := range tasks {
		logprobs, err := task.logprobs(ctx, m)
		if err != nil {
			return Score{}, err
		}
		means := make([]float64, len(logprobs))
		for j, tokens := range logprobs {
			means[j] = mean(tokens)
		}
		sum.done++
		sum.answers += len(means)
		if task.right(best(means)) {
			sum.right++
		}
		if step != nil {
			step(reached("tasks", i+1, len(tasks)), sum.score())
		}
	}
	return sum.score(), nil
}
