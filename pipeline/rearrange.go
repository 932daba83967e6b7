package pipeline

import (
	"context"

	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/pipeline/internal/journal"
	"github.com/f190792d/mq/quantize"
)

// Rearrange writes the tensors of a GGUF file as they are into files of another
// layout, such as [gguf.Split] and [gguf.Merge] plan, and returns their paths.
// Of the options Out, Force, Resume, Workers, Memory, Version and Progress are
// used. All files get their names together, when all are whole.
func Rearrange(ctx context.Context, file *gguf.File, files []*gguf.Plan, o Options) ([]string, error) {
	o, err := o.complete()
	if err != nil {
		return nil, err
	}
	if err := o.makeFolder(o.Out); err != nil {
		return nil, err
	}
	plan, err := quantize.Arrange(files, file.Tensors())
	if err != nil {
		return nil, err
	}
	target := journal.Target{Path: o.Out, Plan: plan}
	j := &journal.Job{
		Sources: streamsOf(file, true), Targets: []journal.Target{target}, Inputs: file.Parts(), Source: journal.FileSource(file), Version: o.Version,
		Records: cacheFolder("finished"), Force: o.Force, Resume: o.Resume, Workers: o.Workers, Memory: int64(o.Workers) * copying, Progress: o.Progress,
	}
	return target.Paths(), j.Run(ctx)
}

// copying is the memory of data in flight for each worker that only copies.
const copying = 4 << 20
