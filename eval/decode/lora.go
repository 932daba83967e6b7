package decode

import (
	"context"
	"encoding/binary"
	"math"
	"regexp"
	"strings"

	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/hf"
)

// Base is what the names of a model's tensors do not tell of it.
type Base struct {
	Embedding string                 // the tensor that serves as the output matrix too, if any
	Head      string                 // what that is called once an adapter parts them
	Turned    func(name string) bool // whether a tensor has its inputs along the rows
}

// WithAdapters returns tensors as adapters of PEFT leave them: what a layer
// computes with W is x·Wᵀ + scale·(x·Aᵀ)·Bᵀ, which is x·(W + scale·B·A)ᵀ.
// Adapters whose tensors find no other are left to the converter to refuse.
func WithAdapters(tensors []hf.Tensor, adapters []hf.Adapter, base Base) ([]hf.Tensor, error) {
	all, embedding, head := append([]hf.Tensor(nil), tensors...), base.Embedding, base.Head
	for _, adapter := range adapters {
		if embedding != "" && untied(adapter, embedding, head) {
			for _, t := range all {
				if t.Name == embedding {
					t.Name, embedding = head, ""
					all = append(all, t)
					break
				}
			}
		}
		for i, t := range all {
			changed, err := adapted(t, adapter, base)
			if err != nil {
				return nil, err
			}
			all[i] = changed
		}
	}
	return all, nil
}

// untied reports whether an adapter has a copy of the embedding or of the output
// matrix that leaves the other as it is.
func untied(adapter hf.Adapter, embedding, head string) bool {
	has := func(name string) bool {
		module := strings.TrimSuffix(name, ".weight")
		_, plain := ofAdapter(adapter, module, ".weight")
		_, saved := ofAdapter(adapter, module, ".modules_to_save.weight")
		return plain || saved
	}
	if has(head) && !has(embedding) {
		return true
	}
	keeps, _ := adapter.Config().BoolOr("ensure_weight_tying", false)
	list, _ := adapter.Config().Value("modules_to_save")
	modules, _ := list.([]any)
	for _, m := range modules {
		name, _ := m.(string)
		for _, of := range []string{embedding, head} {
			last := name[strings.LastIndexByte(name, '.')+1:]
			if !keeps && has(of) && strings.HasSuffix("."+of, "."+last+".weight") {
				return true
			}
		}
	}
	return false
}

// adapted changes one tensor.
func adapted(t hf.Tensor, adapter hf.Adapter, base Base) (hf.Tensor, error) {
	module, isWeight := strings.CutSuffix(t.Name, ".weight")
	if !isWeight {
		module, _ = strings.CutSuffix(t.Name, ".bias")
	}
	part := func(suffix string) (hf.Tensor, bool) { return ofAdapter(adapter, module, suffix) }
	kind := strings.TrimPrefix(t.Name, module)
	for _, suffix := range []string{kind, ".modules_to_save" + kind, ".base_layer" + kind} {
		if whole, ok := part(suffix); ok {
			whole.Name = t.Name
			t = whole // which factors may change further
		}
	}
	config := adapter.Config()
	key := module
	for _, target := range parametersOf(adapter) {
		if isWeight && strings.HasSuffix("."+renamed(t.Name), "."+target) {
			key = renamed(t.Name)
		}
	}
	scale := scaleOf(adapter, key)
	if b, ok := part(".lora_B.bias"); ok && !isWeight {
		return hf.Computed(t.Name, t.File, t.Shape, func(ctx context.Context, p []byte, first int64) error {
			x, err := values(ctx, t)
			if err != nil {
				return err
			}
			y, err := values(ctx, b)
			if err != nil || len(y) != len(x) {
				return err
			}
			for i := range len(p) / 4 {
				at := first + int64(i)
				binary.LittleEndian.PutUint32(p[4*i:], math.Float32bits(float32(float64(x[at])+scale*float64(y[at]))))
			}
			return nil
		})
	}
	if x, ok := expertsOf(t, adapter, base); ok {
		m := &matrix{t.Shape, x.rows}
		return hf.Computed(t.Name, t.File, t.Shape, m.read)
	}
	a, ok := part(".lora_A.weight")
	b, _ := part(".lora_B.weight")
	turned, _ := config.BoolOr("fan_in_fan_out", false)
	if !ok {
		a, ok = part(".lora_embedding_A")
		b, _ = part(".lora_embedding_B")
		turned = true
	}
	if !ok || !isWeight || len(t.Shape) != 2 || len(a.Shape) != 2 || len(b.Shape) != 2 || a.Shape[0] != b.Shape[1] {
		return t, nil
	}
	if t.DType.Bits() == 8 {
		return t, fault.Op("decode").Folder(adapter.Name()).Tensor(t.Name).Unsupported("an adapter of a matrix of scaled 8-bit floats")
	}
	out, in := b.Shape[0], a.Shape[1]
	if turned && (t.Shape[0] != in || t.Shape[1] != out) || !turned && (t.Shape[0] != out || t.Shape[1] != in) {
		return t, fault.Op("decode").Folder(adapter.Name()).Tensor(t.Name).Corrupt("factors of shape %v and %v do not fit shape %v", a.Shape, b.Shape, t.Shape)
	}
	length, dora := part(".lora_magnitude_vector")
	if !dora {
		length, dora = part(".lora_magnitude_vector.weight")
	}
	cols := t.Shape[1]
	m := &matrix{t.Shape, func(ctx context.Context, dst []float32, first, n int64) error {
		w, err := floatsOf(ctx, t, first*cols, n*cols)
		if err != nil {
			return err
		}
		fa, err := values(ctx, a)
		if err != nil {
			return err
		}
		fb, err := values(ctx, b)
		if err != nil {
			return err
		}
		var norm []float32
		if dora {
			if norm, err = values(ctx, length); err != nil {
				return err
			}
		}
		rank := a.Shape[0]
		for i := range dst {
			row, col := first+int64(i)/cols, int64(i)%cols
			o, k := row, col
			if turned {
				o, k = col, row
			}
			sum := 0.0
			for r := range rank {
				sum += float64(fb[o*rank+r]) * float64(fa[r*in+k])
			}
			dst[i] = float32(float64(w[i]) + scale*sum)
		}
		for r := int64(0); dora && r < n; r++ {
			line, square := dst[r*cols:(r+1)*cols], 0.0
			for _, v := range line {
				square += float64(v) * float64(v)
			}
			for i := range line {
				line[i] = float32(float64(line[i]) * float64(norm[first+r]) / math.Sqrt(square))
			}
		}
		return nil
	}}
	return hf.Computed(t.Name, t.File, t.Shape, m.read)
}

