package validate

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/convert"
	"github.com/f190792d/mq/convert/transform"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/hf"
	"github.com/f190792d/mq/quantize"
)

// reference is what a file is compared with.
type reference struct {
	path    string
	config  *arch.Hyper // what config.json says; nil for a GGUF file
	kvs     gguf.KVs    // as a file of it would have them
	tensors map[string]origin
	order   []string
	note    string // what could not be read

	warnings []string // on what a file cannot express of it

	close func() error
}

// origin gives the rows of a tensor of the source as float32.
type origin struct {
	gguf.Stream
	decode   func(dst []float32, src []byte)
	computed bool // follows from the hyperparameters; no checkpoint has it
}

// openReference opens a checkpoint folder or a GGUF file. A checkpoint is read
// through the converter, as float32; the logits are compared without it.
func openReference(ctx context.Context, path string) (*reference, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("validate: %w", err)
	}
	if info.IsDir() {
		return openCheckpoint(ctx, path)
	}
	f, err := gguf.Open(path)
	if err != nil {
		return nil, err
	}
	r := &reference{path: path, kvs: f.KVs(), tensors: map[string]origin{}, close: f.Close}
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

func openCheckpoint(ctx context.Context, path string) (*reference, error) {
	ckpt, err := hf.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	r := &reference{path: path, tensors: map[string]origin{}, close: ckpt.Close}
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

func (r *reference) put(o origin) {
	r.tensors[o.Name] = o
	r.order = append(r.order, o.Name)
}

// encoder lends the converter the block types.
func encoder(t gguf.Type) (transform.Encoder, bool) {
	typ, ok := quantize.ByID(t)
	return typ.Encode, ok
}
