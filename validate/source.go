package validate

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/convert"
	"github.com/f190792d/mq/convert/transform"
	"github.com/f190792d/mq/eval/forward"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/hf"
	"github.com/f190792d/mq/quantize"
	"github.com/f190792d/mq/validate/proof"
)

// Source is what files are compared with. Its methods are not for concurrent
// use.
type Source struct {
	path    string
	size    int64                                                          // bytes
	open    func(context.Context, forward.Options) (*forward.Model, error) // the model
	config  *arch.Hyper                                                    // what config.json says; nil for a GGUF file
	kvs     gguf.KVs                                                       // as a file of it would have them
	tensors map[string]origin
	order   []string
	note    string // what could not be read

	warnings []string // on what a file cannot express of it

	model   *proof.Source  // nil until it is needed
	run     *forward.Model // its model
	several bool           // files will be compared with the model

	file io.Closer
}

// Planned is the source of a conversion that is being done: what it writes is
// known, so that files are compared with what the plan says, and with the
// checkpoint's model. Several says that more than one file will be.
func Planned(ckpt *hf.Checkpoint, plan *convert.Plan, several bool) *Source {
	return &Source{path: ckpt.Name(), size: sizeOf(ckpt), open: modelOf(ckpt, plan.Adapters), config: &plan.Hyper, kvs: plan.KVs, warnings: plan.Warnings, several: several}
}

// Close closes what was opened.
func (s *Source) Close() error {
	var errs []error
	if s.run != nil {
		errs = append(errs, s.run.Close())
	}
	if s.file != nil {
		errs = append(errs, s.file.Close())
	}
	return errors.Join(errs...)
}

// OpenModel opens the source's model, as far as a file can express it. What is
// wrong with it is known then, before a file is compared with it.
func (s *Source) OpenModel(ctx context.Context, o Options) (err error) {
	if s.run != nil {
		return nil
	}
	options := o.model(s.size, s.path, 0)
	options.Expressible = true
	if s.run, err = s.open(ctx, options); err != nil {
		s.run = nil
		return err
	}
	s.model = proof.NewSource(s.run, s.several)
	return nil
}

func sizeOf(ckpt *hf.Checkpoint) (size int64) {
	for _, shard := range ckpt.Files() {
		size += shard.Size
	}
	return size
}

func modelOf(ckpt *hf.Checkpoint, adapters []hf.Adapter) func(context.Context, forward.Options) (*forward.Model, error) {
	return func(ctx context.Context, o forward.Options) (*forward.Model, error) {
		o.Adapters = adapters
		return forward.FromCheckpoint(ctx, ckpt, o)
	}
}

// origin gives the rows of a tensor of the source as float32.
type origin struct {
	gguf.Stream
	decode   func(dst []float32, src []byte)
	computed bool // follows from the hyperparameters; no checkpoint has it
}

// OpenSource opens a checkpoint folder or a GGUF file. A checkpoint is read
// through the converter, as float32; the models are compared without it.
func OpenSource(ctx context.Context, path string, files hf.Options) (*Source, error) {
	folder, err := files.IsFolder(path)
	if err != nil {
		return nil, fmt.Errorf("validate: %w", err)
	}
	if folder {
		return openCheckpoint(ctx, path, files)
	}
	f, err := gguf.Open(path)
	if err != nil {
		return nil, err
	}
	r := &Source{path: path, size: f.Size(), kvs: f.KVs(), tensors: map[string]origin{}, file: f}
	r.open = func(ctx context.Context, o forward.Options) (*forward.Model, error) {
		return forward.FromGGUF(ctx, f, o)
	}
	for _, t := range f.Tensors() {
		typ, ok := quantize.ByID(t.Type)
		if !ok {
			f.Close()
			return nil, fault.Op("validate").File(path).Tensor(t.Name).Unsupported("type %s cannot be decoded", t.Type)
		}
		r.put(origin{Stream: f.Stream(t), decode: typ.Dequantize})
	}
	return r, nil
}

func openCheckpoint(ctx context.Context, path string, files hf.Options) (*Source, error) {
	ckpt, err := files.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	r := &Source{path: path, size: sizeOf(ckpt), open: modelOf(ckpt, nil), tensors: map[string]origin{}, file: ckpt}
	options := convert.Options{Type: convert.F32, Encoder: encoder}
	plan, err := convert.NewPlan(ctx, ckpt, options)
	if err != nil {
		options.NoVocabulary = true
		bare, e := convert.NewPlan(ctx, ckpt, options)
		if e != nil {
			ckpt.Close()
			return nil, err
		}
		plan, r.note = bare, err.Error()
	}
	r.config, r.kvs, r.warnings = &plan.Hyper, plan.KVs, plan.Warnings
	for i, s := range plan.Streams {
		typ, ok := quantize.ByID(s.Type) // not F32 where the architecture keeps types
		if !ok {
			ckpt.Close()
			return nil, errors.New("validate: the converter plans " + s.Type.String() + ", which cannot be decoded")
		}
		r.put(origin{Stream: s, decode: typ.Dequantize, computed: len(plan.Sources[i]) == 0})
	}
	return r, nil
}

func (s *Source) put(o origin) {
	s.tensors[o.Name] = o
	s.order = append(s.order, o.Name)
}

// encoder lends the converter the block types.
func encoder(t gguf.Type) (transform.Encoder, bool) {
	typ, ok := quantize.ByID(t)
	return typ.Encode, ok
}
