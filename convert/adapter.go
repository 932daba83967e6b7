package convert

import (
	"context"
	"slices"

	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/convert/lora"
	"github.com/f190792d/mq/convert/transform"
	"github.com/f190792d/mq/convert/unpack"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/hf"
)

// NewAdapterPlan plans the file of an adapter, which a runtime loads beside
// that of its base model: for each matrix the two factors as F32. A runtime
// multiplies their product with adapter.lora.alpha over the rank; where that is
// not the adapter's own scale, as with use_rslora or patterns, the second factor
// has the rest. It reads no weights.
func NewAdapterPlan(ctx context.Context, base *hf.Checkpoint, from hf.Adapter) (*Plan, error) {
	h, err := arch.FromConfig(base.Config())
	if err != nil {
		return nil, Unknown(ctx, base, fault.Op("convert").Folder(base.Name()).Of(err))
	}
	a, _ := arch.Of(base.Config())
	unpacked, err := unpack.Open(ctx, base)
	if err != nil {
		return nil, err
	}
	pairs, err := lora.Pairs(ctx, unpacked.Tensors, adapted(a, h, sources(unpacked, a, h)), from)
	if err != nil {
		return nil, err
	}
	p := &Plan{Arch: a, Hyper: h, Kind: "adapter", Type: F32}
	alpha := commonAlpha(pairs)
	p.KVs = gguf.KVs{
		{Key: "general.architecture", Value: a.Name},
		{Key: "general.type", Value: p.Kind},
		{Key: "adapter.type", Value: "lora"},
		{Key: "general.name", Value: from.Name()},
		{Key: "general.file_type", Value: uint32(F32)},
		{Key: "adapter.lora.alpha", Value: alpha},
		{Key: "general.quantization_version", Value: quantizationVersion},
	}
	for _, pair := range pairs {
		if err := p.addPair(pair, float64(alpha)); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// commonAlpha is the number that gives most pairs their scale.
func commonAlpha(pairs []lora.Pair) float32 {
	count := map[float32]int{}
	best := float32(0)
	for _, pair := range pairs {
		alpha := float32(pair.Scale * float64(pair.Rank))
		if count[alpha]++; count[alpha] > count[best] && alpha != 0 {
			best = alpha
		}
	}
	if best == 0 {
		return 1
	}
	return best
}

// addPair adds the factors of one matrix, with its transforms.
func (p *Plan) addPair(pair lora.Pair, alpha float64) error {
	canonical := p.Arch.Canonical(pair.Name, p.Hyper)
	template, at, _ := p.Arch.Names().Match(canonical)
	computes := func(op arch.Op) bool { return !slices.Contains(factorOps, op.Kind) }
	found := false
	for _, t := range p.Arch.Tensors {
		if t.Source != template || t.Target == "" || !t.In(p.Hyper, at.Layer) {
			continue
		}
		if len(t.More) > 0 || t.PerExpert() || slices.ContainsFunc(t.Ops, computes) {
			return fault.Op("convert").Tensor(pair.Name).Unsupported("its factors cannot follow the transforms of the matrix; merge the adapter into its base model")
		}
		found = true
		b := pair.B
		if rest := float32(pair.Scale * float64(pair.Rank) / alpha); rest != 1 {
			b = transform.Map(b, func(x float32) float32 { return x * rest })
		}
		b, shape := Apply(t.Ops, p.Hyper, at.Layer, b, []int64{b.Count, b.Columns})
		name := at.Fill(t.Target)
		p.factor(name+".lora_a", pair.A, []int64{pair.A.Count, pair.A.Columns}, pair.Name)
		p.factor(name+".lora_b", b, shape, pair.Name)
	}
	if !found {
		return fault.Op("convert").Tensor(pair.Name).Unsupported("a file of %s has no such matrix", p.Arch.Name)
	}
	return nil
}

// factorOps are the transforms that act on the rows of a matrix, and so on
// those of its second factor alone.
var factorOps = []arch.OpKind{arch.RopePermute, arch.Part, arch.Slice}

func (p *Plan) factor(name string, r transform.Rows, shape []int64, source string) {
	ne := slices.Clone(shape)
	slices.Reverse(ne)
	p.Streams = append(p.Streams, transform.Stream(gguf.TensorInfo{Name: name, Type: gguf.TypeF32, Shape: ne}, r, nil))
	p.Sources = append(p.Sources, []string{source})
}

// adapted is what merging an adapter asks of a model.
func adapted(a arch.Arch, h arch.Hyper, all []source) lora.Model {
	m := lora.Model{Turned: func(name string) bool {
		template, _, _ := arch.Template(a.Canonical(name, h))
		return slices.ContainsFunc(a.Tensors, func(t arch.Tensor) bool {
			return t.Source == template && slices.ContainsFunc(t.Ops, func(op arch.Op) bool { return op.Kind == arch.Transpose })
		})
	}}
	embedding, head := a.TiedNames()
	if at := slices.IndexFunc(all, func(s source) bool { return s.canonical == embedding }); at >= 0 && h.Tied && !headless(all) {
		m.Embedding, m.Head = all[at].name, head
	}
	return m
}
