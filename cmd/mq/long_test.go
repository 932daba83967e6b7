package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestFilesOfOptionsHaveALimit: a file that is too long is refused before it is
// read, whichever option names it.
func TestFilesOfOptionsHaveALimit(t *testing.T) {
	long := filepath.Join(t.TempDir(), "long")
	f, err := os.Create(long)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Truncate(1<<32), f.Close()); err != nil {
		t.Skipf("this file system has no holes: %v", err)
	}
	dir := checkpoint(t, "LlamaForCausalLM", nil)
	out := filepath.Join(t.TempDir(), "x.gguf")
	jobs := filepath.Join(t.TempDir(), "jobs.yaml")
	if err := os.WriteFile(jobs, []byte("models:\n- path: "+dir+"\n  types: [q8_0]\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"convert", dir, "-t", "q8_0", "-o", out, "--tensor-type-file", long},
		{"convert", dir, "-t", "q8_0", "-o", out, "--imatrix-from", long},
		{"convert", dir, "--target-bpw", "24", "-o", out, "--sensitivity", long},
		{"eval", "--perplexity", dir, "-f", long},
		{"eval", "--hellaswag", dir, "-f", long},
		{"imatrix", dir, "-f", long, "-o", out},
		{"tokenize", dir, "-f", long},
		{"batch", long},
		{"batch", jobs, "--state", long},
	} {
		begin := time.Now()
		code, says := run(args...)
		if code != 2 || !strings.Contains(says, "is longer than") || time.Since(begin) > 5*time.Second {
			t.Errorf("%s: exit %d in %v: %.300s", args, code, time.Since(begin), says)
		}
	}
}
