// Package transfer is how content gets to a server and what to do when it does
// not: bodies that count what is sent and notice when nothing is taken any
// more, and the time to wait before another attempt.
package transfer

import (
	"bytes"
	"io"
	"sync"
	"time"

	"github.com/f190792d/mq/formats/progress"
)

// Sending counts what was sent of a file, by several requests at once.
type Sending struct {
	mu     sync.Mutex
	at     progress.Report
	report progress.Func
}

// NewSending begins to count from a report on.
func NewSending(at progress.Report, report progress.Func) *Sending {
	return &Sending{at: at, report: report}
}

// Add counts bytes; a negative number takes those of a failed attempt back.
func (s *Sending) Add(n int64) {
	if n == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at.Done += n
	s.report.Report(s.at)
}

// Body is the body of one request, whose length is known.
type Body struct {
	size int64
	sent *Sending

	mu    sync.Mutex
	r     io.Reader
	taken int64
	moved func()
}

// Attempts makes a body for each attempt of a request. What an attempt before
// has sent counts no more.
func Attempts(open func() io.Reader, size int64, sent *Sending) func() io.Reader {
	var last *Body
	return func() io.Reader {
		last.Forget()
		last = &Body{size: size, sent: sent, r: open()}
		return last
	}
}

// Size is the length of the whole body.
func (b *Body) Size() int64 { return b.size }

func (b *Body) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n, err := b.r.Read(p)
	b.taken += int64(n)
	b.sent.Add(int64(n))
	if b.moved != nil {
		b.moved()
	}
	return n, err
}

// Watch calls stalled when nothing more is taken of the body for a while. Once
// all of it is, the answer has a time of its own.
func (b *Body) Watch(timeout time.Duration, stalled func()) (stop func()) {
	timer := time.AfterFunc(timeout, stalled)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.moved = func() {
		if b.taken == b.size {
			timer.Stop()
		} else {
			timer.Reset(timeout)
		}
	}
	return func() { timer.Stop() }
}

// Forget ends a body whose attempt failed: nothing of it was sent.
func (b *Body) Forget() {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sent.Add(-b.taken)
	b.r, b.moved, b.taken = bytes.NewReader(nil), nil, 0
}
