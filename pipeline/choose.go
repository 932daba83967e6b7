package pipeline

import (
	"context"

	"github.com/f190792d/mq/formats/atomicfile"
	"github.com/f190792d/mq/quantize/budget"
)

// Chosen is what was chosen for a size.
type Chosen struct {
	*budget.Choice
	Profile *budget.Profile // what the choice was made from
}

// choose finds the types for the size that was asked for and plans the output.
// A set of files has more headers than one file: what they exceed the size by
// is taken off the target of the next try.
func (j *Job) choose(ctx context.Context, tokens []int32) error {
	profile, err := j.profile(ctx, tokens)
	if err != nil {
		return err
	}
	target := j.o.Size.Target
	for {
		choice, err := budget.Choose(j.in.kvs, j.in.infos, j.options(), profile, target)
		if err != nil {
			return err
		}
		choice.Recipe.Name = j.o.Size.Name
		plan, err := j.plan(choice.Recipe, choice.Overrides...)
		if err != nil {
			return err
		}
		j.targets, j.Outputs = nil, nil
		if err := j.add(ctx, plan); err != nil {
			return err
		}
		excess := j.Outputs[0].Plan.Summary.FileBytes - j.o.Size.Target.Bytes
		if target.Bytes == 0 || excess <= 0 {
			j.Chosen = &Chosen{choice, profile}
			return nil
		}
		target.Bytes -= excess
	}
}

// saveTypes writes the choice to a file that was asked for.
func (j *Job) saveTypes() error {
	path := j.o.Size.SaveTypes
	if path == "" {
		return nil
	}
	return atomicfile.WriteFile(path, []byte(j.Chosen.TypeFile()), atomicfile.Options{Force: j.o.Force || j.o.Resume})
}
