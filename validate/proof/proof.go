package proof

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/f190792d/mq/eval"
	"github.com/f190792d/mq/eval/forward"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/tokenizer"
)

// Source is a model that files are compared with.
type Source struct {
	model  *forward.Model
	kept   *answer
	states func(context.Context, []int32) ([]float32, error)
}

// NewSource takes an opened model. With several files to compare, the logits
// of the prompt are computed once and kept in memory.
func NewSource(model *forward.Model, several bool) *Source {
	s := &Source{model: model, states: model.States}
	if several {
		s.states = remembered(model.States)
		s.kept = &answer{Model: model}
	}
	return s
}

// Result is how a model compares with its source.
type Result struct {
	Departures []string        // a sentence for each part that rounding does not explain
	Agreement  eval.Agreement  // of the logits
	Embeddings *eval.Closeness // nil where there are logits
}

// Compare compares a model that was made from the source, whose file has the
// given key-values, part by part and on a prompt; refined weights may be
// farther away. Its errors say that the two cannot be compared.
func (s *Source) Compare(ctx context.Context, made *forward.Model, kvs gguf.KVs, refined bool, prompt []int32) (r Result, err error) {
	parts, err := made.CompareParts(ctx, s.model)
	if err != nil {
		return r, err
	}
	for _, p := range parts {
		if text := explainPart(p, refined); text != "" {
			r.Departures = append(r.Departures, text)
		}
	}
	if n := min(s.model.Longest(), made.Longest()); n > 0 && n < len(prompt) {
		prompt = prompt[:n]
	}
	if s.model.Vocabulary() == 0 {
		closeness, err := eval.CompareEmbeddings(ctx, embedder{s.model, s.states}, made, prompt)
		r.Embeddings = &closeness
		return r, err
	}
	source := eval.Model(s.model)
	if s.kept != nil {
		source = s.kept
	}
	if source, err = eval.LikeFile(source, kvs); err != nil {
		return r, err
	}
	r.Agreement, err = eval.Compare(ctx, source, made, prompt)
	r.Agreement.Ratio = min(r.Agreement.Ratio, math.MaxFloat64) // JSON has no infinity
	return r, err
}

// Prompt returns the tokens that models are compared on: the built-in text, cut
// to what the memory (in bytes; 0 for any) affords, or random tokens where the
// vocabulary cannot be used.
func Prompt(ctx context.Context, words *tokenizer.Tokenizer, vocabulary int, memory int64) ([]int32, error) {
	if words != nil && words.Size() <= vocabulary {
		tokens, err := eval.Prompt(ctx, words)
		return eval.FitPrompt(tokens, vocabulary, memory), err
	}
	const length = 96
	random := rand.New(rand.NewPCG(1, 2))
	tokens := make([]int32, length)
	for i := range tokens {
		tokens[i] = random.Int32N(int32(vocabulary))
	}
	return tokens, nil
}

// embedder is a model whose states are computed by the way that is given.
type embedder struct {
	*forward.Model
	states func(context.Context, []int32) ([]float32, error)
}

func (e embedder) States(ctx context.Context, tokens []int32) ([]float32, error) {
	return e.states(ctx, tokens)
}

// remembered computes the states of a prompt once.
func remembered(compute func(context.Context, []int32) ([]float32, error)) func(context.Context, []int32) ([]float32, error) {
	var prompt []int32
	var states []float32
	return func(ctx context.Context, tokens []int32) (_ []float32, err error) {
		if states == nil || !slices.Equal(prompt, tokens) {
			if states, err = compute(ctx, tokens); err != nil {
				return nil, err
			}
			prompt = slices.Clone(tokens)
		}
		return states, nil
	}
}

// answer runs a model on a prompt once and repeats its logits.
type answer struct {
	eval.Model
	prompt []int32
	logits []float32
}

func (a *answer) Batch(ctx context.Context, sequences [][]int32, from int, emit func(int, int, []float32) error) error {
	if a.logits == nil || !slices.Equal(a.prompt, sequences[0]) {
		logits := make([]float32, 0, len(sequences[0])*a.Vocabulary())
		err := a.Model.Batch(ctx, sequences, from, func(_, _ int, rows []float32) error {
			logits = append(logits, rows...)
			return nil
		})
		if err != nil {
			return err
		}
		a.prompt, a.logits = slices.Clone(sequences[0]), logits
	}
	return emit(0, from, a.logits)
}
