package pipeline

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/f190792d/mq/eval/forward"
	"github.com/f190792d/mq/formats/atomicfile"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/hf"
	"github.com/f190792d/mq/formats/tokenizer"
	"github.com/f190792d/mq/quantize"
	"github.com/f190792d/mq/refine"
)

const (
	// refineTokens is how much text a refinement takes by default.
	refineTokens = 1 << 16
	// smallModel is up to how many weights a model takes manyTokens, which cost it
	// little: less is lost to what is by chance in the text.
	smallModel = 16_000_000
	manyTokens = 1 << 18
)

// chooseTokens decides how much text is used where nothing is said of it. A text
// that the source writes itself costs more time than its use.
func (j *Job) chooseTokens() {
	r := j.o.Refine
	if r == nil || r.Tokens > 0 {
		return
	}
	weights := int64(0)
	for _, info := range j.in.infos {
		weights += info.Elements()
	}
	r.Tokens = refineTokens
	if weights <= smallModel && !r.Auto {
		r.Tokens = manyTokens
	}
}

// refineKVs say of a file what it was refined with.
func (j *Job) refineKVs() []quantize.KVOverride {
	r := j.o.Refine
	if r == nil {
		return nil
	}
	return []quantize.KVOverride{{Key: quantize.RefineDatasetKey, Value: r.matrix().Name}, {Key: quantize.RefineTokensKey, Value: uint32(r.Tokens)}}
}

// matrixTokens is how much of the texts makes the importance matrix.
const matrixTokens = 1 << 14

// matrix asks for an importance matrix of the same texts, as much of each:
// rounding starts from it.
func (r *Refine) matrix() *Collect {
	c := &Collect{Chunks: max(2, min(r.Tokens, matrixTokens)/calibrationContext)}
	for i, t := range r.Texts {
		if i > 0 {
			c.Name += ", "
			c.Text += "\n"
		}
		c.Name += t.Name
		if some := matrixTokens * tokenBytes / len(r.Texts); len(r.Texts) > 1 && len(t.Content) > some {
			t.Content = strings.ToValidUTF8(t.Content[:some], "")
		}
		c.Text += t.Content
	}
	return c
}

// tokenBytes is about how many bytes of text a token stands for.
const tokenBytes = 3

// refine rounds an output anew in a file of its own, from which the plan then
// takes what was refined. The files of the work are to be dropped when the
// output is written, or kept for a run that goes on with them.
func (j *Job) refine(ctx context.Context, out Output, report *Result) (drop func(keep bool), err error) {
	work, scratch, err := j.refineFiles(out.Path)
	if err != nil {
		return nil, err
	}
	end := func(keep bool) {
		for _, f := range []*atomicfile.File{work, scratch} {
			if !keep || f.Keep() != nil {
				f.Abort()
			}
		}
	}
	file, err := j.refineFile(ctx, out, work, scratch, report)
	if err != nil {
		end(ctx.Err() != nil)
		if ctx.Err() != nil {
			err = &Unfinished{Err: err}
		}
		return nil, err
	}
	for _, t := range file.Tensors() {
		out.Plan.Supply(t.Name, file.Stream(t).ReadRows)
	}
	return func(keep bool) {
		file.Close()
		end(keep)
	}, nil
}

// refineFiles makes the files of the work beside an output, or takes over what a
// run that was stopped has left, if both are there.
func (j *Job) refineFiles(path string) (work, scratch *atomicfile.File, err error) {
	options := atomicfile.Options{Force: true, Stale: atomicfile.Drop, Inputs: j.inputs}
	if j.o.Resume {
		options.Stale = atomicfile.Resume
	}
	for {
		if work, err = atomicfile.Create(path+".refined", options); err != nil {
			return nil, nil, err
		}
		if scratch, err = atomicfile.Create(path+".streams", options); err != nil {
			work.Abort()
			return nil, nil, err
		}
		if work.Resumed() == scratch.Resumed() {
			return work, scratch, nil
		}
		work.Abort()
		scratch.Abort()
		options.Stale = atomicfile.Drop
	}
}

// refineFile writes an output as it is usually rounded, and refines its tensors
// in place.
func (j *Job) refineFile(ctx context.Context, out Output, work, scratch *atomicfile.File, report *Result) (_ *gguf.File, err error) {
	source, words, err := j.openModel(ctx)
	if err != nil {
		return nil, err
	}
	defer source.Close()
	r := refine.Job{Source: source, Workers: j.o.Workers, Progress: j.o.Progress.Named("refining"), Scratch: scratch}
	if r.Chunks, err = j.refineChunks(ctx, words, source); err != nil {
		return nil, err
	}
	if r.Key, err = j.refineKey(out.Plan, r.Chunks); err != nil {
		return nil, err
	}
	r.Settle = func() error { return errors.Join(work.Sync(), scratch.Sync()) }
	done := refine.Left(r)
	err = quantize.Run(ctx, j.in.streams, []quantize.Output{{Plan: out.Plan, Files: []io.WriterAt{work}}}, quantize.RunOptions{
		Workers: j.o.Workers, MaxMemory: pipelinePerWorker * int64(j.o.Workers), Progress: j.o.Progress.Named("rounding"),
		Skip: func(r quantize.Range) bool { return done[r.Tensor] },
	})
	if err != nil {
		return nil, err
	}
	file, err := gguf.OpenParts([]string{work.TempPath()})
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			file.Close()
		}
	}()
	if r.File, err = forward.FromGGUF(ctx, file, forward.Options{Run: source.Run(), Files: hf.Options{As: j.in.as}}); err != nil {
		return nil, err
	}
	for _, c := range out.Plan.Tensors {
		typ, _ := quantize.ByID(c.Info.Type)
		if !refinable(c) {
			continue
		}
		info, _ := file.Lookup(c.Info.Name)
		r.Tensors = append(r.Tensors, j.refined(c, typ, info, file, work))
	}
	report.Refined, err = refine.Run(ctx, r)
	return file, err
}

