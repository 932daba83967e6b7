package unpack

import (
	"context"
	"slices"
	"strings"

	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/hf"
)

// A codec reads the matrices that one method writes.
type codec struct {
	methods []string      // of hf.Quantization; nil: any
	main    string        // how the name of the tensor with the codes ends
	types   []dtype.DType // that it may have; nil: any
	with    []string      // endings of tensors of which one must be beside it; nil: none
	parts   []string      // endings of all tensors that may be beside it
	plain   string        // ending of the name of the weight that they make up
	open    func(m *module) (Tensor, error)
}

// codecs holds every method that is read. The first row that fits decides.
var codecs = slices.Concat(gptqCodecs, awqCodecs, compressedCodecs, sparseCodecs, mlxCodecs, bnbCodecs, hqqCodecs, tensorCodecs, fourBitCodecs, scaledCodecs)

// idle end the names of tensors that only a quantized runtime needs.
var idle = []string{
	".activation_scale", "_activation_scale", ".input_scale", ".output_scale", ".k_scale", ".v_scale", ".q_scale", ".qscale_act",
	".k_proj.output_scale", ".v_proj.output_scale", ".input_global_scale", ".input_zero_point", ".weight_format",
}

// find looks for the codec of a tensor. One that would fit but for the tensors
// beside it is returned as lacking.
func find(t hf.Tensor, method string, ckpt *hf.Checkpoint) (found *codec, prefix string, lacking []*codec) {
	for i := range codecs {
		c := &codecs[i]
		prefix, ok := strings.CutSuffix(t.Name, c.main)
		beside := func(suffix string) bool {
			_, ok := ckpt.Lookup(prefix + suffix)
			return ok
		}
		switch {
		case !ok, c.types != nil && !slices.Contains(c.types, t.DType):
		case c.methods != nil && method != "" && !slices.Contains(c.methods, method):
		case c.with != nil && !slices.ContainsFunc(c.with, beside):
			lacking = append(lacking, c)
		default:
			return c, prefix, nil
		}
	}
	return nil, "", lacking
}

// lonely are tensors with codes and without what these mean.
type lonely struct {
	tensor  hf.Tensor
	lacking []*codec
}

// check reports codes that are whole numbers, or whose like have scales in the
// same checkpoint.
func (l lonely) check(used map[*codec]int) error {
	for _, c := range l.lacking {
		if c.types == nil || l.tensor.DType.Float() && used[c] == 0 {
			continue
		}
		prefix := strings.TrimSuffix(l.tensor.Name, c.main)
		return fault.Op("unpack").File(l.tensor.File).Tensor(l.tensor.Name).Corrupt("%q is missing, without which its codes mean nothing", prefix+c.with[len(c.with)-1])
	}
	return nil
}

// Open finds the quantized matrices of a checkpoint and checks the shapes of
// the tensors that they consist of. It reads no weights.
func Open(ctx context.Context, ckpt *hf.Checkpoint) (*Checkpoint, error) {
	method, quantized := ckpt.Quantization()
	method = plainly(method)
	out := &Checkpoint{Method: method}
	if quantized {
		if err := refuse(ckpt, method); err != nil {
			return nil, err
		}
	}
	tiles, strips := newTiles(tileBudget), newStrips(stripBudget)
	made, used := map[string]Tensor{}, map[string]bool{}
	byCodec, alone := map[*codec]int{}, []lonely(nil)
	for _, t := range ckpt.Tensors() {
		c, prefix, lacking := find(t, method.Method, ckpt)
		if c == nil {
			if lacking != nil {
				alone = append(alone, lonely{t, lacking})
			}
			continue
		}
		byCodec[c]++
		m := &module{ctx: ctx, ckpt: ckpt, method: method, codec: c, prefix: prefix, name: prefix + c.plain, main: t, tiles: tiles, strips: strips}
		for _, suffix := range c.parts {
			if part, ok := ckpt.Lookup(prefix + suffix); ok {
				m.also = append(m.also, part.Name)
				used[part.Name] = true
			}
		}
		if other, twice := ckpt.Lookup(m.name); twice && other.Name != t.Name {
			return nil, m.corrupt("%q stands beside it: the matrix is there twice", other.Name)
		}
		w, err := c.open(m)
		if err != nil {
			return nil, err
		}
		w.Name, w.File, w.Stored, w.Also = m.name, t.File, t.DType, m.also
		if m.name != t.Name {
			w.Also = append([]string{t.Name}, w.Also...)
		}
		made[t.Name] = w
		out.Quantized++
	}
	for _, l := range alone {
		if err := l.check(byCodec); err != nil && quantized {
			return nil, err
		}
	}
	for _, t := range ckpt.Tensors() {
		w, ok := made[t.Name]
		switch {
		case ok:
			out.Tensors = append(out.Tensors, w)
		case used[t.Name]:
		case out.Quantized > 0 && isIdle(t.Name):
		default:
			out.Tensors = append(out.Tensors, plain(t))
		}
	}
	return out, contradiction(ckpt, method, byCodec)
}

// plainly names the method whose layout AutoRound wrote, which packs for
// others. Zero points are stored less one where that is AutoGPTQ.
func plainly(q hf.Quantization) hf.Quantization {
	if q.Method != "auto-round" && q.Method != "intel/auto-round" {
		return q
	}
	packing := strings.TrimPrefix(text(q.Config, "packing_format"), "auto_round:")
	switch {
	case strings.Contains(packing, "awq"):
		q.Method = "awq"
	case strings.Contains(packing, "llm_compressor"), strings.HasPrefix(packing, "fp8"), strings.HasPrefix(packing, "nv"), strings.HasPrefix(packing, "mx"):
		q.Method = "compressed-tensors"
	default:
		q.Method = "gptq"
		if packing == "auto_round" || packing == "gptqmodel" {
			q.Format = "gptq_v2"
		}
	}
	return q
}

func isIdle(name string) bool {
	return slices.ContainsFunc(idle, func(suffix string) bool { return strings.HasSuffix(name, suffix) })
}

// Reads reports whether a method of [hf.Quantization] is among those that
// codecs are for.
func Reads(method string) bool {
	return slices.ContainsFunc(codecs, func(c codec) bool { return slices.Contains(c.methods, method) })
}

// alien are methods that have codecs of their own and store in no other way.
var alien = []string{"gptq", "awq", "mlx", "bitsandbytes", "hqq", "quanto", "torchao"}

// contradiction reports a configuration that declares a method none of whose
// tensors are there.
func contradiction(ckpt *hf.Checkpoint, method hf.Quantization, found map[*codec]int) error {
	wrong := fault.Op("unpack").Folder(ckpt.Name())
	own := false
	for c := range found {
		own = own || c.methods == nil || slices.Contains(c.methods, method.Method)
		if c.methods == nil && slices.Contains(alien, method.Method) {
			return wrong.Corrupt("%s declares %s, but tensors such as those ending in %q are of another method", method.Source, method.Name(), c.main+c.with[0])
		}
	}
	if own || method.Config.Values() == nil || !Reads(method.Method) || strings.HasPrefix(method.Format, "float") || method.Format == "dense" {
		return nil
	}
	for _, t := range ckpt.Tensors() {
		if !t.DType.Float() || t.DType.Bits() < 16 {
			return nil // what they are shows where they find no template
		}
	}
	return wrong.Corrupt("%s declares %s, but every tensor holds plain floats", method.Source, method.Name())
}
