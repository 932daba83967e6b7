package quantize

import (
	"context"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
)

// A Plan is a quantized file before any data are read: which tensor gets
// which type and where its bytes go.
type Plan struct {
	Recipe  Recipe
	Tensors []Choice     // in the order of the output
	Files   []*gguf.Plan // one, or with KeepSplit one for each file of the source

	Summary  Summary
	Coverage *Coverage // nil without an importance matrix
}

// A Choice is what the plan decided for one tensor.
type Choice struct {
	Info   gguf.TensorInfo // in the output: name, type, shape and offset
	Source int             // index of the tensor in the source
	From   gguf.Type       // type in the source
	File   int             // index in Plan.Files

	// Wanted is the type before the length of the rows was considered. It
	// differs from Info.Type where a fallback was necessary.
	Wanted gguf.Type

	index   int      // in the tensors of its file
	weights *weights // nil where the tensor is quantized without
	rows    Rows     // nil: quantized from the source
}

// Rows gives the bytes of a tensor of an output, from a row on.
type Rows func(ctx context.Context, dst []byte, first int64) error

// Supply makes [Run] take the rows of a tensor from elsewhere, where they have
// been made from the same source in another way.
func (p *Plan) Supply(name string, rows Rows) {
	for i := range p.Tensors {
		if p.Tensors[i].Info.Name == name {
			p.Tensors[i].rows = rows
		}
	}
}

// Fallback reports whether the rows do not fit the type that was wanted.
func (c Choice) Fallback() bool { return c.Wanted != c.Info.Type }

// Converts reports whether the data change; they are copied otherwise.
func (c Choice) Converts() bool { return c.From != c.Info.Type }

// planner holds what choosing types needs from one tensor to the next.
type planner struct {
	Options
	model     *model
	tied      bool // token_embd.weight serves as output too
	valueLike int  // number of tensors with a value projection
	seen      map[role]int
}

// NewPlan decides the type of every tensor of a source with the given header,
// be it a GGUF file or a checkpoint on its way through the converter. The
// types, the order of tensors and key-values and so every byte are those that
// llama-quantize v0.5.0 gives. Everything that can be wrong with the options
// is found here, before data are read.
func NewPlan(kvs gguf.KVs, tensors []gguf.TensorInfo, o Options) (*Plan, error) {
	if o.Recipe.Name == "" {
		return nil, fault.Op("quantize").Invalid("no recipe is given")
	}
	p := &planner{Options: o, model: readModel(kvs, o.KVs), tied: true, seen: map[role]int{}}
	choices, layers := outline(tensors, o)
	for _, c := range choices {
		switch r := roleOf(c.Info.Name); {
		case r&valueLike != 0:
			p.valueLike++
		case r == output:
			p.tied = false
		}
	}
	for i := range choices {
		if err := p.choose(&choices[i]); err != nil {
			return nil, err
		}
	}

	plan := &Plan{Recipe: o.Recipe, Tensors: choices}
	if o.Importance != nil {
		var err error
		if plan.Coverage, err = o.Importance.attach(choices, tensors); err != nil {
			return nil, err
		}
	}
	for i := range choices {
		if p.uncovered(&choices[i], tensors) {
			plan.Coverage.Replaced = append(plan.Coverage.Replaced, choices[i].Info.Name)
		}
		if err := p.check(&choices[i]); err != nil {
			return nil, err
		}
	}
	if err := plan.place(outputKVs(kvs, tensors, o, layers), o.KeepSplit); err != nil {
		return nil, err
	}
	plan.summarize(func(i int) gguf.TensorInfo { return tensors[i] })
	return plan, nil
}

// choose sets the type of one tensor.
func (p *planner) choose(c *Choice) error {
	if p.Recipe.copies {
		return nil
	}
	want, dedicated, err := p.want(c)
	if err != nil {
		return err
	}
	to, ok := want, true
	if !dedicated {
		to, ok = fitting(want, c.Info.Columns())
	}
	columns := c.Info.Columns()
	switch {
	case !ok || columns%int64(to.BlockLen()) != 0:
		return fault.Op("quantize").Tensor(c.Info.Name).Unsupported("row length %d is not a multiple of the %s block length %d, and no other type is defined for that", columns, want, want.BlockLen())
	case to != want && p.NoFallback:
		return fault.Op("quantize").Tensor(c.Info.Name).Kind(ErrFallback).Unsupported("row length %d is not a multiple of the %s block length %d, and the fallback to %s is ruled out", columns, want, want.BlockLen(), to)
	}
	c.Wanted, c.Info.Type = want, to
	return nil
}

