package cli

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/f190792d/mq/cmd/mq/internal/produce"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/validate"
)

// verifyCheck is the comparison with the source at the end of a conversion.
const verifyCheck = "verify"

// batchChecks are the checks of a written file, beside verify.
var batchChecks = map[string]func(ctx context.Context, a *app, b *batchFile, m *batchModel, path string) error{
	"structure": func(ctx context.Context, a *app, _ *batchFile, _ *batchModel, path string) error {
		return a.batchValidate(ctx, path, validate.Options{})
	},
	"numbers": func(ctx context.Context, a *app, b *batchFile, m *batchModel, path string) error {
		return a.batchValidate(ctx, path, validate.Options{Against: b.at(m.Path), SkipLogits: true})
	},
	"logits": func(ctx context.Context, a *app, b *batchFile, m *batchModel, path string) error {
		limits := validate.Limits{MaxKLD: b.Limits.MaxKLD, MinTop1: b.Limits.MinTop1}
		return a.batchValidate(ctx, path, validate.Options{Against: b.at(m.Path), SkipNumbers: true, Limits: limits})
	},
	"rederive": func(ctx context.Context, a *app, b *batchFile, m *batchModel, path string) error {
		return a.checkRederived(ctx, path, b.at(m.Path), "")
	},
}

func (a *app) batchValidate(ctx context.Context, path string, o validate.Options) error {
	o.Workers = a.jobs
	report, err := a.validate(ctx, path, o)
	if err != nil {
		return err
	}
	return report.Err()
}

