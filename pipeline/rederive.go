package pipeline

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"

	"github.com/f190792d/mq/convert"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/hf"
	"github.com/f190792d/mq/formats/imatrix"
	"github.com/f190792d/mq/formats/progress"
	"github.com/f190792d/mq/quantize"
)

// RederiveOptions say how a file is made again.
type RederiveOptions struct {
	Matrix   string // importance matrix; empty: the one that the file names
	Workers  int    // goroutines; 0 for one on each processor
	Memory   int64  // budget in bytes; 0 for the default of [Options]
	Progress progress.Func
	Files    hf.Options // how a checkpoint folder is opened
}

// Rederive makes a GGUF file again from its source, a checkpoint folder or a
// GGUF file, and compares every byte of the tensors. It returns those that
// differ.
func Rederive(ctx context.Context, path, source string, o RederiveOptions) ([]quantize.Departure, error) {
	run, err := Options{Workers: o.Workers, Memory: o.Memory, Progress: o.Progress}.complete()
	if err != nil {
		return nil, err
	}
	file, err := gguf.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if text, refined := file.KVs().String("quantize.refine.dataset"); refined {
		return nil, fault.Op("pipeline").File(file.Name()).Unsupported("it was refined with the text %q: make it again with that text, and compare the two files", text)
	}
	var options quantize.Options
	if options.Importance, err = matrixOf(ctx, file, o.Matrix); err != nil {
		return nil, err
	}
	kvs, streams, from, err := openStreams(ctx, source, o.Files)
	if err != nil {
		return nil, err
	}
	defer from.Close()
	return quantize.Rederive(ctx, kvs, streams, file, options, quantize.RunOptions{
		Workers: run.Workers, MaxMemory: min(run.Memory/4, pipelinePerWorker*int64(run.Workers)),
		Progress: run.Progress.Named("rederiving"),
	})
}

// matrixOf reads the importance matrix that a file was made with.
func matrixOf(ctx context.Context, file *gguf.File, given string) (*quantize.Importance, error) {
	path := given
	if named, weighted := file.KVs().String("quantize.imatrix.file"); path == "" && weighted {
		if _, err := os.Stat(named); errors.Is(err, fs.ErrNotExist) {
			return nil, fault.Invalid("%s was made with the importance matrix %s, which is not there: say where it is", file.Name(), named)
		}
		path = named
	}
	if path == "" {
		return nil, nil
	}
	m, err := imatrix.Read(ctx, path)
	if err != nil {
		return nil, err
	}
	return quantize.NewImportance(path, m, nil, nil)
}

// openStreams opens what a file was made from as key-values and streams.
func openStreams(ctx context.Context, path string, files hf.Options) (gguf.KVs, []gguf.Stream, io.Closer, error) {
	folder, err := files.IsFolder(path)
	if err != nil {
		return nil, nil, nil, err
	}
	if folder {
		ckpt, err := files.Open(ctx, path)
		if err != nil {
			return nil, nil, nil, err
		}
		plan, err := convert.NewPlan(ctx, ckpt, convert.Options{Type: convert.Auto, Encoder: encoder})
		if err == nil && plan.Quantized.Matrices > 0 && !plan.Arch.KeepsTypes {
			plan, err = convert.NewPlan(ctx, ckpt, convert.Options{Type: convert.Auto, Encoder: encoder, ForQuantizer: true})
		}
		if err != nil {
			ckpt.Close()
			return nil, nil, nil, err
		}
		return plan.KVs, plan.Streams, ckpt, nil
	}
	file, err := gguf.Open(path)
	if err != nil {
		return nil, nil, nil, err
	}
	var streams []gguf.Stream
	for _, t := range file.Tensors() {
		streams = append(streams, file.Stream(t))
	}
	return file.KVs(), streams, file, nil
}
