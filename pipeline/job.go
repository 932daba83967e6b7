package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/hf"
	"github.com/f190792d/mq/pipeline/internal/journal"
	"github.com/f190792d/mq/quantize"
)

// Job is a planned run. It reads the checkpoint or file that it was made from,
// which stays the caller's to close.
type Job struct {
	Source    Source
	Tokenizer string   // what the vocabulary is, for people
	Outputs   []Output // in the order of the recipes
	Chosen    *Chosen  // what was chosen for a size, if that was asked for
	Warnings  []string // what the files cannot express of the model

	o       Options
	in      *input
	targets []journal.Target // of Outputs
	prompt  []int32          // of the comparison; empty without one

	ownMatrix bool // the importance matrix is of the texts of the refinement
	warned    map[string]bool
	inputs    []string
	hashed    []HashedFile // the inputs, when they have been read for that
}

// Output is one file to write, or the files of a split set.
type Output struct {
	Path  string   // as it was asked for
	Paths []string // of the files
	Plan  *quantize.Plan
	Part  int // from 1; 0 where all files are written
	Parts int
}

// Unfinished is the error of a run that can be resumed. That of outputs which
// are there already is marked with atomicfile.ErrExists, that of what a stopped
// run has left with atomicfile.ErrUnfinished.
type Unfinished = journal.Unfinished

// ErrMismatch marks the error of resuming a run that was started differently.
var ErrMismatch = journal.ErrMismatch

// ErrDiffers marks the errors of outputs that are sound by themselves and are
// refused for the comparison with their source.
var ErrDiffers = errors.New("it differs from its source")

// FromCheckpoint plans the conversion of a checkpoint. It reads headers only,
// unless a matrix is to be collected or types are to be chosen: then the model
// runs, after the outputs were checked.
func FromCheckpoint(ctx context.Context, ckpt *hf.Checkpoint, o Options) (*Job, error) {
	o, err := o.complete()
	if err != nil {
		return nil, err
	}
	in, err := fromCheckpoint(ctx, ckpt, o)
	if err != nil {
		return nil, err
	}
	return newJob(ctx, in, o)
}

// FromGGUF plans the quantization of a GGUF file or split set. It reads the
// header only, with the exceptions of [FromCheckpoint].
func FromGGUF(ctx context.Context, file *gguf.File, o Options) (*Job, error) {
	o, err := o.complete()
	if err != nil {
		return nil, err
	}
	in, err := fromGGUF(ctx, file, o)
	if err != nil {
		return nil, err
	}
	return newJob(ctx, in, o)
}

// describeVocabulary fills Tokenizer, for a file that is only copied from what it says.
func (j *Job) describeVocabulary() error {
	var model, pre string
	var size int
	if j.in.conversion != nil || j.o.PlanOnly {
		t, err := j.in.vocabulary()
		if t == nil {
			return err
		}
		model, pre, size = t.Model(), t.Pre(), t.Size()
	} else {
		model, _ = j.in.kvs.String("tokenizer.ggml.model")
		pre, _ = j.in.kvs.String("tokenizer.ggml.pre")
		tokens, _ := j.in.kvs.Strings("tokenizer.ggml.tokens")
		size = len(tokens)
	}
	if model != "" {
		j.Tokenizer = fmt.Sprintf("%s, pre-tokenizer %s, %d tokens", model, cmp.Or(pre, "none"), size)
	}
	return nil
}

func newJob(ctx context.Context, in *input, o Options) (*Job, error) {
	j := &Job{Source: in.about, Tokenizer: "none", o: o, in: in, warned: map[string]bool{}, inputs: slices.Concat(in.files, o.Inputs)}
	if err := j.describeVocabulary(); err != nil {
		return nil, err
	}
	j.chooseTokens()
	if in.conversion != nil {
		j.Warnings = in.conversion.Warnings
		if q := in.about.Quantized; q != nil && !in.native && !o.PlanOnly && !strings.HasPrefix(q.Method, "FP8") {
			j.Warnings = append(slices.Clone(j.Warnings), fmt.Sprintf("the checkpoint is quantized already, by %s: what changes its type is quantized a second time, with a second error; the type auto keeps every weight of %d of %d matrices",
				q.Method, q.Exact, q.Matrices))
		}
	}
	if err := j.choosePrompt(ctx); err != nil {
		return nil, err
	}
	if err := j.study(ctx); err != nil {
		return nil, err
	}
	if j.Chosen == nil {
		if err := j.planAll(ctx); err != nil {
			return nil, err
		}
	}
	for _, out := range j.Outputs {
		if err := o.makeFolder(out.Path); err != nil {
			return nil, err
		}
	}
	return j, nil
}

// Tensors lists the tensors of the source by the names that they have in a
// GGUF file.
func (j *Job) Tensors() []gguf.TensorInfo { return slices.Clone(j.in.infos) }

// names are what stands for the outputs in their paths.
func (j *Job) names() []string {
	switch {
	case j.o.Size != nil:
		return []string{j.o.Size.Name}
	case j.in.native:
		return []string{j.in.nativeName()}
	}
	var names []string
	for _, r := range j.o.Recipes {
		names = append(names, r.Name)
	}
	return names
}
