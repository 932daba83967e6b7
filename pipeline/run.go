package pipeline

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"github.com/f190792d/mq/pipeline/internal/journal"
	"github.com/f190792d/mq/quantize"
	"github.com/f190792d/mq/refine"
	"github.com/f190792d/mq/validate"
)

// Report is what became of a job.
type Report struct {
	Source  Source
	Outputs []Result // of the job's outputs, in their order
}

// Result is what became of one output.
type Result struct {
	Path    string // as it was asked for
	Paths   []string
	Type    string
	Summary quantize.Summary
	Checked *validate.Report // nil where nothing was checked, or an earlier run did
	Refined []refine.Outcome // what refinement has done, by matrix
	Err     error            // why the output was discarded, with KeepOthers
}

// Run writes the outputs. Each gets its name when all are complete, checked and
// on disk. The report is there even with an error, as far as the run has
// come; after an [*Unfinished] error a later run can resume.
func (j *Job) Run(ctx context.Context) (*Report, error) {
	r := &Report{Source: j.Source}
	byPath := map[string]*Result{}
	for _, out := range j.Outputs {
		r.Outputs = append(r.Outputs, Result{Path: out.Path, Paths: out.Paths, Type: out.Plan.Recipe.Name, Summary: out.Plan.Summary})
	}
	for i, out := range j.Outputs {
		byPath[out.Path] = &r.Outputs[i]
	}
	memory, err := j.planMemory(j.Outputs)
	if err != nil {
		return r, err
	}
	if memory.Kept > 0 {
		j.in.checkpoint.KeepRead(memory.Kept)
	}
	source, err := j.openReference(ctx)
	if err != nil {
		return r, err
	}
	if source != nil {
		defer source.Close()
	}
	if j.o.Refine != nil {
		if err := j.CheckOutputs(); err != nil {
			return r, err
		}
		if err := j.checkDisks(); err != nil {
			return r, err
		}
		for i, out := range j.Outputs {
			drop, err := j.refine(ctx, out, &r.Outputs[i])
			if err != nil {
				return r, err
			}
			defer func() { drop(ctx.Err() != nil) }()
		}
	}
	w := j.journal()
	w.Memory = memory.Pipeline
	if j.checks() {
		w.Check = func(ctx context.Context, t journal.Target, unfinished []string) (err error) {
			byPath[t.Path].Checked, err = j.check(ctx, source, t, unfinished)
			return err
		}
	}
	if j.o.KeepOthers {
		w.Failed = func(t journal.Target, err error) { byPath[t.Path].Err = err }
	}
	w.Named = func(ctx context.Context, t journal.Target) error { return j.sidecars(ctx, t, byPath[t.Path]) }
	return r, w.Run(ctx)
}

// Verdict is what the comparison of an output with its source has shown, in
// words.
type Verdict struct {
	News    string // whether they agree
	Figures string
	Meaning string // of the figures
}

// verdicts are the words for a mean divergence up to so many nats.
var verdicts = []struct {
	divergence    float64
	news, meaning string
}{
	{0.02, "agrees with the source", "one can hardly tell the two apart"},
	{0.1, "agrees with the source", "a word here and there will be another"},
	{0.5, "is near the source", "answers will differ; more bits or an importance matrix keep them nearer"},
	{math.Inf(1), "has the source's parts, but predicts otherwise",
		"a trained model wants more bits or an importance matrix; random or hardly trained weights give such figures in any type of few bits"},
}

// Verdict says how an output compares with its source, and false where they
// were not compared.
func (r Result) Verdict() (v Verdict, ok bool) {
	if r.Checked != nil && r.Checked.Embeddings != nil {
		return verdictOf(r.Checked.Embeddings.Closeness), true
	}
	if r.Checked == nil || r.Checked.Logits == nil {
		return v, false
	}
	l := r.Checked.Logits
	words := verdicts[len(verdicts)-1]
	for _, row := range slices.Backward(verdicts) {
		if l.MeanKLD <= row.divergence && l.Top1 >= 0.5 {
			words = row
		}
	}
	figures := fmt.Sprintf("top-1 %.1f %% of %d tokens, KL divergence mean %.5f, max %.5f", 100*l.Top1, l.Tokens, max(0, l.MeanKLD), l.MaxKLD)
	return Verdict{News: words.news, Figures: figures, Meaning: words.meaning}, true
}

// String is the report for a person, a line for each output.
func (r *Report) String() string {
	var lines []string
	for _, out := range r.Outputs {
		line := fmt.Sprintf("%s: %s, %d tensors, %d bytes, %.2f bits per weight", filepath.Base(out.Paths[0]), out.Type, out.Summary.Tensors, out.Summary.FileBytes, out.Summary.Bits)
		if v, ok := out.Verdict(); ok {
			line += ", " + v.News + ": " + v.Figures
		}
		if out.Err != nil {
			line += ": " + out.Err.Error()
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}
