package produce

import (
	"context"
	"errors"
	"time"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
)

// Job is what a writing command does: from these streams, these targets.
type Job struct {
	Sources []gguf.Stream
	Targets []Target
	Inputs  []string // files that are read: none may be an output
	Source  string   // digest of what the inputs' headers say
	Version string   // of mq

	Force  bool // replace existing outputs, drop what a stopped run left
	Resume bool // go on with what a stopped run left

	Workers int
	Memory  int64 // bytes of tensor data in flight

	// Unchanged, where set, reports inputs that were changed since they were
	// opened. It is asked now and then, and before an output gets its name.
	Unchanged func() error

	// Progress is told how far a step is, never twice at once.
	Progress func(step string, done, total int64, note string)

	// Check, where set, judges a target whose files are whole and on disk
	// under the temporary names given.
	Check func(ctx context.Context, t Target, unfinished []string) error

	// Failed, where set, is told of a target that Check has refused. The
	// target is dropped and the others go on; without it all are dropped.
	Failed func(t Target, err error)

	// Named, where set, is called for each target that has its name, before
	// the journal goes: what it does, a resumed run does again.
	Named func(ctx context.Context, t Target) error

	inputs []input
}

// Unfinished is the error of a run that can be resumed.
type Unfinished struct{ Err error }

func (u *Unfinished) Error() string {
	return u.Err.Error() + "; what is finished is kept, --resume goes on with it"
}

func (u *Unfinished) Unwrap() error { return u.Err }

// watchEvery is how often the inputs are looked at.
var watchEvery = 2 * time.Second

// Preflight finds what is wrong with the outputs before work begins: names,
// leftovers, space.
func (j *Job) Preflight() error {
	var err error
	if j.inputs, err = inputsOf(j.Inputs); err != nil {
		return err
	}
	w, err := j.layout()
	if err != nil {
		return err
	}
	if j.Resume {
		if done, err := w.complete(); done || err != nil {
			return err
		}
	}
	if err := w.check(); err != nil {
		return err
	}
	return w.checkSpace()
}

// Run writes the targets. Each gets its name when all are whole, checked and
// synced. Where the error is an *Unfinished, a later run can go on; otherwise
// nothing is left. Outputs that an earlier run has completed are left alone
// by one that resumes.
func (j *Job) Run(ctx context.Context) error {
	if err := j.Preflight(); err != nil {
		return err
	}
	w, err := j.layout()
	if err != nil {
		return err
	}
	if j.Resume {
		if done, err := w.complete(); done || err != nil {
			return err
		}
	}
	if err := w.open(ctx); err != nil {
		return err
	}
	err = w.run(ctx)
	if err == nil {
		return nil
	}
	if ctx.Err() == nil && !errors.Is(err, fault.ErrIO) {
		w.abort()
		return err
	}
	w.keep()
	return &Unfinished{err}
}
