package forward

import (
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"path/filepath"

	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/eval/forward/checkpoint"
	"github.com/f190792d/mq/eval/forward/compute"
	"github.com/f190792d/mq/eval/forward/file"
	"github.com/f190792d/mq/eval/forward/graph"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/hf"
	"github.com/f190792d/mq/formats/tokenizer"
)

// What the graph computes with, under the names of this package.
type (
	// Run says how a model runs.
	Run = graph.Run
	// Session is a sequence that grows.
	Session = graph.Session
	// Observer sees the activations of every product.
	Observer = graph.Observer
	// Input is what a product multiplies.
	Input = graph.Input
	// Weight names a matrix.
	Weight = compute.Weight
	// Alteration changes weights as they are decoded.
	Alteration = compute.Alteration

	// PartDifference is how far two parts of models are from each other.
	PartDifference = graph.PartDifference
	// PartKind says what a part is.
	PartKind = graph.PartKind
)

// The kinds of parts.
const (
	PartMatrix = graph.PartMatrix
	PartVector = graph.PartVector
	PartFigure = graph.PartFigure
)

// Options says how to open a model, and how it runs.
type Options struct {
	Run

	Files hf.Options // how [Open] opens a checkpoint folder; As describes also what files of an unknown architecture are

	// Expressible leaves out of a checkpoint what a GGUF file of it cannot
	// express ([arch.Losses]): what comes out of a conversion is compared
	// with this.
	Expressible bool

	Adapters []hf.Adapter // merged into the weights of a checkpoint

	// ReleaseBehind asks the system to forget weights once they were used,
	// for a model that is run once and is larger than the memory it may take.
	ReleaseBehind bool

	// MapLimit is the size of files that [Open] maps into memory; 0 means 2
	// GiB, and none is mapped below 0. Larger ones are read piece by piece, so
	// that they never fill it.
	MapLimit int64

	Device compute.Device // nil: the processor
}

// Model is an opened model.
type Model struct {
	*graph.Model
	hyper     arch.Hyper
	tokenizer func() (*tokenizer.Tokenizer, error)
	close     func() error
}

// Open opens a GGUF file or a checkpoint folder. Every tensor is looked up and
// its shape compared with the hyperparameters; none is read whole but the
// small ones. Close closes it.
func Open(ctx context.Context, path string, o Options) (*Model, error) {
	folder, err := o.Files.IsFolder(path)
	if err != nil {
		if at := new(fs.PathError); errors.As(err, &at) {
			err = at.Err // the path is named once
		}
		return nil, fault.Op("forward").File(path).IO("%w", err)
	}
	if folder {
		ckpt, err := o.Files.Open(ctx, path)
		if err != nil {
			return nil, err
		}
		m, err := FromCheckpoint(ctx, ckpt, o)
		return owned(m, ckpt, err)
	}
	f, err := gguf.Open(path)
	if err != nil {
		return nil, err
	}
	if f.Size() <= cmp.Or(o.MapLimit, 2<<30) {
		// Where it cannot be mapped, reading does as well.
		_ = f.Map()
	}
	m, err := FromGGUF(ctx, f, o)
	return owned(m, f, err)
}

// owned makes a model close what it was opened from.
func owned(m *Model, from io.Closer, err error) (*Model, error) {
	if err != nil {
		from.Close()
		return nil, err
	}
	m.close = from.Close
	return m, nil
}

// FromCheckpoint builds a model on an open checkpoint, which the caller closes
// when the model is no longer used.
func FromCheckpoint(ctx context.Context, ckpt *hf.Checkpoint, o Options) (*Model, error) {
	h, err := arch.FromConfig(ckpt.Config())
	if err != nil {
		return nil, fault.Op("forward").Folder(ckpt.Name()).Of(err)
	}
	a, _ := arch.Of(ckpt.Config())
	if err := a.ReadModules(ckpt.Folder, &h); err != nil {
		return nil, err
	}
	var losses []arch.Loss
	if o.Expressible {
		for _, loss := range arch.Losses(ckpt.Config(), h) {
			if !loss.InTensor { // the checkpoint does not have that tensor
				losses = append(losses, loss)
			}
		}
	}
	model, err := arch.Expressible(a, h, losses)
	if err != nil {
		return nil, fault.Op("forward").Folder(ckpt.Name()).Of(err)
	}
	if o.ReleaseBehind {
		ckpt.ReleaseBehind()
	}
	options := graph.Options{Convention: a.Source, ReportInTurn: a.File.InTurn && !a.Source.InTurn}
	if f, ok := ckpt.Fetcher(); ok {
		options.ReadAhead = f.ReadAhead
	}
	loader, err := checkpoint.New(ctx, ckpt, o.Adapters, a, h)
	if err != nil {
		return nil, err
	}
	m, err := build(ctx, model, loader, h, ckpt.Name(), o, options)
	if err == nil {
		err = loader.Covered()
	}
	if err != nil {
		return nil, err
	}
	m.tokenizer = func() (*tokenizer.Tokenizer, error) { return tokenizer.FromCheckpoint(ckpt) }
	return m, nil
}

// FromGGUF builds a model on an open GGUF file, mapped or not, which the
// caller closes when the model is no longer used.
func FromGGUF(ctx context.Context, f *gguf.File, o Options) (*Model, error) {
	a, err := arch.OfFile(f.KVs(), o.Files.As)
	if err != nil {
		return nil, fault.Op("forward").File(f.Name()).Of(err)
	}
	h, err := a.FromGGUF(f.KVs())
	if err != nil {
		return nil, fault.Op("forward").File(f.Name()).Of(err)
	}
	model, err := arch.Describe(a, h)
	if err != nil {
		return nil, fault.Op("forward").File(f.Name()).Of(err)
	}
	m, err := build(ctx, model, file.New(f, a, o.ReleaseBehind), h, f.Name(), o, graph.Options{Convention: a.File})
	if err != nil {
		return nil, err
	}
	m.tokenizer = func() (*tokenizer.Tokenizer, error) { return tokenizer.FromGGUF(f.KVs()) }
	return m, nil
}

// build makes a model of a description and a loader.
func build(ctx context.Context, model arch.Model, w graph.Weights, h arch.Hyper, name string, o Options, options graph.Options) (*Model, error) {
	options.Run, options.Device = o.Run, o.Device
	options.Name, options.Embed, options.Vocab, options.Context = filepath.Base(name), h.Embed, h.Vocab, h.Context
	m, err := graph.New(ctx, model, w, options)
	if err != nil {
		return nil, err
	}
	h.Vocab = m.Tokens()
	return &Model{Model: m, hyper: h}, nil
}

// Close closes the files that [Open] has opened.
func (m *Model) Close() error {
	if m.close == nil {
		return nil
	}
	return m.close()
}

// Hyper returns the hyperparameters.
func (m *Model) Hyper() arch.Hyper { return m.hyper }

// Tokenizer loads the model's vocabulary.
func (m *Model) Tokenizer() (*tokenizer.Tokenizer, error) { return m.tokenizer() }

// With returns the model on the same weights, but run as r says. It is closed
// with m.
func (m *Model) With(r Run) *Model {
	other := *m
	other.Model, other.close = m.Model.With(r), nil
	return &other
}

// CompareParts compares a model that was made from a source with it, part by
// part: see [graph.Model.CompareParts].
func (m *Model) CompareParts(ctx context.Context, source *Model) ([]PartDifference, error) {
	return m.Model.CompareParts(ctx, source.Model)
}
