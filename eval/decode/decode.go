package decode

import (
	"context"
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/hf"
)

// A matrix computes rows of weights.
type matrix struct {
	shape []int64
	rows  func(ctx context.Context, dst []float32, first, n int64) error
}

// A decoder recognizes the tensor with the codes of a matrix.
type decoder struct {
	suffix string // of the name of that tensor
	beside string // suffix of a tensor that must be beside it; empty: none
	weight string // suffix of the matrix's own name
	open   func(p *parts) (*matrix, error)
}

// decoders are tried in turn, below the methods of quantization that they
// are for.
var decoders = map[string][]decoder{
	"gptq":               {{".qweight", ".scales", ".weight", gptq}},
	"awq":                {{".qweight", ".scales", ".weight", awq}},
	"mlx":                {{".weight", ".scales", ".weight", mlx}},
	"compressed-tensors": {{".weight_packed", ".weight_shape", ".weight", packQuantized}, {".weight_packed", ".weight_scale", ".weight", fourBit}, {".weight", ".weight_scale", ".weight", naive}, {".compressed", ".bitmask", ".weight", bitmask}},
	"modelopt":           {{".weight", ".weight_scale_2", ".weight", fourBit}},
	"bitsandbytes":       {{".weight", ".weight", ".weight", bitsandbytes}},
	"hqq":                {{".W_q", ".shape", ".weight", hqq}},
	"quanto":             {{".weight._data", ".weight._scale", ".weight", bytes8}},
	"torchao":            {{"._weight_qdata", "._weight_scale", ".weight", bytes8}},
	"mxfp4":              {{"_blocks", "_scales", "_blocks", fourBit}},
}

// parts are the tensors of one matrix.
type parts struct {
	ctx    context.Context
	files  *hf.Checkpoint
	config hf.Config // of the quantization
	prefix string
	codes  hf.Tensor
}

// Tensors lists the tensors of a checkpoint with those of quantized matrices
// replaced by the matrices themselves. Matrices that the forward pass decodes
// by itself, scaled 8-bit floats, stay as they are.
func Tensors(ctx context.Context, files *hf.Checkpoint) ([]hf.Tensor, error) {
	q, _ := files.Quantization()
	method := q.Method
	if packing := word(q.Config, "packing_format", ""); strings.HasSuffix(method, "auto-round") {
		for _, of := range []struct{ part, method string }{{"", "gptq"}, {"awq", "awq"}, {"llm_compressor", "compressed-tensors"}} {
			if strings.Contains(packing, of.part) {
				method = of.method
			}
		}
	}
	list, ok := decoders[method]
	if !ok {
		return files.Tensors(), nil
	}
	var all []hf.Tensor
	opened := &recent{}
	for _, t := range files.Tensors() {
		made, err := open(ctx, files, q.Config, list, t, opened)
		if err != nil {
			return nil, err
		}
		all = append(all, made)
	}
	return all, nil
}

// open makes the matrix of a tensor with codes, or returns another as it is.
// What is checked by opening it is kept for as long as few others are read.
func open(ctx context.Context, files *hf.Checkpoint, config hf.Config, list []decoder, t hf.Tensor, opened *recent) (hf.Tensor, error) {
	for _, d := range list {
		prefix, ok := strings.CutSuffix(t.Name, d.suffix)
		if _, beside := files.Lookup(prefix + d.beside); !ok || !beside {
			continue
		}
		m, err := d.open(&parts{ctx, files, config, prefix, t})
		if err != nil || m == nil {
			return t, err
		}
		again := func(ctx context.Context) (*matrix, error) { return d.open(&parts{ctx, files, config, prefix, t}) }
		return hf.Computed(prefix+d.weight, t.File, m.shape, func(ctx context.Context, p []byte, first int64) error {
			m, err := opened.get(ctx, t.Name, again)
			if err != nil {
				return err
			}
			return m.read(ctx, p, first)
		})
	}
	return t, nil
}

// read fills p with weights from one on.
func (m *matrix) read(ctx context.Context, p []byte, first int64) error {
	if len(p) == 0 {
		return nil
	}
	cols := m.shape[len(m.shape)-1]
	last := first + int64(len(p))/4 - 1
	from, to := first/cols, last/cols+1
	values := make([]float32, (to-from)*cols)
	if err := m.rows(ctx, values, from, to-from); err != nil {
		return err
	}
	for i, v := range values[first-from*cols : last+1-from*cols] {
		binary.LittleEndian.PutUint32(p[4*i:], math.Float32bits(v))
	}
	return nil
}

// recent keeps the matrices that were read last, with their scales.
type recent struct {
	sync.Mutex
	list []named // the last used at the end
}

type named struct {
	name string
	*matrix
}

// kept is how many matrices keep their scales in memory.
const kept = 16

func (r *recent) get(ctx context.Context, name string, open func(context.Context) (*matrix, error)) (*matrix, error) {
	r.Lock()
	defer r.Unlock()
	at := slices.IndexFunc(r.list, func(n named) bool { return n.name == name })
	if at >= 0 {
		m := r.list[at]
		r.list = append(slices.Delete(r.list, at, at+1), m)
		return m.matrix, nil
	}
	m, err := open(ctx)
	if err != nil {
		return nil, err
	}
	if len(r.list) == kept {
		r.list = slices.Delete(r.list, 0, 1)
	}
	r.list = append(r.list, named{name, m})
	return m, nil
}

// wrong says that the parts do not fit together.
func (p *parts) wrong() error {
	return fault.Op("decode").File(p.codes.File).Tensor(p.codes.Name).Corrupt("its shape %v does not fit its scales", p.codes.Shape)
}

// numbers reads a whole tensor as float32; nil where it is missing.
func (p *parts) numbers(suffix string) ([]float32, []int64, error) {
	t, ok := p.files.Lookup(p.prefix + suffix)
	if !ok {
		return nil, nil, nil
	}
	raw := make([]byte, t.Size)
	if _, err := t.ReadAt(p.ctx, raw, 0); err != nil {
		return nil, nil, err
	}
	v := make([]float32, len(raw)*8/t.DType.Bits())
	switch t.DType {
	case dtype.I32:
		for i := range v {
			v[i] = float32(int32(binary.LittleEndian.Uint32(raw[4*i:])))
		}
		return v, t.Shape, nil
	case dtype.I64:
		for i := range v {
			v[i] = float32(int64(binary.LittleEndian.Uint64(raw[8*i:])))
		}
		return v, t.Shape, nil
	case dtype.I8:
		for i := range v {
			v[i] = float32(int8(raw[i]))
		}
		return v, t.Shape, nil
	case dtype.U8:
		for i := range v {
			v[i] = float32(raw[i])
		}
		return v, t.Shape, nil
	}
	return v, t.Shape, dtype.ToFloat32(v, raw, t.DType)
}

// bytes reads a whole tensor; nil where it is missing.
func (p *parts) bytes(suffix string) ([]byte, error) {
	t, ok := p.files.Lookup(p.prefix + suffix)
	if !ok {
		return nil, nil
	}
	raw := make([]byte, t.Size)
	_, err := t.ReadAt(p.ctx, raw, 0)
	return raw, err
}

// number reads a setting.
func number(c hf.Config, key string, otherwise int64) int64 {
	n, err := c.IntOr(key, otherwise)
	if err != nil {
		return otherwise
	}
	return n
}

// word reads a setting.
func word(c hf.Config, key, otherwise string) string {
	s, err := c.StringOr(key, otherwise)
	if err != nil {
		return otherwise
	}
	return s
}
