package pipeline

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/hf"
	"github.com/f190792d/mq/pipeline/internal/journal"
	"github.com/f190792d/mq/quantize"
	"github.com/f190792d/mq/validate"
	"github.com/f190792d/mq/validate/proof"
)

// choosePrompt chooses what outputs are compared with the source on. A part of
// a set cannot be run.
func (j *Job) choosePrompt(ctx context.Context) (err error) {
	if !j.o.Verify || j.o.Parts != 0 {
		return nil
	}
	if words, _ := j.in.vocabulary(); words != nil { // what cannot be read is not compared
		j.prompt, err = proof.Prompt(ctx, words, words.Size(), j.o.Memory)
	}
	return err
}

// checks reports whether outputs are validated: those of a checkpoint always,
// those of a GGUF file, which are as good as that is, where it is asked for.
func (j *Job) checks() bool { return j.in.conversion != nil || j.o.Verify }

// checkHeader refuses a plan whose file could not be used, or would not say of
// the model what its source says, before anything is written.
func (j *Job) checkHeader(ctx context.Context, plan *quantize.Plan) error {
	if j.in.conversion == nil {
		return nil
	}
	infos := make([]gguf.TensorInfo, len(plan.Tensors))
	for i, c := range plan.Tensors {
		infos[i] = c.Info
	}
	o := validate.Options{Render: j.o.Render, Lint: j.o.Lint, Files: hf.Options{As: j.in.as}}
	if j.o.Verify {
		o.Reference = j.reference()
	}
	r, err := validate.Header(ctx, plan.Recipe.Name, plan.Files[0].KVs, infos, o)
	if err != nil {
		return err
	}
	if err := r.Err(); err != nil {
		return marked(r, fmt.Errorf("%s: the file would not pass its validation: %w", j.in.about.Name, err))
	}
	j.warn(r)
	return nil
}

// marked marks an error with ErrDiffers where nothing but the comparison with
// the source has failed.
func marked(r *validate.Report, err error) error {
	for _, f := range r.Findings {
		if f.Severity == validate.Fail && f.Check != validate.Identity && f.Check != validate.Logits {
			return err
		}
	}
	return fault.Place{}.Kind(ErrDiffers).Of(err)
}

// warn keeps what a validation warns of, each finding once. The chat template
// is copied: what there is to say of it concerns those who wrote it.
func (j *Job) warn(r *validate.Report) {
	for _, f := range r.Findings {
		if text := f.String(); f.Severity == validate.Warning && f.Check != validate.Template && !j.warned[text] {
			j.warned[text] = true
			j.Warnings = append(j.Warnings, text)
		}
	}
}

// reference is the source as the outputs are compared with it.
func (j *Job) reference() *validate.Source {
	return validate.Planned(j.in.checkpoint, j.in.conversion, len(j.targets) > 1)
}

// openReference opens the source for the comparison: a model that cannot be
// run is known before the work.
func (j *Job) openReference(ctx context.Context) (source *validate.Source, err error) {
	if !j.compares() {
		return nil, nil
	}
	if j.in.conversion != nil {
		source = j.reference()
	} else if source, err = validate.OpenSource(ctx, j.in.path, hf.Options{As: j.in.as}); err != nil {
		return nil, err
	}
	if err := source.OpenModel(ctx, j.checkOptions()); err != nil {
		source.Close()
		return nil, err
	}
	return source, nil
}

// compares reports whether outputs are run and compared with their source.
func (j *Job) compares() bool { return j.o.Verify && j.o.Parts == 0 }

func (j *Job) checkOptions() validate.Options {
	return validate.Options{
		Workers: j.o.Workers, Memory: j.o.Memory, Render: j.o.Render, Lint: j.o.Lint,
		SkipErrors: true, SkipLogits: !j.compares(), Partial: j.o.Parts > 0,
		Progress: j.o.Progress, Files: hf.Options{As: j.in.as},
	}
}

// check validates an output that is whole but has no name yet.
func (j *Job) check(ctx context.Context, source *validate.Source, t journal.Target, unfinished []string) (*validate.Report, error) {
	file, err := gguf.OpenParts(unfinished)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	o := j.checkOptions()
	o.Reference = source
	r, err := validate.Opened(ctx, file, o)
	if err != nil {
		return nil, err
	}
	r.File = filepath.Base(t.Path)
	if err := r.Err(); err != nil {
		return r, marked(r, fmt.Errorf("%s: does not match its source; output discarded: %w", t.Path, err))
	}
	if j.compares() && r.Logits == nil && r.Embeddings == nil {
		return r, fault.File(t.Path).Check("could not be compared with its source; output discarded: %s", r.Outcome(validate.Logits))
	}
	return r, nil
}
