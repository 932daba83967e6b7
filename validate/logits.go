package validate

import (
	"cmp"
	"context"
	"errors"

	"github.com/f190792d/mq/eval"
	"github.com/f190792d/mq/eval/forward"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/progress"
	"github.com/f190792d/mq/quantize"
	"github.com/f190792d/mq/validate/proof"
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
	if err := v.source.OpenModel(ctx, v.Options); err != nil {
		if !structural(err) {
			return err
		}
		// What cannot be run at the source is no fault of the file.
		v.add(Finding{Check: Logits, Severity: Warning, Message: "the source cannot be run: " + err.Error()})
		v.done(Logits, "the source cannot be run")
		return nil
	}
	written, err := forward.FromGGUF(ctx, v.file, v.model(v.file.Size(), v.File, 1))
	if err != nil {
		return v.cannotRun(err)
	}
	defer written.Close()
	for _, w := range v.source.warnings {
		v.add(Finding{Check: Logits, Severity: Warning, Message: w})
	}
	vocabulary := cmp.Or(v.source.run.Vocabulary(), v.source.run.Tokens())
	prompt, err := proof.Prompt(ctx, v.tokens, vocabulary, v.Memory)
	if err != nil {
		return err
	}
	result, err := v.source.model.Compare(ctx, written, v.kvs, quantize.Refined(v.kvs), prompt)
	for _, sentence := range result.Departures {
		v.add(Finding{Check: Logits, Severity: Fail, Message: sentence})
	}
	if err != nil {
		return v.cannotRun(err)
	}
	if result.Embeddings != nil {
		v.judgeEmbeddings(*result.Embeddings)
		return nil
	}
	l := &Likeness{Agreement: result.Agreement, KLDs: result.Agreement.KLDs}
	v.Logits = l
	v.judgeLogits(l)
	v.done(Logits, "mean KL divergence %.4g nats, the same most likely token at %.1f %% of %d positions, perplexity %.4g times the source's",
		l.MeanKLD, 100*l.Top1, l.Tokens, l.Ratio)
	return nil
}

// model returns how a model of so many bytes is opened for one run, which
// follows that of so many others.
func (o *Options) model(size int64, name string, others int) forward.Options {
	passed := func(done, total int) {
		o.Progress.Report(progress.Report{Step: StepLogits, Note: name, Unit: "layers", Done: int64(others*total + done), Total: int64(2 * total)})
	}
	return forward.Options{Files: o.Files, Run: forward.Run{Workers: o.Workers, Passed: passed}, ReleaseBehind: o.Memory > 0 && size > o.Memory}
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

// judgeLogits holds the figures to the limits of the file's coarsest matrix,
// or to those that the caller has given.
func (v *validation) judgeLogits(l *Likeness) {
	limits := proof.For(proof.CoarsestBits(v.infos))
	for _, given := range []struct{ from, to *float64 }{
		{v.Limits.MaxKLD, &limits.KLD}, {v.Limits.MinTop1, &limits.Top1}, {v.Limits.MaxRatio, &limits.Ratio},
	} {
		if given.from != nil {
			*given.to = *given.from
		}
	}
	l.Limits.MaxKLD, l.Limits.MinTop1, l.Limits.MaxRatio = limits.KLD, limits.Top1, limits.Ratio
	for _, sentence := range limits.Explain(l.Agreement) {
		v.add(Finding{Check: Logits, Severity: Fail, Message: sentence})
	}
}
