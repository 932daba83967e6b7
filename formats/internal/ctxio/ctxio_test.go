package ctxio

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
)

// slow cancels after some bytes were read.
type slow struct {
	io.ReaderAt
	after  int64
	cancel context.CancelCauseFunc
}

var errStop = errors.New("stop")

func (s slow) ReadAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) >= s.after {
		s.cancel(errStop)
	}
	return s.ReaderAt.ReadAt(p, off)
}

func TestLongReadsEndWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	p := make([]byte, 5*piece+1)
	r := slow{bytes.NewReader(make([]byte, len(p))), piece + 1, cancel}
	if n, err := ReadAt(ctx, r, p, 0); !errors.Is(err, errStop) || n != 2*piece {
		t.Errorf("%d bytes, %v", n, err)
	}
	if n, err := Bind(ctx, r).ReadAt(p[:1], 0); !errors.Is(err, errStop) || n != 0 {
		t.Errorf("after the end: %d bytes, %v", n, err)
	}
}

func TestReadsAreThoseOfTheReader(t *testing.T) {
	data := make([]byte, 2*piece+3)
	for i := range data {
		data[i] = byte(i * 31)
	}
	r := bytes.NewReader(data)
	for _, c := range []struct{ off, length int }{{0, 0}, {0, 5}, {1, piece}, {1, len(data) - 1}, {1, len(data)}, {piece, 2 * piece}, {len(data), 1}} {
		got, want := make([]byte, c.length), make([]byte, c.length)
		n, err := ReadAt(t.Context(), r, got, int64(c.off))
		m, wantErr := r.ReadAt(want, int64(c.off))
		if n != m || !errors.Is(err, wantErr) || !bytes.Equal(got, want) {
			t.Errorf("%d bytes at %d: %d, %v; want %d, %v", c.length, c.off, n, err, m, wantErr)
		}
	}
}

// remote knows of contexts.
type remote struct{ io.ReaderAt }

func (remote) ReadAtContext(ctx context.Context, _ []byte, _ int64) (int, error) {
	<-ctx.Done()
	return 0, context.Cause(ctx)
}

func TestStalledRemoteReadsAreCancelled(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancelled := make(chan error)
	go func() {
		_, err := ReadAt(ctx, remote{}, make([]byte, 1), 0)
		cancelled <- err
	}()
	cancel(errStop)
	if err := <-cancelled; !errors.Is(err, errStop) {
		t.Error(err)
	}
}