// batchCommand runs the jobs of a file.
func (a *app) batchCommand() *cobra.Command {
	var o struct {
		state, junit, report string
		force, failFast      bool
	}
	cmd := &cobra.Command{
		Use:   "batch JOBS.yaml",
		Short: "Convert many models to many types, with checks and a report",
		Long: `Runs a matrix of models, types and checks. Each model is read once for all its
types. What is finished is remembered in a state file, so that the same command
goes on after a stop and does only what is left. A failure does not keep the
other jobs from running; the exit code is the highest of all.`,
		Example: `  mq batch jobs.yaml
  mq batch jobs.yaml --junit report.xml --report report.json`,
		Args: exactArgs(1, "one file of jobs"),
		RunE: func(cmd *cobra.Command, args []string) error {
			b, err := readBatch(args[0])
			if err != nil {
				return err
			}
			if o.state == "" {
				o.state = args[0] + ".state"
			}
			state, err := readState(o.state)
			if err != nil {
				return err
			}
			run := &batchRun{app: a, file: b, state: state, force: o.force}
			for i := range b.Models {
				err := run.model(cmd.Context(), &b.Models[i])
				if saved := state.save(); err == nil {
					err = saved
				}
				if err != nil {
					return err
				}
				if o.failFast && run.worst() != exitOK {
					break
				}
			}
			return a.reportBatch(run.results, o.junit, o.report)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.state, "state", "", "file that remembers what is finished (default JOBS.yaml.state)")
	flags.StringVar(&o.junit, "junit", "", "write a report in JUnit's XML")
	flags.StringVar(&o.report, "report", "", "write a report as JSON")
	flags.BoolVar(&o.force, "force", false, "do everything again and replace existing files")
	flags.BoolVar(&o.failFast, "fail-fast", false, "stop at the first model that fails")
	return cmd
}

// batchResult is what became of one model in one type.
type batchResult struct {
	Model   string          `json:"model"`
	Type    string          `json:"type"`
	Path    string          `json:"path"`
	Exit    int             `json:"exit"`
	Kept    bool            `json:"kept,omitempty"` // finished by an earlier run
	Bytes   int64           `json:"bytes,omitempty"`
	Bits    float64         `json:"bpw,omitempty"`
	Figures any             `json:"verify,omitempty"`
	Steps   []batchStep     `json:"steps"`
	target  *produce.Target // nil where it could not be planned
}

// batchStep is the conversion or one check.
type batchStep struct {
	Name    string  `json:"name"`
	Exit    int     `json:"exit"`
	Error   string  `json:"error,omitempty"`
	Seconds float64 `json:"seconds"`
}

// add notes a step and its outcome.
func (r *batchResult) add(name string, begin time.Time, err error) {
	step := batchStep{Name: name, Exit: exitCode(err), Seconds: time.Since(begin).Seconds()}
	if err != nil {
		step.Error = fault.Printable(advised(err))
	}
	r.Steps = append(r.Steps, step)
	r.Exit = max(r.Exit, step.Exit)
}

// batchRun is a batch on its way.
type batchRun struct {
	*app
	file    *batchFile
	state   *batchState
	force   bool
	results []*batchResult
}

func (r *batchRun) worst() int {
	code := exitOK
	for _, result := range r.results {
		code = max(code, result.Exit)
	}
	return code
}

// model does what is left to do of one model. It returns an error only where
// the batch is to end.
func (r *batchRun) model(ctx context.Context, m *batchModel) error {
	begin := time.Now()
	var left []string
	identity := r.state.identify(r.file, m)
	for _, name := range m.Types {
		if kept := r.state.finished(m.Name, name, identity); kept != nil && !r.force {
			r.results = append(r.results, kept)
			continue
		}
		left = append(left, name)
	}
	if len(left) == 0 {
		return nil
	}
	r.Note("%s: %d types", m.Name, len(left))
	var fresh []*batchResult
	for _, name := range left {
		fresh = append(fresh, &batchResult{Model: m.Name, Type: name})
	}
	r.results = append(r.results, fresh...)
	err := r.convert(ctx, m, left, fresh)
	if ctx.Err() != nil {
		return err
	}
	for _, result := range fresh {
		if err != nil || len(result.Steps) == 0 {
			result.add("convert", begin, err)
			if result.Figures != nil && err == nil {
				result.add(verifyCheck, begin, nil)
			}
		}
		if result.Exit == exitOK {
			r.check(ctx, m, result)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		r.state.note(result, identity)
	}
	return nil
}

// convert makes the files of one model.
func (r *batchRun) convert(ctx context.Context, m *batchModel, types []string, results []*batchResult) error {
	f, err := r.file.flags(m, types)
	if err != nil {
		return err
	}
	f.output.force = r.force
	if r.force {
		f.output.resume = false
	}
	p, source, err := r.planAny(ctx, r.file.at(m.Path), f)
	if err != nil {
		return err
	}
	defer source.Close()
	byPath := map[string]*batchResult{}
	for i := range p.Targets {
		t := &p.Targets[i]
		byPath[t.Path] = results[i]
		results[i].Path, results[i].target = t.Path, t
		results[i].Bytes, results[i].Bits = t.Plan.Summary.FileBytes, t.Plan.Summary.Bits
		if err := os.MkdirAll(filepath.Dir(t.Path), 0o777); err != nil {
			return err
		}
	}
	reference, err := r.prepareCheck(ctx, p, r.file.at(m.Path))
	if err != nil {
		return err
	}
	defer reference.Close()
	begin := time.Now()
	p.Failed = func(t produce.Target, err error) { byPath[t.Path].add(verifyCheck, begin, err) }
	err = r.write(ctx, p)
	for path, figures := range p.agreement {
		byPath[path].Figures = figures
	}
	var unfinished *produce.Unfinished
	if errors.As(err, &unfinished) {
		return unfinished.Err // a batch goes on by itself
	}
	return err
}

// check runs the checks of one file.
func (r *batchRun) check(ctx context.Context, m *batchModel, result *batchResult) {
	for _, name := range m.Checks {
		run, ok := batchChecks[name]
		if !ok {
			continue // part of the conversion
		}
		begin := time.Now()
		result.add(name, begin, run(ctx, r.app, r.file, m, result.target.Paths()[0]))
	}
}
