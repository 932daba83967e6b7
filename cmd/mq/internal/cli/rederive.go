package cli

import (
	"context"
	"io"
	"os"

	"github.com/f190792d/mq/cmd/mq/internal/ui"
	"github.com/f190792d/mq/convert"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/hf"
	"github.com/f190792d/mq/formats/imatrix"
	"github.com/f190792d/mq/quantize"
)

// rederive makes a file again from its source, a checkpoint folder or a GGUF
// file, and compares every byte of the tensors. The importance matrix is the
// one given, else the one that the file names.
func (a *app) rederive(ctx context.Context, path, source, matrix string) ([]quantize.Departure, error) {
	file, err := gguf.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var o quantize.Options
	named, weighted := file.KVs().String("quantize.imatrix.file")
	if matrix == "" && weighted {
		if matrix = named; !exists(matrix) {
			return nil, fault.Usage("%s was made with the importance matrix %s, which is not there: give it with --imatrix", path, named)
		}
	}
	if matrix != "" {
		m, err := imatrix.Read(ctx, matrix)
		if err != nil {
			return nil, err
		}
		if o.Importance, err = quantize.NewImportance(matrix, m, nil, nil); err != nil {
			return nil, err
		}
	}
	kvs, streams, from, err := openSource(ctx, source)
	if err != nil {
		return nil, err
	}
	defer from.Close()
	progress := a.Progress("rederiving", 0, ui.ByteCount)
	defer progress.Finish()
	return quantize.Rederive(ctx, kvs, streams, file, o, quantize.RunOptions{
		Workers: a.jobs, MaxMemory: min(a.budget()/4, pipelinePerWorker*int64(a.jobs)),
		Progress: func(e quantize.Event) {
			progress.Total(e.Total)
			progress.Set(e.Done, e.Tensor)
		},
	})
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// openSource opens what a file was made from as key-values and streams.
func openSource(ctx context.Context, path string) (gguf.KVs, []gguf.Stream, io.Closer, error) {
	folder, err := isFolder(path)
	if err != nil {
		return nil, nil, nil, err
	}
	if folder {
		ckpt, err := hf.Open(ctx, path)
		if err != nil {
			return nil, nil, nil, err
		}
		plan, err := convert.NewPlan(ctx, ckpt, convert.Options{Type: convert.Auto, Encoder: encoder})
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

// checkRederived runs a rederivation and fails where the file departs from it.
func (a *app) checkRederived(ctx context.Context, path, source, matrix string) error {
	departures, err := a.rederive(ctx, path, source, matrix)
	if err != nil {
		return err
	}
	for _, d := range departures {
		if a.JSON {
			a.Event("departure", map[string]any{"tensor": d.Tensor, "reason": d.Reason, "at": d.At})
		} else {
			a.Printf("%s\n", d)
		}
	}
	if len(departures) > 0 {
		return fault.Check("%s: %d tensors are not what %s gives, the first: %s", path, len(departures), source, departures[0])
	}
	a.Note("%s: every byte of its tensors is what %s gives", path, source)
	return nil
}
