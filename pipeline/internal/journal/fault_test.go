package journal

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/f190792d/mq/convert"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/hf"
	"github.com/f190792d/mq/quantize"
)

// faultyFS is a folder in which one file fails in its middle, when it is
// armed.
type faultyFS struct {
	fs.FS
	file  string
	from  int64 // the first byte that cannot be read
	short bool  // the file ends there; else the device fails
	armed atomic.Bool
}

func (f *faultyFS) Open(name string) (fs.File, error) {
	file, err := f.FS.Open(name)
	if err != nil || name != f.file {
		return file, err
	}
	return &faultyFile{file.(*os.File), f}, nil
}

type faultyFile struct {
	*os.File
	fs *faultyFS
}

func (f *faultyFile) ReadAt(p []byte, off int64) (int, error) {
	if !f.fs.armed.Load() || off+int64(len(p)) <= f.fs.from {
		return f.File.ReadAt(p, off)
	}
	n, err := f.File.ReadAt(p[:max(0, f.fs.from-off)], off)
	if err == nil {
		if err = io.EOF; !f.fs.short {
			err = &fs.PathError{Op: "read", Path: f.fs.file, Err: syscall.EIO}
		}
	}
	return n, err
}

func TestFaultsInTheMiddleOfAShard(t *testing.T) {
	const shard = "model-00002-of-00002.safetensors"
	for _, c := range []struct {
		name    string
		short   bool
		class   error
		resumes bool
	}{
		{"read error", false, fault.ErrIO, true},
		{"short read", true, fault.ErrCorrupt, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			folder := &faultyFS{FS: os.DirFS("../../../testdata/stories-llama"), file: shard, from: 1_234_567, short: c.short}
			dir := t.TempDir()
			job := conversionOf(t, folder, dir)
			folder.armed.Store(true)
			err := job.Run(context.Background())
			if !errors.Is(err, c.class) || !strings.Contains(err.Error(), shard) || !strings.Contains(err.Error(), "tensor") {
				t.Fatalf("error %v", err)
			}
			unnamed(t, dir)
			if !c.resumes {
				same(t, nil, contents(t, dir))
				return
			}
			folder.armed.Store(false)
			job = conversionOf(t, folder, dir)
			job.Resume = true
			if err := job.Run(context.Background()); err != nil {
				t.Fatal(err)
			}
			whole := t.TempDir()
			if err := conversionOf(t, folder, whole).Run(context.Background()); err != nil {
				t.Fatal(err)
			}
			same(t, contents(t, whole), contents(t, dir))
		})
	}
}

// conversionOf plans a checkpoint as Q4_K_M.
func conversionOf(t *testing.T, folder fs.FS, dir string) *Job {
	t.Helper()
	ckpt, err := hf.OpenFS(t.Context(), folder, "model")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ckpt.Close() })
	plan, err := convert.NewPlan(t.Context(), ckpt, convert.Options{Type: convert.Auto})
	if err != nil {
		t.Fatal(err)
	}
	var infos []gguf.TensorInfo
	for _, s := range plan.Streams {
		infos = append(infos, s.TensorInfo)
	}
	recipe, err := quantize.ParseRecipe("Q4_K_M")
	if err != nil {
		t.Fatal(err)
	}
	q, err := quantize.NewPlan(plan.KVs, infos, quantize.Options{Recipe: recipe})
	if err != nil {
		t.Fatal(err)
	}
	return &Job{
		Sources: plan.Streams, Targets: []Target{{Path: filepath.Join(dir, "out.gguf"), Plan: q}},
		Source: CheckpointSource(ckpt), Version: "v1", Unchanged: ckpt.Unchanged, Workers: 2, Memory: 4 << 20,
	}
}
