package pipeline

import (
	"context"
	"slices"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/pipeline/internal/journal"
	"github.com/f190792d/mq/quantize"
)

// planAll plans the outputs, once their types are known.
func (j *Job) planAll(ctx context.Context) error {
	if j.in.native {
		plan, err := quantize.Keep(j.in.nativeName(), j.in.kvs, j.in.infos)
		if err != nil {
			return err
		}
		return j.add(ctx, plan)
	}
	if len(j.o.Recipes) == 0 {
		return fault.Op("pipeline").Invalid("no type is given")
	}
	var done []string
	for _, r := range j.o.Recipes {
		if slices.Contains(done, r.Name) {
			continue
		}
		done = append(done, r.Name)
		plan, err := j.plan(r)
		if err != nil {
			return err
		}
		if err := j.add(ctx, plan); err != nil {
			return err
		}
	}
	return nil
}

// plan plans one output.
func (j *Job) plan(r quantize.Recipe, more ...quantize.Override) (*quantize.Plan, error) {
	options := j.options()
	options.Recipe = r
	options.Overrides = slices.Concat(options.Overrides, more, j.in.keepEncoded())
	return quantize.NewPlan(j.in.kvs, j.in.infos, options)
}

// options are those of every output, without a recipe.
func (j *Job) options() quantize.Options {
	o := j.o.Quantize
	o.Overrides = slices.Clone(o.Overrides)
	o.KVs = slices.Concat(o.KVs, j.refineKVs())
	o.AllowRequantize = o.AllowRequantize || j.in.conversion != nil // of a checkpoint's own codes
	return o
}

// add makes a plan an output: it gets its path and is split as asked.
func (j *Job) add(ctx context.Context, plan *quantize.Plan) error {
	if err := j.checkRefinable(plan); err != nil {
		return err
	}
	path, err := j.pathOf(plan.Recipe.Name)
	if err != nil {
		return err
	}
	if err := j.checkHeader(ctx, plan); err != nil {
		return err
	}
	if plan, err = j.divide(plan); err != nil {
		return err
	}
	t := journal.Target{Path: path, Plan: plan, Part: j.o.Part, Parts: j.o.Parts}
	out := Output{Path: path, Paths: t.Paths(), Plan: plan, Parts: t.Parts}
	if t.Parts > 0 {
		out.Part = t.Part + 1
	}
	j.targets, j.Outputs = append(j.targets, t), append(j.Outputs, out)
	return nil
}

// divide splits a plan into files as asked; of parts, one is left.
func (j *Job) divide(plan *quantize.Plan) (*quantize.Plan, error) {
	switch {
	case j.o.Parts > 0:
		if err := plan.SplitEvenly(j.o.Parts); err != nil {
			return nil, err
		}
		return plan.Part(j.o.Part), nil
	case j.o.MaxFileSize > 0:
		if err := plan.Split(gguf.SplitOptions{MaxSize: j.o.MaxFileSize}); err != nil {
			return nil, err
		}
		return plan, j.checkFileSizes(plan)
	}
	return plan, nil
}

// checkFileSizes refuses a largest size of files that single tensors exceed.
func (j *Job) checkFileSizes(plan *quantize.Plan) error {
	least, of := int64(0), ""
	for _, c := range plan.Tensors {
		if n := c.Info.Size(); n > least {
			least, of = n, c.Info.Name
		}
	}
	if least > j.o.MaxFileSize {
		return fault.Invalid("pipeline: files of at most %d bytes are not possible: tensor %q alone has %d", j.o.MaxFileSize, of, least)
	}
	return nil
}

func (j *Job) pathOf(typeName string) (string, error) {
	return outputPath(j.o.Out, j.in.dir, j.in.name, typeName, len(j.names()) > 1)
}
