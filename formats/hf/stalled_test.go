package hf

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/f190792d/mq/formats/fault"
)

func TestReadErrorsKeepTheirClass(t *testing.T) {
	for _, c := range []struct{ err, class error }{{errors.New("device failed"), fault.ErrIO}, {io.EOF, fault.ErrCorrupt}} {
		on := false
		files := fstest.MapFS{"config.json": text("{}"), "model.safetensors": weightFile(t, "a")}
		checkpoint, err := OpenFS(t.Context(), faulty{files, c.err, &on}, "m")
		if err != nil {
			t.Fatal(err)
		}
		tensor, _ := checkpoint.Lookup("a")
		on = true
		if _, err := tensor.ReadAt(t.Context(), make([]byte, 1), 0); !errors.Is(err, c.class) || !strings.Contains(err.Error(), `model.safetensors: tensor "a"`) {
			t.Errorf("%v became %v", c.err, err)
		}
	}
}

// stalled serves files whose reads wait for their context once it is on.
type stalled struct {
	fstest.MapFS
	on *bool
}

func (f stalled) Open(name string) (fs.File, error) {
	file, err := f.MapFS.Open(name)
	if err != nil || name == "." {
		return file, err
	}
	return stalledFile{file, f.on}, nil
}

type stalledFile struct {
	fs.File
	on *bool
}

func (f stalledFile) ReadAt(p []byte, off int64) (int, error) {
	return 0, errors.New("read without a context")
}

func (f stalledFile) ReadAtContext(ctx context.Context, p []byte, off int64) (int, error) {
	if *f.on {
		<-ctx.Done()
		return 0, errors.New("connection closed")
	}
	return f.File.(io.ReaderAt).ReadAt(p, off)
}

func TestStalledReadsEndWithTheContextAndItsCause(t *testing.T) {
	on, stop := true, errors.New("stop")
	files := stalled{fstest.MapFS{"config.json": text("{}"), "model.safetensors": weightFile(t, "a")}, &on}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(stop)
	if _, err := OpenFS(ctx, files, "m"); !errors.Is(err, stop) || errors.Is(err, fault.ErrCorrupt) || errors.Is(err, fault.ErrIO) {
		t.Errorf("while it is opened: %v", err)
	}
	on = false
	checkpoint, err := OpenFS(t.Context(), files, "m")
	if err != nil {
		t.Fatal(err)
	}
	on = true
	tensor, _ := checkpoint.Lookup("a")
	ctx, cancel = context.WithCancelCause(t.Context())
	time.AfterFunc(10*time.Millisecond, func() { cancel(stop) })
	if _, err := tensor.ReadAt(ctx, make([]byte, 1), 0); !errors.Is(err, stop) {
		t.Errorf("while a tensor is read: %v", err)
	}
}

// stalledFS is a network that is down.
type stalledFS struct{ fstest.MapFS }

func (stalledFS) ReadFileContext(ctx context.Context, _ string) ([]byte, error) {
	<-ctx.Done()
	return nil, errors.New("connection closed")
}

func TestStalledSmallFilesEndWithTheContextAndItsCause(t *testing.T) {
	stop := errors.New("stop")
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(10*time.Millisecond, func() { cancel(stop) })
	files := fstest.MapFS{"config.json": text("{}"), "model.safetensors": weightFile(t, "a")}
	if _, err := OpenFS(ctx, stalledFS{files}, "m"); !errors.Is(err, stop) {
		t.Errorf("while it is opened: %v", err)
	}
	checkpoint, err := OpenFS(t.Context(), files, "m")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := checkpoint.WithContext(ctx).ReadFile("config.json"); !errors.Is(err, stop) {
		t.Errorf("after the end: %v", err)
	}
	if _, err := checkpoint.ReadFile("config.json"); err != nil {
		t.Errorf("without a context: %v", err)
	}
}
