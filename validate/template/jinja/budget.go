package jinja

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// What a rendering may take. Every value that grows is paid for before it is
// made, whether it is kept or not.
const (
	maxBytes  = 24 << 20 // of texts and lists, beyond the size of the variables
	maxSteps  = 4 << 20  // expressions, characters looked at in blocks of 64
	maxTime   = 1500 * time.Millisecond
	maxCalls  = 100 // macros and loops that call each other
	maxDepth  = 250 // values within values, where they are walked
	maxFrames = 5000
	maxRange  = 100_000
	stepBytes = 4 // that a step counts for
	watched   = 1 << 10
)

// ErrRaised is the error of a template that calls raise_exception.
var ErrRaised = errors.New("the template raises an exception")

// failure carries an error up to Parse and Render.
type failure struct{ err error }

// fail ends parsing. Rendering adds the line itself.
func fail(line int, format string, args ...any) {
	err := fmt.Errorf(format, args...)
	if line > 0 {
		err = fmt.Errorf("line %d: %w", line, err)
	}
	panic(failure{err})
}

// recovered turns a failure into an error.
func recovered(err *error) {
	switch p := recover().(type) {
	case nil:
	case failure:
		*err = p.err
	default:
		panic(p)
	}
}

// budget is what is left of a rendering's means.
type budget struct {
	ctx      context.Context
	deadline time.Time
	bytes    int
	steps    int
	calls    int
	depth    int
	nesting  int
	look     int // steps until the clock is looked at
}

// work pays for n steps.
func (b *budget) work(n int) {
	b.steps -= n
	if b.look -= n; b.steps >= 0 && b.look > 0 {
		return
	}
	b.look = watched
	switch {
	case b.steps < 0:
		fail(0, "the rendering takes more than %d steps", maxSteps)
	case b.ctx.Err() != nil:
		panic(failure{context.Cause(b.ctx)})
	case time.Now().After(b.deadline):
		fail(0, "the rendering takes longer than %v", maxTime)
	}
}

// scan pays for looking through n bytes.
func (b *budget) scan(n int) { b.work(1 + n/64) }

// grow pays for n bytes that are to be allocated.
func (b *budget) grow(n int) {
	if n > b.bytes {
		fail(0, "the rendering needs more than %d MiB", maxBytes>>20)
	}
	b.bytes -= n
	b.scan(n)
}

// times pays for n values of size bytes.
func (b *budget) times(size, n int) int {
	if size > 0 && n > b.bytes/size {
		b.grow(b.bytes + 1)
	}
	b.grow(size * n)
	return n
}

// items pays for a list of n items.
func (b *budget) items(n int) []any {
	return make([]any, 0, b.times(16, n))
}

// deeper counts expressions and statements within each other.
func (b *budget) deeper() {
	if b.nesting++; b.nesting > maxFrames {
		fail(0, "the template is nested too deep")
	}
}

// down counts how deep a walk through values is; up is to be called afterwards.
func (b *budget) down() {
	b.work(1)
	if b.depth++; b.depth > maxDepth {
		fail(0, "values are nested more than %d deep", maxDepth)
	}
}

func (b *budget) up() { b.depth-- }