// want returns the type that one tensor should have. Types from a dedicated
// option do not give way to the shape.
func (p *planner) want(c *Choice) (to gguf.Type, dedicated bool, err error) {
	if p.Like != nil {
		if t, ok := p.Like.types[c.Info.Name]; ok {
			return t, true, nil
		}
	}
	name, r := c.Info.Name, roleOf(c.Info.Name)
	if !quantizable(c.Info) || p.LeaveOutput && r == output {
		return c.From, true, nil
	}
	override, named := firstMatch(p.Overrides, name)
	if r == tokenEmbd && p.EmbedType != nil && !(named && name == perLayerTokenEmbd) {
		return *p.EmbedType, true, nil
	}
	if r == output && p.OutputType != nil {
		return *p.OutputType, true, nil
	}
	switch {
	case !p.Recipe.Default.Quantized():
		return p.Recipe.Default, false, nil
	case named:
		return override, false, nil
	case p.Pure:
		return p.Recipe.Default, false, nil
	case r == tokenEmbd && p.tied && p.OutputType != nil:
		return *p.OutputType, false, nil
	}
	s, err := p.site(c, r)
	if err != nil {
		return 0, false, err
	}
	return p.Recipe.mix(s), false, nil
}

// site places a tensor among its like. Tensors that options have decided are
// not counted.
func (p *planner) site(c *Choice, r role) (*site, error) {
	if r == tokenEmbd && p.tied {
		r = output
	}
	s := &site{role: r, shape: c.Info.Shape, model: p.model, imatrix: p.Importance != nil}
	class := r
	switch {
	case r&valueLike != 0:
		class, s.n = valueLike, p.valueLike
	case r&(ffnUp|ffnGate|ffnDown) != 0:
		s.n = p.model.layers
	}
	s.i = p.seen[class]
	p.seen[class]++

	// With experts there is more than one such tensor to a layer.
	if r&(ffnUp|ffnGate|ffnDown) != 0 && p.model.experts > 1 && !p.Recipe.alone {
		layer, ok := layerOf(c.Info.Name)
		if !ok || layer >= p.model.layers {
			return nil, fault.Op("quantize").Tensor(c.Info.Name).Corrupt("its name does not say which of the %d layers it belongs to", p.model.layers)
		}
		s.i = layer
	}
	return s, nil
}

// check refuses what cannot be computed.
func (p *planner) check(c *Choice) error {
	if !c.Converts() {
		return nil
	}
	name, from, to := c.Info.Name, c.From, c.Info.Type
	source, readable := ByID(from)
	target, writable := ByID(to)
	switch {
	case !readable || source.Dequantize == nil || !from.Quantized() && !isFloat(from):
		return fault.Op("quantize").Tensor(name).Unsupported("a source of type %s cannot be quantized", from)
	case !writable || target.Quantize == nil || !to.Quantized() && !isFloat(to):
		return fault.Op("quantize").Tensor(name).Unsupported("type %s cannot be written", to)
	case from.Quantized() && !p.AllowRequantize:
		return fault.Op("quantize").Tensor(name).Kind(ErrQuantized).Unsupported("the source is quantized as %s already; a second time would lose more quality", from)
	case c.weights == nil && p.needsWeights(name, target):
		if p.Importance == nil {
			return fault.Op("quantize").Tensor(name).Kind(ErrNoImportance).Invalid("type %s requires an importance matrix", to)
		}
		return fault.Op("quantize").Tensor(name).Kind(ErrUncovered).Invalid("type %s requires importance weights, and %s has none for it", to, p.Importance.File)
	}
	return nil
}

// uncovered gives a tensor that requires weights and lies in a prediction layer,
// which no collection reaches, the type that takes the place of its own where
// rows are short: it requires none. A type that was asked for stays.
func (p *planner) uncovered(c *Choice, source []gguf.TensorInfo) bool {
	name := source[c.Source].Name
	layer, ok := layerOf(name)
	_, named := firstMatch(p.Overrides, name)
	if p.Importance == nil || c.weights != nil || !c.Converts() || named || !ok || layer < p.model.body || layer >= p.model.layers {
		return false
	}
	replaced := false
	for t, ok := ByID(c.Info.Type); ok && p.needsWeights(name, t) && t.Fallback != gguf.TypeF32; t, ok = ByID(c.Info.Type) {
		to, _ := fitting(t.Fallback, c.Info.Columns())
		c.Wanted, c.Info.Type, replaced = to, to, true
	}
	return replaced
}

// needsWeights reports whether the tensor would be useless in the type without
// importance weights. Embeddings and the output matrix bear more.
func (p *planner) needsWeights(name string, to Type) bool {
	if to.NeedsWeights {
		return true
	}
	if roleOf(name)&(output|tokenEmbd) != 0 {
		return false
	}
	return to.WantsWeights || p.Recipe.wants && to.ID == p.Recipe.Default
}

func isFloat(t gguf.Type) bool {
	return t == gguf.TypeF32 || t == gguf.TypeF16 || t == gguf.TypeBF16
}
