package eval

import (
	"context"
	"math"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/tokenizer"
)

// Agreement tells how alike two models are on one text.
type Agreement struct {
	Top1    float64 `json:"top1"`     // share of positions with the same most likely token
	MeanKLD float64 `json:"mean_kld"` // Kullback-Leibler divergence from the source, in nats
	MaxKLD  float64 `json:"max_kld"`
	Worst   int     `json:"worst"`     // position of MaxKLD
	Tokens  int     `json:"tokens"`    // positions compared
	Ratio   float64 `json:"ppl_ratio"` // perplexity of the text over that of the source

	KLDs []float64 `json:"-"` // the divergence at each position
}

// promptTokens bounds the prompt of a comparison.
const promptTokens = 192

// PromptText is what a conversion is checked with: prose, numbers, code and
// other scripts, so that many parts of a model have to work.
const PromptText = `Once upon a time there was a little girl named Lily. One day she found a small, blue stone near the river and ` +
	`showed it to her mother. "Look," she said, "it shines like the sky!" In 1969, about 650 million people watched as two ` +
	`astronauts walked on the Moon; the mission took 8 days, 3 hours and 18 minutes. The capital of France is Paris, and ` +
	`water boils at 100 °C. Ein Satz auf Deutsch, une phrase en français, 一句中文。
func add(a, b int) int {
	return a + b // the sum
}
1, 2, 3, 5, 8, 13, 21, 34, 55, 89. The question is whether the answer that the model gives now is the same as the one it gave before.`

// Prompt returns the tokens of PromptText, the first 192 of them, with what
// the vocabulary wants in front.
func Prompt(ctx context.Context, t *tokenizer.Tokenizer) ([]int32, error) {
	tokens, err := t.Encode(ctx, PromptText, tokenizer.Options{AddSpecial: true})
	return tokens[:min(len(tokens), promptTokens)], err
}

// FitPrompt cuts a prompt to what a comparison can afford of memory, in bytes;
// 0 means any: the logits of a position take a value for each token of the
// vocabulary. Sixteen tokens are always left.
func FitPrompt(tokens []int32, vocabulary int, memory int64) []int32 {
	if memory <= 0 {
		return tokens
	}
	const least, share = 16, 4
	position := 4*int64(vocabulary) + 256<<10 // with a share of the activations
	n := memory / share / position
	return tokens[:min(int64(len(tokens)), max(n, least))]
}

// Compare runs tokens through a source and through what was written from it,
// and compares the next-token probabilities at every position.
func Compare(ctx context.Context, source, written Model, tokens []int32) (Agreement, error) {
	vocab := source.Vocabulary()
	if written.Vocabulary() != vocab {
		return Agreement{}, fault.Op("eval").Corrupt("%s has a vocabulary of %d tokens, %s one of %d: they cannot be compared",
			written.Name(), written.Vocabulary(), source.Name(), vocab)
	}
	if len(tokens) == 0 {
		return Agreement{}, fault.Op("eval").Invalid("no tokens to compare models with")
	}
	batch := [][]int32{tokens}
	kept := make([]float32, 0, len(tokens)*vocab)
	err := source.Batch(ctx, batch, 0, func(_, _ int, logits []float32) error {
		kept = append(kept, logits...)
		return nil
	})
	if err != nil {
		return Agreement{}, err
	}
	points := make([]point, len(tokens))
	err = written.Batch(ctx, batch, 0, func(_, position int, logits []float32) error {
		score(vocab, logits, position, len(tokens), func(p int, row []float32) {
			next := tokens[min(p+1, len(tokens)-1)]
			if int(next) >= vocab { // a classifier's outputs are no tokens
				next = 0
			}
			points[p] = compareLogits(row, kept[p*vocab:(p+1)*vocab], next)
		})
		return nil
	})
	if err != nil {
		return Agreement{}, err
	}
	a := Agreement{Tokens: len(tokens)}
	same := 0
	excess := 0.0 // log-likelihood that is lost; the last position has no next token
	for p, at := range points {
		a.KLDs = append(a.KLDs, at.kld)
		if p < len(points)-1 {
			excess += (at.nll - at.base) / float64(len(points)-1)
		}
		if at.same {
			same++
		}
		a.MeanKLD += at.kld / float64(len(points))
		if !(at.kld <= a.MaxKLD) {
			a.MaxKLD, a.Worst = at.kld, p
		}
	}
	a.Top1 = float64(same) / float64(len(points))
	a.Ratio = math.Exp(excess)
	return a, check(a.MeanKLD, written.Name())
}
