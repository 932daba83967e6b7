package graph

import (
	"context"
	"slices"

	"github.com/f190792d/mq/formats/fault"
)

// Session is a sequence that grows: it keeps keys and values of every layer,
// so that appended tokens cost only themselves.
type Session struct {
	m     *Model
	state []state
	past  int
}

// NewSession starts an empty sequence.
func (m *Model) NewSession() *Session {
	return &Session{m: m, state: make([]state, len(m.layers))}
}

// Len returns the number of tokens so far.
func (s *Session) Len() int { return s.past }

// Append runs tokens after those of earlier calls and returns the logits
// after the last one: [Vocabulary()].
func (s *Session) Append(ctx context.Context, tokens ...int32) ([]float32, error) {
	if len(tokens) == 0 {
		return nil, fault.Op("forward").Invalid("no tokens to append")
	}
	if err := s.m.grows(); err != nil {
		return nil, err
	}
	out := make([]float32, s.m.out.vocab)
	spans := []span{{tokens: len(tokens), past: s.past, state: s.state}}
	err := s.m.pass(ctx, tokens, spans, len(tokens)-1, s.m.emitting(func(_, _ int, logits []float32) error {
		copy(out, logits)
		return nil
	}))
	if err != nil {
		return nil, err
	}
	s.past += len(tokens)
	return out, nil
}

// grows refuses to continue sequences where later positions change earlier
// ones.
func (m *Model) grows() error {
	if m.full {
		return fault.Op("forward").File(m.name).Invalid("its positions see later ones, so a sequence cannot be continued")
	}
	return nil
}

// Branches runs a prefix once and several continuations of it, each blind to
// the others, and returns the log-probability of every token of each.
func (m *Model) Branches(ctx context.Context, prefix []int32, branches [][]int32) ([][]float64, error) {
	if len(prefix) == 0 {
		return nil, fault.Op("forward").File(m.name).Invalid("continuations need a prefix of at least one token")
	}
	if err := m.grows(); err != nil {
		return nil, err
	}
	var begun []int // branches that have a first token
	for i, b := range branches {
		if len(b) > 0 {
			begun = append(begun, i)
		}
	}
	result := make([][]float64, len(branches))
	kept := make([]state, len(m.layers))
	err := m.pass(ctx, prefix, []span{{tokens: len(prefix), state: kept}}, len(prefix)-1, func(r *run, x []float32, rows []outputRow) error {
		rows = slices.Repeat(rows, len(begun))
		return m.foretell(r, x, rows, result, func(i int) (int, int32) { return begun[i], branches[begun[i]][0] })
	})
	if err != nil {
		return nil, err
	}
	var tokens []int32
	var spans []span
	for _, i := range begun {
		own := make([]state, len(kept))
		for l := range own {
			own[l] = kept[l].clone()
		}
		b := branches[i][:len(branches[i])-1] // what follows the last is not asked
		spans = append(spans, span{first: len(tokens), tokens: len(b), past: len(prefix), state: own})
		tokens = append(tokens, b...)
	}
	return result, m.pass(ctx, tokens, spans, 0, func(r *run, x []float32, rows []outputRow) error {
		return m.foretell(r, x, rows, result, func(i int) (int, int32) {
			branch := begun[rows[i].span]
			return branch, branches[branch][rows[i].row+1]
		})
	})
}

// Sessions are sequences that grow together, a token at a time.
type Sessions struct {
	m     *Model
	state [][]state
	past  int
}

// NewSessions starts some empty sequences.
func (m *Model) NewSessions(count int) *Sessions {
	s := &Sessions{m: m, state: make([][]state, count)}
	for i := range s.state {
		s.state[i] = make([]state, len(m.layers))
	}
	return s
}

// Append runs one more token of each sequence and calls emit with the logits
// after it, in their order.
func (s *Sessions) Append(ctx context.Context, tokens []int32, emit func(sequence int, logits []float32) error) error {
	if err := s.m.grows(); err != nil {
		return err
	}
	spans := make([]span, len(tokens))
	for i := range spans {
		spans[i] = span{first: i, tokens: 1, past: s.past, state: s.state[i]}
	}
	err := s.m.pass(ctx, tokens, spans, 0, s.m.emitting(func(i, _ int, logits []float32) error { return emit(i, logits) }))
	s.past++
	return err
}
