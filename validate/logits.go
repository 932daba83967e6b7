package validate

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/f190792d/mq/eval"
	"github.com/f190792d/mq/eval/forward"
	"github.com/f190792d/mq/formats/fault"
)

// Likeness is how the model in the file compares with its source on a text.
type Likeness struct {
	eval.Agreement
	KLDs   []float64 `json:"klds"` // by position
	Limits struct {
		MaxKLD   float64 `json:"max_kld"`
		MinTop1  float64 `json:"min_top1"`
		MaxRatio float64 `json:"max_ppl_ratio"`
	} `json:"limits"`
}

// limits are what a file of so many bits per weight keeps to when nothing
// went wrong. They are wide: small models suffer more from few bits, and what
// is wrong with a model puts it far outside. A model that can hardly choose
// changes its first choice easily, so that few bits set no limit there.
var limits = []struct {
	bits               float64 // at least
	kld, top1, pplUpTo float64
}{
	{15.9, 0.01, 0.8, 1.05},
	{8, 0.05, 0.5, 1.2},
	{6, 0.15, 0, 1.5},
	{5, 0.3, 0, 2},
	{4, 0.8, 0, 4},
	{3, 2, 0, 10},
	{2, 6, 0, 1e3},
	{0, 15, 0, 1e6},
}

// logits runs both models on the built-in text.
func (v *validation) logits(ctx context.Context) error {
	switch {
	case v.SkipLogits:
		v.skip(Logits, "left out as asked")
		return nil
	case v.source == nil:
		v.skip(Logits, "no source is given")
		return nil
	case v.arch == nil:
		v.skip(Logits, "the architecture is not known")
		return nil
	case v.failed(Architecture):
		v.skip(Logits, "the model is not complete")
		return nil
	}
	run := forward.Run{Workers: v.Workers}
	source, err := forward.Open(ctx, v.source.path, forward.Options{Run: run, Expressible: true})
	if err != nil {
		if !structural(err) {
			return err
		}
		// What cannot be run at the source is no fault of the file.
		v.add(Finding{Check: Logits, Severity: Warning, Message: "the source cannot be run: " + err.Error()})
		v.done(Logits, "the source cannot be run")
		return nil
	}
	defer source.Close()
	written, err := forward.Open(ctx, v.path, forward.Options{Run: run})
	if err != nil {
		return v.cannotRun(err)
	}
	defer written.Close()
	for _, w := range v.source.warnings {
		v.add(Finding{Check: Logits, Severity: Warning, Message: w})
	}
	v.Progress(StepLogits, source.Name(), 0, 2)
	tokens := v.prompt(source.Vocabulary())
	like, err := eval.LikeFile(source, v.file.KVs())
	if err != nil {
		return v.cannotRun(err)
	}
	agreement, err := eval.Compare(ctx, like, written, tokens)
	v.Progress(StepLogits, written.Name(), 2, 2)
	if err != nil {
		return v.cannotRun(err)
	}
	agreement.Ratio = min(agreement.Ratio, math.MaxFloat64) // JSON has no infinity
	l := &Likeness{Agreement: agreement, KLDs: agreement.KLDs}
	v.Logits = l
	v.judgeLogits(l)
	v.done(Logits, "mean KL divergence %.4g nats, the same most likely token at %.1f %% of %d positions, perplexity %.4g times the source's",
		l.MeanKLD, 100*l.Top1, l.Tokens, l.Ratio)
	return nil
}

// cannotRun turns what is wrong with a model into a finding.
func (v *validation) cannotRun(err error) error {
	severity := Fail
	switch {
	case errors.Is(err, fault.ErrUnsupported):
		severity = Warning
	case !errors.Is(err, fault.ErrCorrupt) && !errors.Is(err, fault.ErrCheck):
		return err
	}
	v.add(Finding{Check: Logits, Severity: severity, Message: err.Error()})
	v.done(Logits, "the models could not be compared")
	return nil
}

// prompt returns the built-in text, or tokens at random where the vocabulary
// cannot be read.
func (v *validation) prompt(vocabulary int) []int32 {
	if v.tokens != nil && v.tokens.Size() <= vocabulary {
		return eval.FitPrompt(eval.Prompt(v.tokens), vocabulary)
	}
	const length = 96
	random := rand.New(rand.NewPCG(1, 2))
	tokens := make([]int32, length)
	for i := range tokens {
		tokens[i] = random.Int32N(int32(vocabulary))
	}
	return tokens
}

func (v *validation) judgeLogits(l *Likeness) {
	for _, row := range limits {
		if v.Bits >= row.bits {
			l.Limits.MaxKLD, l.Limits.MinTop1, l.Limits.MaxRatio = row.kld, row.top1, row.pplUpTo
			break
		}
	}
	for _, given := range []struct{ from, to *float64 }{
		{v.Limits.MaxKLD, &l.Limits.MaxKLD}, {v.Limits.MinTop1, &l.Limits.MinTop1}, {v.Limits.MaxRatio, &l.Limits.MaxRatio},
	} {
		if given.from != nil {
			*given.to = *given.from
		}
	}
	fail := func(format string, args ...any) {
		v.add(Finding{Check: Logits, Severity: Fail, Message: fmt.Sprintf(format, args...)})
	}
	if !(l.MeanKLD <= l.Limits.MaxKLD) {
		fail("mean KL divergence %.4g passes the limit of %.4g", l.MeanKLD, l.Limits.MaxKLD)
	}
	if !(l.Top1 >= l.Limits.MinTop1) {
		fail("the most likely token is the source's at %.1f %% of positions, less than %.1f %%", 100*l.Top1, 100*l.Limits.MinTop1)
	}
	if !(l.Ratio <= l.Limits.MaxRatio) {
		fail("the perplexity is %.4g times the source's, more than %.4g times", l.Ratio, l.Limits.MaxRatio)
	}
}
