package pipeline

import (
	"context"
	"fmt"
	"path/filepath"
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
		for i, out := range j.Outputs {
			drop, err := j.refine(ctx, out, &r.Outputs[i])
			if err != nil {
				return r, err
			}
			defer drop()
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

// Agreement says in one line how an output compares with its source; it is
// empty where they were not compared.
func (r Result) Agreement() string {
	if r.Checked == nil || r.Checked.Logits == nil {
		return ""
	}
	l := r.Checked.Logits
	verdict := "agrees with the source"
	if l.Top1 < 0.5 {
		verdict = "is as close to the source as its types allow"
	}
	return fmt.Sprintf("%s: top-1 %.1f %% of %d tokens, KL divergence mean %.5f, max %.5f",
		verdict, 100*l.Top1, l.Tokens, l.MeanKLD, l.MaxKLD)
}

// String is the report for a person, a line for each output.
func (r *Report) String() string {
	var b strings.Builder
	for _, out := range r.Outputs {
		fmt.Fprintf(&b, "%s: %s, %d tensors, %d bytes, %.2f bits per weight", filepath.Base(out.Paths[0]), out.Type, out.Summary.Tensors, out.Summary.FileBytes, out.Summary.Bits)
		if text := out.Agreement(); text != "" {
			b.WriteString(", " + text)
		}
		if out.Err != nil {
			b.WriteString(": " + out.Err.Error())
		}
		b.WriteByte('\n')
	}
	return strings.TrimSuffix(b.String(), "\n")
}
