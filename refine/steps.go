package refine

import (
	"context"
	"errors"
	"slices"

	"github.com/f190792d/mq/eval/forward"
)

// A step is a part of the way through a model.
type step struct {
	// run runs a group from the stream x on, which it changes.
	run    func(ctx context.Context, m *forward.Model, g *group, x []float32) error
	passes bool // what it leaves in x is where the next step begins
}

// steps are those of the models: layer by layer, and of a layer the parts, or
// where that cannot be, all at once.
func (w *walk) steps() []step {
	if !w.passable {
		return []step{{run: func(ctx context.Context, m *forward.Model, g *group, _ []float32) error {
			return m.Batch(ctx, g.chunks, 0, forget)
		}}}
	}
	list := []step{{passes: true, run: func(ctx context.Context, m *forward.Model, g *group, x []float32) error {
		return m.Enter(ctx, g.chunks, x)
	}}}
	for layer := range w.File.Layers() {
		parts := w.File.Parts(layer)
		if w.Source.Parts(layer) != parts {
			parts = 1
		}
		for part := range parts {
			list = append(list, step{passes: true, run: func(ctx context.Context, m *forward.Model, g *group, x []float32) error {
				if parts == 1 {
					return m.Pass(ctx, layer, g.chunks, x)
				}
				return m.PassPart(ctx, layer, part, g.chunks, x)
			}})
		}
	}
	return append(list, step{run: func(ctx context.Context, m *forward.Model, g *group, x []float32) error {
		return m.Leave(ctx, g.chunks, x, forget)
	}})
}

// forget takes logits that nobody wants.
func forget(int, int, []float32) error { return nil }

// A stage is some tensors that multiply the same.
type stage struct {
	tensors []*Tensor
	experts bool
	streams bool  // the product is added to the residual stream
	ends    bool  // and that ends the step
	pool    *pool // what its experts multiply
}

// has reports whether the stage has one of some weights.
func (s *stage) has(weights []forward.Weight) bool {
	return slices.ContainsFunc(weights, func(w forward.Weight) bool {
		return slices.ContainsFunc(s.tensors, func(t *Tensor) bool { return t.Name == w.Name })
	})
}

// few tokens show which tensors a step uses.
const few = 64

// stages runs a step, with some tokens, to see which tensors it uses, in order.
func (w *walk) stages(ctx context.Context, s step) ([]*stage, error) {
	var list []*stage
	known := map[string]bool{}
	some := w.groups[0].chunks[0]
	g := &group{chunks: [][]int32{some[:min(few, len(some))]}, tokens: min(few, len(some))}
	x, err := w.stream(g, false)
	if err != nil {
		return nil, err
	}
	how := w.File.Run()
	how.Inspect = func(in forward.Input) error {
		one := &stage{streams: in.Stream != nil && len(in.Weights) == 1}
		for _, weight := range in.Weights {
			if t := w.named[weight.Name]; t != nil && !known[t.Name] && t.Columns == in.Cols {
				known[t.Name] = true
				one.tensors = append(one.tensors, t)
				one.experts = one.experts || weight.Experts > 0
			}
		}
		one.ends = s.passes && in.Last && one.streams && len(one.tensors) == 1 && !one.experts
		if len(one.tensors) > 0 {
			list = append(list, one)
		}
		return nil
	}
	return list, s.run(ctx, w.File.With(how), g, x)
}

// watch runs a step of the source or the file for what it multiplies. Where it
// passes, the stream after the step is kept, and returned.
func (w *walk) watch(ctx context.Context, file bool, s step, g *group, passes bool, inspect func(forward.Input) error) ([]float32, error) {
	x, err := w.stream(g, file)
	if err != nil {
		return nil, err
	}
	m := w.model(file)
	how := m.Run()
	how.Inspect = inspect
	err = s.run(ctx, m.With(how), g, x)
	if errors.Is(err, errSeen) {
		return nil, nil
	}
	if err != nil || !passes {
		return nil, err
	}
	return x, w.keep(g, file, x)
}

// inputs returns what a stage multiplies, by expert, and the stream after the
// step if that is passed.
func (w *walk) inputs(ctx context.Context, file bool, s step, stage *stage, g *group, passes bool) (map[int]forward.Input, []float32, error) {
	found := map[int]forward.Input{}
	out, err := w.watch(ctx, file, s, g, passes, func(in forward.Input) error {
		if !stage.has(in.Weights) {
			return nil
		}
		e := in.Weights[0].Expert
		if _, again := found[e]; !again {
			in.X, in.Stream, in.Rows = slices.Clone(in.X), slices.Clone(in.Stream), slices.Clone(in.Rows)
			found[e] = in
		}
		if stage.experts || passes {
			return nil
		}
		return errSeen
	})
	return found, out, err
}
