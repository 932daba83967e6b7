package journal

import (
	"context"
	"errors"
	"time"

	"github.com/f190792d/mq/formats/atomicfile"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/progress"
)

// Job is one run: the streams that are read and the targets that are written.
type Job struct {
	Sources []gguf.Stream
	Targets []Target
	Inputs  []string // files that are read: none may be an output
	Source  string   // digest of what the inputs' headers say
	Version string   // of mq
	Records string   // folder for records of finished runs; empty: none are kept

	Force  bool // replace existing outputs, drop what a stopped run left
	Resume bool // go on with what a stopped run left

	Workers int
	Memory  int64 // bytes of tensor data in flight

	// Unchanged, where set, reports inputs that were changed since they were
	// opened. It is called every few seconds, and before an output gets its name.
	Unchanged func() error

	// Reads, where set, is told which sources will be read, in their order.
	Reads func(sources []int)

	// Progress reports how far writing is.
	Progress progress.Func

	// Check, where set, judges a target whose files are complete and synced
	// under the given temporary names.
	Check func(ctx context.Context, t Target, unfinished []string) error

	// Failed, where set, is called for a target that Check has refused. That
	// target is dropped and the others are kept; without it all are dropped.
	Failed func(t Target, err error)

	// Named, where set, is called for each target that has its name, before
	// the journal is removed: a resumed run calls it again.
	Named func(ctx context.Context, t Target) error

	inputs []input
}

// watchEvery is how often the inputs are checked for changes.
var watchEvery = 2 * time.Second

// Preflight checks the outputs before work begins: names, leftovers, space.
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

// Run writes the targets. Each gets its name when all are complete, checked
// and synced. After an *Unfinished error a later run can resume; after any
// other, nothing is left but what has its name already. A run that resumes
// leaves outputs alone that an earlier run has completed, after it has read
// them: they must be what this run would write.
func (j *Job) Run(ctx context.Context) error {
	if err := j.Preflight(); err != nil {
		return err
	}
	w, err := j.layout()
	if err != nil {
		return err
	}
	if j.Resume {
		if done, err := w.complete(); err != nil {
			return err
		} else if done {
			return w.confirm(ctx)
		}
	}
	if err := w.open(ctx); err != nil {
		return err
	}
	err = w.run(ctx)
	if err == nil {
		return nil
	}
	if errors.Is(err, atomicfile.ErrLost) || ctx.Err() == nil && !errors.Is(err, fault.ErrIO) {
		w.abort()
		return err
	}
	w.keep()
	return &Unfinished{err}
}
