package pipeline

import (
	"context"
	"path/filepath"
	"slices"

	"github.com/f190792d/mq/convert"
	"github.com/f190792d/mq/formats/atomicfile"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/hf"
)

// WriteAdapter writes a file of an adapter alone, as F32, and returns its path.
// Of the options Out, Force and PlanOnly are used. Such a file is small: it is
// written in one go.
func WriteAdapter(ctx context.Context, base *hf.Checkpoint, from hf.Adapter, o Options) (string, error) {
	plan, err := convert.NewAdapterPlan(ctx, base, from)
	if err != nil {
		return "", err
	}
	path, err := outputPath(o.Out, "", namedBy(plan.KVs, from.Name()), "F32", false)
	if err != nil {
		return "", err
	}
	layout, err := gguf.NewPlan(plan.KVs, infosOf(plan.Streams))
	if err != nil {
		return "", err
	}
	var inputs []string
	for _, c := range []*hf.Checkpoint{base, from.Checkpoint} {
		for _, file := range c.Files() {
			inputs = append(inputs, filepath.Join(c.Dir(), filepath.FromSlash(file.Name)))
		}
	}
	if err := o.makeFolder(path); err != nil {
		return "", err
	}
	options := atomicfile.Options{Force: o.Force, Stale: atomicfile.Drop, Inputs: slices.Clone(inputs)}
	if err := atomicfile.Check(path, options); err != nil || o.PlanOnly {
		return path, err
	}
	file, err := atomicfile.Create(path, options)
	if err != nil {
		return "", err
	}
	defer file.Abort()
	w, err := gguf.NewWriter(file, layout)
	if err != nil {
		return "", err
	}
	for _, s := range plan.Streams {
		data := make([]byte, s.Size())
		if err := s.ReadRows(ctx, data, 0); err != nil {
			return "", err
		}
		if _, err := w.Write(data); err != nil {
			return "", fault.File(path).IO("%w", err)
		}
	}
	if err := w.Close(); err != nil {
		return "", err
	}
	return path, file.Commit()
}
