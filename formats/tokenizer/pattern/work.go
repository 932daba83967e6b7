package pattern

import (
	"context"

	"github.com/f190792d/mq/formats/fault"
)

// Work bounds what one text may take: it counts steps, so that no pattern and
// no vocabulary of a hostile file can keep the process, and it asks the context
// often enough that an interrupt ends the work at once. Patterns in use take
// fewer than ten steps a byte, whole tokenizers fewer than a hundred.
type Work struct {
	ctx  context.Context // nil for none
	left int             // steps
	ask  int             // the context is asked when so many are left
	err  error
}

const (
	freeSteps    = 1 << 20
	stepsPerByte = 1 << 8
	askEvery     = 1 << 13
)

// NewWork begins the work on a text of size bytes.
func NewWork(ctx context.Context, size int) *Work {
	w := Bounded(size)
	w.ctx = ctx
	return w
}

// Bounded begins the work on a short text of the vocabulary's own, such as a
// token: the count of steps alone ends it.
func Bounded(size int) *Work {
	w := &Work{left: freeSteps + stepsPerByte*size}
	w.ask = w.left
	return w
}

// Spend takes steps away. It reports whether the work goes on; once it does
// not, it never does again.
func (w *Work) Spend(steps int) bool {
	if w.left -= steps; w.left > w.ask {
		return true
	}
	return w.checkpoint()
}

func (w *Work) checkpoint() bool {
	switch {
	case w.err != nil:
	case w.ctx != nil && w.ctx.Err() != nil:
		w.err = context.Cause(w.ctx)
	case w.left < 0:
		w.err = fault.Op("tokenizer").Unsupported("cutting this text up takes more steps than any vocabulary in use")
	default:
		w.ask = max(w.left-askEvery, 0)
		return true
	}
	w.left, w.ask = -1, 0
	return false
}

// Err says why the work ended early, or is nil.
func (w *Work) Err() error { return w.err }