// ofAdapter finds a tensor of an adapter by module and ending; libraries differ
// in what they put before the name of a layer.
func ofAdapter(adapter hf.Adapter, module, suffix string) (hf.Tensor, bool) {
	const wrapper = "base_model.model."
	if t, ok := adapter.Lookup(wrapper + module + suffix); ok {
		return t, true
	}
	for _, t := range adapter.Tensors() {
		name, ok := strings.CutSuffix(strings.TrimPrefix(t.Name, wrapper), suffix)
		if ok && (strings.HasSuffix(name, "."+module) || strings.HasSuffix(module, "."+name)) {
			return t, true
		}
	}
	if now := renamed(module); now != module {
		return ofAdapter(adapter, now, suffix)
	}
	return hf.Tensor{}, false
}

// renamed is what transformers calls a module since its fifth version.
func renamed(name string) string { return strings.Replace(name, ".block_sparse_moe.", ".mlp.", 1) }

// scaleOf is what the product of a module's factors is multiplied with.
func scaleOf(adapter hf.Adapter, module string) float64 {
	config := adapter.Config()
	rank := setting(config, "r", "rank_pattern", module)
	if on, _ := config.BoolOr("use_rslora", false); on {
		rank = math.Sqrt(rank)
	}
	return setting(config, "lora_alpha", "alpha_pattern", module) / rank * adapter.Strength
}

// setting reads a number that patterns may set for single modules.
func setting(config hf.Config, key, patterns, module string) float64 {
	value, err := config.FloatOr(key, 8)
	if set, ok := config.Sub(patterns); ok && err == nil {
		for pattern := range set.Values() {
			re, e := regexp.Compile(`^(.*\.)?(` + pattern + `)$`)
			if v, e2 := set.Float(pattern); e == nil && e2 == nil && re.MatchString(module) {
				value = v
			}
		}
	}
	return value
}

// values reads a whole tensor as float32.
func values(ctx context.Context, t hf.Tensor) ([]float32, error) {
	n := int64(1)
	for _, d := range t.Shape {
		n *= d
	}
	return floatsOf(ctx, t, 0, n)
}

// floatsOf reads n elements from one on.
func floatsOf(ctx context.Context, t hf.Tensor, first, n int64) ([]float32, error) {
	size := int64(t.DType.Bits()) / 8
	raw := make([]byte, n*size)
	if _, err := t.ReadAt(ctx, raw, first*size); err != nil {
		return nil, err
	}
	out := make([]float32, n)
	return out, dtype.ToFloat32(out, raw, t.DType)
}
