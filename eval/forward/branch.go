package forward

import (
	"context"
	"slices"

	"github.com/f190792d/mq/formats/fault"
)

// Branches runs a prefix once and several continuations of it, each blind to
// the others. It calls emit with the logits after the prefix, as branch -1,
// then with those of each position of each branch that is not empty.
func (m *Model) Branches(ctx context.Context, prefix []int32, branches [][]int32,
	emit func(branch, position int, logits []float32) error) error {
	if len(prefix) == 0 {
		return fault.Usage("forward: %s: continuations need a prefix of at least one token", m.name)
	}
	kept := make([]state, len(m.layers))
	err := m.pass(ctx, prefix, []span{{tokens: len(prefix), state: kept}}, len(prefix)-1,
		func(_, position int, logits []float32) error { return emit(-1, position, logits) })
	if err != nil {
		return err
	}
	var tokens []int32
	var spans []span
	for _, b := range branches {
		own := make([]state, len(kept))
		for l := range own {
			own[l] = kept[l].clone()
		}
		spans = append(spans, span{first: len(tokens), tokens: len(b), past: len(prefix), state: own})
		tokens = append(tokens, b...)
	}
	return m.pass(ctx, tokens, spans, 0, func(branch, position int, logits []float32) error {
		return emit(branch, len(prefix)+position, logits)
	})
}

// clone copies a state, so that two sequences can go on from it.
func (s *state) clone() state {
	return state{slices.Clone(s.k), slices.Clone(s.v), slices.Clone(s.memory), slices.Clone(s.index), slices.Clone(s.conv), s.long.clone(), s.short.clone()}
}
