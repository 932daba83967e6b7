package gguf

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/f190792d/mq/internal/shared"
)

// goldenFiles returns real files of the shared material.
func goldenFiles(t *testing.T) []string {
	var files []string
	for _, pattern := range []string{"golden/*/*.gguf", "data/models/stories260K/*.gguf", "data/tokenizers/ggml-vocab/*.gguf"} {
		matches, err := filepath.Glob(filepath.Join(shared.Path(t), pattern))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, matches...)
	}
	if len(files) == 0 {
		t.Skip("large test material has no GGUF files")
	}
	return files
}

func TestRewritesRealFilesByteForByte(t *testing.T) {
	for _, path := range goldenFiles(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			f, err := Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			plan, err := NewPlan(f.KVs(), f.Tensors())
			if err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			w, err := NewWriter(&out, plan)
			if err != nil {
				t.Fatal(err)
			}
			for _, info := range f.Tensors() {
				if err := w.WriteTensor(info.Name, f.Section(info)); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if f.Version() == 2 {
				want[4] = 3
			}
			if len(f.Tensors()) == 0 { // the reference converter does not pad a bare header, ggml does
				want = append(want, make([]byte, pad(int64(len(want)), DefaultAlignment)-int64(len(want)))...)
			}
			if !bytes.Equal(out.Bytes(), want) {
				t.Errorf("%d bytes written differ from the %d of the file", out.Len(), len(want))
			}
			if out.Len() != int(plan.TotalSize()) {
				t.Errorf("plan says %d bytes, %d written", plan.TotalSize(), out.Len())
			}
			if err := f.Contiguous(); err != nil {
				t.Error(err)
			}
		})
	}
}