// refinable reports whether a tensor is one whose codes can be chosen.
func refinable(c quantize.Choice) bool {
	typ, _ := quantize.ByID(c.Info.Type)
	_, _, matrices := matricesOf(c.Info)
	return typ.Grid != nil && c.Converts() && matrices > 0
}

// checkRefinable refuses a type with which there is nothing to refine, and warns
// of a size that leaves nothing.
func (j *Job) checkRefinable(plan *quantize.Plan) error {
	switch {
	case j.o.Refine == nil || slices.ContainsFunc(plan.Tensors, refinable):
	case j.o.Size != nil:
		j.Warnings = append(j.Warnings, "nothing is refined: the size has room for every weight as it is")
	default:
		return fault.Op("pipeline").Invalid("nothing of %s can be refined, for it rounds no matrix to a type with blocks: give another type, or leave the texts out", plan.Recipe.Name)
	}
	return nil
}

// refineKey digests what decides the bytes of a refined output.
func (j *Job) refineKey(plan *quantize.Plan, chunks [][]int32) (string, error) {
	h := sha256.New()
	fmt.Fprintln(h, j.o.Version, j.Source.Name, j.Source.Bytes, chunks)
	for _, path := range j.inputs {
		info, err := os.Stat(path)
		if err != nil {
			return "", fault.IO("cannot look at an input: %w", err)
		}
		fmt.Fprintln(h, filepath.Base(path), atomicfile.Stamp(info))
	}
	if err := plan.WriteIdentity(h); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// refined is a tensor as the refinement reads and writes it.
func (j *Job) refined(c quantize.Choice, typ quantize.Type, info gguf.TensorInfo, file *gguf.File, work io.WriterAt) refine.Tensor {
	stream, row := j.in.streams[c.Source], info.RowBytes()
	from, _ := quantize.ByID(stream.Type)
	t := refine.Tensor{Name: info.Name, Type: typ}
	t.Rows, t.Columns, t.Matrices = matricesOf(info)
	t.Weights = func(ctx context.Context, dst []float32, first int) error {
		raw := make([]byte, int64(len(dst)/t.Columns)*stream.RowBytes())
		if err := stream.ReadRows(ctx, raw, int64(first)); err != nil {
			return err
		}
		from.Dequantize(dst, raw)
		return nil
	}
	t.Load = func(ctx context.Context, dst []byte, first int) error {
		_, err := file.ReadTensorAt(ctx, info, dst, int64(first)*row)
		return err
	}
	at := file.DataOffset(0) + info.Offset
	t.Store = func(data []byte, first int) error {
		_, err := work.WriteAt(data, at+int64(first)*row)
		return err
	}
	return t
}

// refineChunks cuts the texts into what runs at once, as many from each as
// there are tokens for, spread over it.
func (j *Job) refineChunks(ctx context.Context, words *tokenizer.Tokenizer, m *forward.Model) ([][]int32, error) {
	length := calibrationContext
	if n := m.Longest(); n > 0 {
		length = min(length, n)
	}
	bos, _ := words.Special("bos")
	texts := make([][]int32, len(j.o.Refine.Texts))
	total := 0
	for i, t := range j.o.Refine.Texts {
		tokens, err := words.Encode(ctx, t.Content, tokenizer.Options{AddSpecial: true})
		if err != nil {
			return nil, err
		}
		texts[i] = tokens
		total += len(tokens) / length
	}
	if total < 2 {
		return nil, fault.Op("pipeline").Corrupt("the texts to refine with fill %d chunks of %d tokens; at least 2 are needed, and some hundreds are worth it", total, length)
	}
	wanted := min(total, max(2, j.o.Refine.Tokens/length))
	var chunks [][]int32
	at, taken := 0, 0 // of all chunks of all texts
	for _, tokens := range texts {
		for i := 0; i+length <= len(tokens); i += length {
			if at++; at*wanted/total == taken {
				continue
			}
			taken++
			chunk := append([]int32(nil), tokens[i:i+length]...)
			if words.AddsBOS() {
				chunk[0] = bos
			}
			chunks = append(chunks, chunk)
		}
	}
	return chunks, nil
}
