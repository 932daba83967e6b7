package graph

import (
	"context"

	"github.com/f190792d/mq/formats/fault"
)

// Layers returns the number of layers.
func (m *Model) Layers() int { return len(m.layers) }

// Passable reports whether sequences can pass layer by layer: nothing but one
// residual stream goes from one to the next.
func (m *Model) Passable() bool { return m.head == nil && !m.shares && m.byLayer == nil }

// Width returns the number of elements of a position in the residual stream.
func (m *Model) Width() int { return m.width }

// Enter fills x, [tokens, Width()], with what tokens of sequences put into the
// residual stream.
func (m *Model) Enter(ctx context.Context, sequences [][]int32, x []float32) error {
	return m.alone(ctx, sequences, func(r *run) error { return m.lookup(r, x) })
}

// Pass runs the residual stream of sequences through one layer, in place.
func (m *Model) Pass(ctx context.Context, layer int, sequences [][]int32, x []float32) error {
	return m.alone(ctx, sequences, func(r *run) error {
		_, err := m.layers[layer].pass(r, layer, x, m.width, func(x []float32) []float32 { return x })
		return err
	})
}

// Parts returns in how many parts a layer can be passed: two where its mixer
// and its feed-forward network follow each other.
func (m *Model) Parts(layer int) int {
	if l := m.layers[layer]; !l.parallel && l.mix != nil && l.feed != nil {
		return 2
	}
	return 1
}

// PassPart runs the residual stream of sequences through a part of a layer, in
// place.
func (m *Model) PassPart(ctx context.Context, layer, part int, sequences [][]int32, x []float32) error {
	l := m.layers[layer]
	switch {
	case m.Parts(layer) == 1:
		return m.Pass(ctx, layer, sequences, x)
	case part == 0:
		return m.alone(ctx, sequences, func(r *run) error { return l.mixing(r, layer, x, m.width, true) })
	}
	return m.alone(ctx, sequences, func(r *run) error {
		if err := l.feeding(r, x, m.width); err != nil {
			return err
		}
		return l.finish(r, layer, x, m.width)
	})
}

// Leave computes the logits of all positions and hands them out as
// [Model.Batch] does.
func (m *Model) Leave(ctx context.Context, sequences [][]int32, x []float32, emit func(sequence, position int, logits []float32) error) error {
	if m.out.w == nil {
		return nil
	}
	return m.alone(ctx, sequences, func(r *run) error {
		var rows []outputRow
		for i, s := range r.spans {
			for row := range s.tokens {
				rows = append(rows, outputRow{i, row, s.first + row})
			}
		}
		return m.emitting(emit)(r, x, rows)
	})
}

// alone runs a step of a pass that does without the others.
func (m *Model) alone(ctx context.Context, sequences [][]int32, step func(r *run) error) error {
	if !m.Passable() {
		return fault.Op("forward").File(m.name).Unsupported("its layers cannot be run one by one")
	}
	tokens, spans := m.spansOf(sequences)
	r := m.begin(ctx, tokens, spans)
	defer m.free.Give(r.memory)
	return step(r)
}
