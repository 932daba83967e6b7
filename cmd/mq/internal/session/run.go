package session

import (
	"context"
	"path/filepath"
	"slices"

	"github.com/f190792d/mq/cmd/mq/internal/ui"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/internal/memory"
	"github.com/f190792d/mq/pipeline"
	"github.com/f190792d/mq/validate"
)

// Run checks a job, shows what it will write and need, and runs it. The limits
// of the process's memory are the job's meanwhile.
func (s *Session) Run(ctx context.Context, job *pipeline.Job) (*pipeline.Report, error) {
	p, err := job.Preflight(true)
	if err != nil {
		return nil, err
	}
	if err := job.CheckOutputs(); err != nil {
		return nil, err
	}
	for _, out := range job.Outputs {
		s.planned(out)
	}
	if s.JSON {
		s.Typed("preflight", p)
	} else {
		s.Note("memory: %s at most, %s allowed", ui.Bytes(p.Memory.Peak), ui.Bytes(p.Memory.Budget))
	}
	memory.Limit(p.Memory.Peak)
	defer memory.Limit(s.Budget())
	report, err := job.Run(ctx)
	s.Steps().Finish()
	for _, out := range report.Outputs {
		s.refined(out)
		s.warnOf(out, job.Warnings)
		if v := out.Verification(); v == nil {
			continue
		} else if s.JSON {
			s.Typed("verify", v)
		} else if v, ok := out.Verdict(); ok && out.Checked.Err() == nil {
			s.Good(filepath.Base(out.Path)+" "+v.News, ": %s", v.Figures)
			s.Note("  %s", v.Meaning)
		}
	}
	return report, err
}

// refined says what refinement has done to an output.
func (s *Session) refined(out pipeline.Result) {
	if len(out.Refined) == 0 {
		return
	}
	if s.JSON {
		s.Event("refined", map[string]any{"path": out.Path, "matrices": out.Refined})
		return
	}
	kept, rows, ratio := 0, 0, 0.0
	for _, m := range out.Refined {
		kept, rows = kept+m.Kept, rows+m.Rows
		ratio += m.Ratio() / float64(len(out.Refined))
	}
	s.Note("%s refined: on text held back, the errors of %d matrices are %.0f %% of what they were; %d of %d rows were best left alone",
		filepath.Base(out.Path), len(out.Refined), 100*ratio, kept, rows)
}

// Rearrange writes the tensors of a file into files of another layout.
func (s *Session) Rearrange(ctx context.Context, file *gguf.File, plans []*gguf.Plan, o pipeline.Options) ([]string, error) {
	s.common(&o)
	defer s.Steps().Finish()
	return pipeline.Rearrange(ctx, file, plans, o)
}

// warnOf prints what the check of an output warns of, but for what was said
// before the work and what concerns the template, which is copied.
func (s *Session) warnOf(out pipeline.Result, said []string) {
	if out.Checked == nil {
		return
	}
	for _, f := range out.Checked.Findings {
		if f.Severity == validate.Warning && f.Check != validate.Template && f.Check != validate.Logits && !slices.Contains(said, f.String()) {
			s.Warn("%s: %s", filepath.Base(out.Path), f)
		}
	}
}

// DryRun shows in full what a job would do, and checks that it could.
func (s *Session) DryRun(job *pipeline.Job) error {
	p, err := job.Preflight(true)
	if err != nil {
		return err
	}
	for _, out := range job.Outputs {
		s.PrintPlan(out)
	}
	s.printPreflight(p)
	return job.CheckOutputs()
}
