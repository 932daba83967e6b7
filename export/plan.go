package export

import (
	"context"
	"encoding/json"

	"github.com/f190792d/mq/convert/transform"
	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/safetensors"
)

// Options say what a checkpoint looks like. The zero Options are good.
type Options struct {
	Type     gguf.Type // of matrices; F32, F16 or BF16. Zero, F32, holds every value
	Keep     bool      // matrices of F32, F16 and BF16 keep their type
	MaxShard int64     // bytes of tensors in one file; 0: 5 GB
}

// Plan is a checkpoint that can be written.
type Plan struct {
	Class   string // of config.json
	Config  []byte // config.json
	Tensors []Tensor
	Notes   []string // sentences on what is not written

	tokenizer map[string][]byte // files, by name
	shards    []shard
}

// shard is one file of weights.
type shard struct {
	name    string
	header  []byte
	placed  []safetensors.Tensor
	streams []gguf.Stream
}

// NewPlan makes all checks: the file's architecture has a config.json that
// says the same model, and each of its tensors has a place in the checkpoint.
func NewPlan(ctx context.Context, f *gguf.File, o Options) (*Plan, error) {
	a, h, config, err := describe(ctx, f)
	if err != nil {
		return nil, err
	}
	e := exporter{file: f, arch: a, hyper: h, written: map[string]string{}}
	if err := e.all(ctx); err != nil {
		return nil, err
	}
	p := &Plan{Class: h.Class, Tensors: e.tensors}
	if err := p.lay(f.Name(), o); err != nil {
		return nil, err
	}
	config["dtype"] = names[o.Type]
	if p.Config, err = json.MarshalIndent(config, "", "  "); err != nil {
		return nil, err
	}
	p.Config = append(p.Config, '\n')
	files, note := tokenizerOf(ctx, f.KVs(), p.Config)
	if p.tokenizer = files; note != "" {
		p.Notes = append(p.Notes, note)
	}
	return p, nil
}

// names are the types of weights by their names in config.json.
var names = map[gguf.Type]string{gguf.TypeF32: "float32", gguf.TypeF16: "float16", gguf.TypeBF16: "bfloat16"}

// Bytes returns the size of all weights.
func (p *Plan) Bytes() (n int64) {
	for _, s := range p.shards {
		for _, t := range s.placed {
			n += t.Size
		}
	}
	return n
}

// lay divides the tensors among files.
func (p *Plan) lay(file string, o Options) error {
	if _, ok := names[o.Type]; !ok {
		return fault.Op("export").File(file).Invalid("type %v is none of f32, f16 and bf16", o.Type)
	}
	limit := o.MaxShard
	if limit <= 0 {
		limit = 5e9
	}
	var parts [][]safetensors.Tensor
	streams := map[string]gguf.Stream{}
	size := int64(0)
	for _, t := range p.Tensors {
		info := gguf.TensorInfo{Name: t.Name, Type: o.Type, Shape: reversed(t.Shape)}
		for own, d := range plain {
			if d == t.Rows.DType && (o.Keep || d == dtype.I32) {
				info.Type = own
			}
		}
		if bytes := info.Size(); len(parts) == 0 || size > 0 && size+bytes > limit {
			parts, size = append(parts, nil), bytes
		} else {
			size += bytes
		}
		last := len(parts) - 1
		parts[last] = append(parts[last], safetensors.Tensor{Name: t.Name, DType: plain[info.Type], Shape: t.Shape})
		streams[t.Name] = transform.Stream(info, t.Rows, nil)
	}
	for i := range parts {
		header, placed, err := safetensors.Header(parts[i], map[string]string{"format": "pt"})
		if err != nil {
			return err
		}
		s := shard{name: shardName(i, len(parts)), header: header, placed: placed}
		for _, t := range placed { // in an order of their own
			s.streams = append(s.streams, streams[t.Name])
		}
		p.shards = append(p.shards, s)
	}
	return nil
}
