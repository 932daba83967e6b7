package hub

import (
	"context"
	"errors"
	"io"
	"time"
)

// errStalled ends a body of which nothing comes.
var errStalled = errors.New("no data received in time")

// watched is a body whose reads end when nothing is received for the client's
// timeout.
func (c *Client) watched(body io.ReadCloser, cancel context.CancelCauseFunc) io.ReadCloser {
	return &watchedBody{body, time.AfterFunc(c.o.Timeout, func() { cancel(errStalled) }), c}
}

type watchedBody struct {
	io.ReadCloser
	timer  *time.Timer
	client *Client
}

func (w *watchedBody) Read(p []byte) (int, error) {
	n, err := w.ReadCloser.Read(p)
	if n > 0 {
		w.timer.Reset(w.client.o.Timeout)
		if w.client.o.Fetched != nil {
			w.client.o.Fetched(n)
		}
	}
	return n, err
}

func (w *watchedBody) Close() error {
	w.timer.Stop()
	return w.ReadCloser.Close()
}

// cmpCause returns the cause of a context that ended, else err.
func cmpCause(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}
