package forward

import (
	"context"

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

// Append runs tokens behind those of earlier calls and returns the logits
// after the last one: [Vocabulary()].
func (s *Session) Append(ctx context.Context, tokens ...int32) ([]float32, error) {
	if len(tokens) == 0 {
		return nil, fault.Usage("forward: no tokens to append")
	}
	out := make([]float32, s.m.vocab)
	spans := []span{{tokens: len(tokens), past: s.past, state: s.state}}
	err := s.m.pass(ctx, tokens, spans, len(tokens)-1, func(_, _ int, logits []float32) error {
		copy(out, logits)
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.past += len(tokens)
	return out, nil
}
