package batch

import (
	"context"
	"errors"
	"time"

	"github.com/f190792d/mq/cmd/mq/internal/exit"
	"github.com/f190792d/mq/cmd/mq/internal/session"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/pipeline"
	"github.com/f190792d/mq/validate"
)

// verifyCheck is the comparison with the source at the end of a conversion.
const verifyCheck = "verify"

// checks are those of a written file, beside verify.
var checks = map[string]func(ctx context.Context, s *session.Session, b *File, m *Model, path string) error{
	"structure": func(ctx context.Context, s *session.Session, _ *File, _ *Model, path string) error {
		return judge(ctx, s, path, validate.Options{})
	},
	"numbers": func(ctx context.Context, s *session.Session, b *File, m *Model, path string) error {
		return judge(ctx, s, path, validate.Options{Against: b.at(m.Path), SkipLogits: true})
	},
	"logits": func(ctx context.Context, s *session.Session, b *File, m *Model, path string) error {
		limits := validate.Limits{MaxKLD: b.Limits.MaxKLD, MinTop1: b.Limits.MinTop1}
		return judge(ctx, s, path, validate.Options{Against: b.at(m.Path), SkipNumbers: true, Limits: limits})
	},
	"rederive": func(ctx context.Context, s *session.Session, b *File, m *Model, path string) error {
		return s.Rederive(ctx, path, b.at(m.Path), "", nil)
	},
}

func judge(ctx context.Context, s *session.Session, path string, o validate.Options) error {
	report, err := s.Validate(ctx, path, o)
	if err != nil {
		return err
	}
	return report.Err()
}

// Result is what became of one model in one type.
type Result struct {
	Model   string  `json:"model"`
	Type    string  `json:"type"`
	Path    string  `json:"path"`
	Exit    int     `json:"exit"`
	Kept    bool    `json:"kept,omitempty"` // finished by an earlier run
	Bytes   int64   `json:"bytes,omitempty"`
	Bits    float64 `json:"bpw,omitempty"`
	Figures any     `json:"verify,omitempty"`
	Steps   []Step  `json:"steps"`
	first   string  // the file, or the first of a set
}

// Step is the conversion or one check.
type Step struct {
	Name    string  `json:"name"`
	Exit    int     `json:"exit"`
	Error   string  `json:"error,omitempty"`
	Seconds float64 `json:"seconds"`
}

// add notes a step and its outcome.
func (r *Result) add(s *session.Session, name string, begin time.Time, err error) {
	step := Step{Name: name, Exit: exit.Code(err), Seconds: time.Since(begin).Seconds()}
	if err != nil {
		step.Error = fault.Printable(s.Advised(err))
	}
	r.Steps = append(r.Steps, step)
	r.Exit = max(r.Exit, step.Exit)
}

// Run is a batch on its way.
type Run struct {
	Session *session.Session
	File    *File
	State   *State
	Force   bool // do everything again and replace existing files
	Mkdir   bool // make the folders of outputs
	Results []*Result
}

// Worst is the highest exit code so far.
func (r *Run) Worst() int {
	code := exit.OK
	for _, result := range r.Results {
		code = max(code, result.Exit)
	}
	return code
}

// All does all models, or those up to the first that fails. It returns an
// error only where the batch is to end.
func (r *Run) All(ctx context.Context, failFast bool) error {
	for i := range r.File.Models {
		err := r.model(ctx, &r.File.Models[i])
		if saved := r.State.save(); err == nil {
			err = saved
		}
		if err != nil {
			return err
		}
		if failFast && r.Worst() != exit.OK {
			break
		}
	}
	return nil
}

// model does what is left to do of one model.
func (r *Run) model(ctx context.Context, m *Model) error {
	begin := time.Now()
	var left []string
	var done []*Result
	identity := r.State.identify(r.Session.Version, r.File, m)
	for _, name := range m.Types {
		if kept := r.State.finished(m.Name, name, identity); kept != nil && !r.Force {
			r.Results, done = append(r.Results, kept), append(done, kept)
			continue
		}
		left = append(left, name)
	}
	if len(left) == 0 {
		r.publish(ctx, m, done)
		return context.Cause(ctx)
	}
	r.Session.Note("%s: %d types", m.Name, len(left))
	var fresh []*Result
	for _, name := range left {
		fresh = append(fresh, &Result{Model: m.Name, Type: name})
	}
	r.Results = append(r.Results, fresh...)
	err := r.convert(ctx, m, left, fresh)
	if ctx.Err() != nil {
		return err
	}
	for _, result := range fresh {
		if err != nil || len(result.Steps) == 0 {
			result.add(r.Session, "convert", begin, err)
			if result.Figures != nil && err == nil {
				result.add(r.Session, verifyCheck, begin, nil)
			}
		}
		if result.Exit == exit.OK {
			r.check(ctx, m, result)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		r.State.note(result, identity)
	}
	r.publish(ctx, m, append(done, fresh...))
	return context.Cause(ctx)
}

// convert makes the files of one model.
func (r *Run) convert(ctx context.Context, m *Model, types []string, results []*Result) error {
	o, err := r.File.options(ctx, m, types)
	if err != nil {
		return err
	}
	o.Force, o.Resume, o.KeepOthers, o.Mkdir = r.Force, !r.Force, true, r.Mkdir
	path := r.File.at(m.Path)
	job, input, err := r.Session.Open(ctx, path, o)
	if err != nil {
		return err
	}
	defer input.Close()
	for _, w := range job.Warnings {
		r.Session.Warn("%s: %s", m.Name, w)
	}
	for i, out := range job.Outputs {
		results[i].Path, results[i].first = out.Path, out.Paths[0]
		results[i].Bytes, results[i].Bits = out.Plan.Summary.FileBytes, out.Plan.Summary.Bits
	}
	begin := time.Now()
	report, err := r.Session.Run(ctx, job)
	if report != nil {
		for i, out := range report.Outputs {
			if out.Err != nil {
				results[i].add(r.Session, verifyCheck, begin, out.Err)
			}
			if v := out.Verification(); v != nil {
				results[i].Figures = v
			}
		}
	}
	var unfinished *pipeline.Unfinished
	if errors.As(err, &unfinished) {
		return unfinished.Err // a batch resumes by itself
	}
	return err
}

// check runs the checks of one file.
func (r *Run) check(ctx context.Context, m *Model, result *Result) {
	for _, name := range m.Checks {
		run, ok := checks[name]
		if !ok {
			continue // part of the conversion
		}
		begin := time.Now()
		result.add(r.Session, name, begin, run(ctx, r.Session, r.File, m, result.first))
	}
}
