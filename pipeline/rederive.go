package pipeline

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

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
	Matrix   string  // importance matrix; empty: the one that the file names
	Refine   *Refine // the texts of a file that was refined, its tokens aside
	Workers  int     // goroutines; 0 for one on each processor
	Memory   int64   // budget in bytes; 0 for the default of [Options]
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
	var options quantize.Options
	if options.Importance, err = matrixOf(ctx, file, o.Matrix); err != nil {
		return nil, err
	}
	if text, refined := file.KVs().String(quantize.RefineDatasetKey); refined {
		if o.Refine == nil {
			return nil, fault.Op("pipeline").File(file.Name()).Unsupported("it was refined with %q: give the same text", text)
		}
		made, drop, err := again(ctx, file, source, o, options.Importance)
		if err != nil {
			return nil, err
		}
		defer drop()
		source, options.Importance = made, nil
	}
	folder, err := o.Files.IsFolder(source)
	if err != nil {
		return nil, err
	}
	var departures []quantize.Departure
	for _, as := range writers(file, folder) {
		departures, err = rederive(ctx, file, source, as, o.Files, options, quantize.RunOptions{
			Workers: run.Workers, MaxMemory: min(run.Memory/4, pipelinePerWorker*int64(run.Workers)),
			Progress: run.Progress.Named("rederiving"),
		})
		if err != nil || len(departures) == 0 {
			break
		}
	}
	return departures, err
}

// writers are the types in which the converter may have written what a file
// was made from: the file's own, where the converter writes it, and the
// checkpoint's precision, from which the quantizer goes on.
func writers(file *gguf.File, folder bool) []convert.FileType {
	number, _ := file.KVs().Uint("general.file_type")
	if recipe, err := quantize.ParseRecipe(strconv.FormatUint(number, 10)); err == nil && folder {
		if own, ok := convert.ParseFileType(recipe.Name); ok {
			return []convert.FileType{own, convert.Auto}
		}
	}
	return []convert.FileType{convert.Auto}
}

func rederive(ctx context.Context, file *gguf.File, source string, as convert.FileType, files hf.Options, o quantize.Options, run quantize.RunOptions) ([]quantize.Departure, error) {
	kvs, streams, from, err := openStreams(ctx, source, as, files)
	if err != nil {
		return nil, err
	}
	defer from.Close()
	return quantize.Rederive(ctx, kvs, streams, file, o, run)
}

// again makes a refined file a second time, in a folder beside it.
func again(ctx context.Context, file *gguf.File, source string, o RederiveOptions, importance *quantize.Importance) (made string, drop func(), err error) {
	dir, err := os.MkdirTemp(filepath.Dir(file.Name()), ".rederive")
	if err != nil {
		return "", nil, fault.File(file.Name()).IO("cannot make a folder beside it: %w", err)
	}
	drop = func() { os.RemoveAll(dir) }
	defer func() {
		if err != nil {
			drop()
		}
	}()
	recipe, err := quantize.ParseRecipe("F32") // every type comes from the file
	if err != nil {
		return "", nil, err
	}
	refined := *o.Refine
	if n, ok := file.KVs().Uint(quantize.RefineTokensKey); ok {
		refined.Tokens = int(n)
	}
	run := Options{
		Recipes: []quantize.Recipe{recipe}, Refine: &refined, Out: filepath.Join(dir, "made.gguf"), Workers: o.Workers, Memory: o.Memory, Progress: o.Progress,
		Quantize: quantize.Options{Like: quantize.NewLike(file.KVs(), file.Tensors()), AllowRequantize: true, Importance: importance},
	}
	job, from, err := openJob(ctx, source, run, o.Files)
	if err != nil {
		return "", nil, err
	}
	defer from.Close()
	_, err = job.Run(ctx)
	return run.Out, drop, err
}

// openJob plans a run from a checkpoint folder or a GGUF file.
func openJob(ctx context.Context, source string, o Options, files hf.Options) (*Job, io.Closer, error) {
	folder, err := files.IsFolder(source)
	if err != nil {
		return nil, nil, err
	}
	if folder {
		ckpt, err := files.Open(ctx, source)
		if err != nil {
			return nil, nil, err
		}
		job, err := FromCheckpoint(ctx, ckpt, o)
		return job, ckpt, closed(ckpt, err)
	}
	file, err := gguf.Open(source)
	if err != nil {
		return nil, nil, err
	}
	job, err := FromGGUF(ctx, file, o)
	return job, file, closed(file, err)
}

// closed closes what an error makes useless.
func closed(c io.Closer, err error) error {
	if err != nil {
		c.Close()
	}
	return err
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
func openStreams(ctx context.Context, path string, as convert.FileType, files hf.Options) (gguf.KVs, []gguf.Stream, io.Closer, error) {
	folder, err := files.IsFolder(path)
	if err != nil {
		return nil, nil, nil, err
	}
	if folder {
		ckpt, err := files.Open(ctx, path)
		if err != nil {
			return nil, nil, nil, err
		}
		plan, err := convert.NewPlan(ctx, ckpt, convert.Options{Type: as, Encoder: encoder})
		if err == nil && plan.Quantized.Matrices > 0 && !plan.Arch.KeepsTypes {
			plan, err = convert.NewPlan(ctx, ckpt, convert.Options{Type: as, Encoder: encoder, ForQuantizer: as == convert.Auto})
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
