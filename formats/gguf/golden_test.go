package gguf

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"

	"github.com/f190792d/mq/internal/shared"
	"github.com/google/go-cmp/cmp"
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
				if err := w.WriteTensor(info.Name, f.Section(t.Context(), info)); err != nil {
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

// The digests are of the parts that gguf-split v0.5.0 wrote with
// --split-max-size 2M.
func TestSplitsAsTheReference(t *testing.T) {
	f, err := Open(shared.Path(t, "golden", "stories", "stories-llama-BF16.gguf"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	plans, err := Split(f, SplitOptions{MaxSize: 2e6})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, plan := range plans {
		h := sha256.New()
		if err := Copy(context.Background(), h, plan, f, nil); err != nil {
			t.Fatal(err)
		}
		got = append(got, hex.EncodeToString(h.Sum(nil)))
	}
	want := []string{
		"9ce78f79240859ec2cf2447237bd1b50de10112df5988cfc2c5d1dc02bb828d2",
		"96ebaff346322af6b7ac937907e49c5d03c13f56e9f8640c3eb0930576edb2b0",
		"e3f0106d3de60094f46721040640e4b86a9cc77c787c20e02fe5dafcfdf8fc2a",
		"222014bb7ce776a2e4ae491ad7e152f278133bf7bf0d51cf60f97236100a6dc6",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
