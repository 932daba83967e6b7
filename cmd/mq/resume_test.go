package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/f190792d/mq/internal/tiny"
)

// TestResumeHoldsAFinishedFileToItsSourceAndToItself: size, header and times
// prove nothing.
func TestResumeHoldsAFinishedFileToItsSourceAndToItself(t *testing.T) {
	for _, cached := range []bool{true, false} {
		t.Setenv("XDG_CACHE_HOME", t.TempDir())
		dir := checkpoint(t, "LlamaForCausalLM", nil)
		weights, out := filepath.Join(dir, "model.safetensors"), filepath.Join(t.TempDir(), "x.gguf")
		resume := func(code int, says string) {
			t.Helper()
			if !cached {
				t.Setenv("XDG_CACHE_HOME", t.TempDir())
			}
			if got, text := run("convert", dir, "-t", "q8_0", "-o", out, "--resume"); got != code || !strings.Contains(text, says) {
				t.Errorf("cached %v: exit %d, want %d and %q: %s", cached, got, code, says, text)
			}
		}
		resume(0, "")
		whole, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		resume(0, "")

		changed := append([]byte(nil), whole...)
		changed[len(changed)-20] ^= 4
		rewrite(t, out, changed)
		if cached {
			resume(5, "not those that were written; --force replaces it")
		} else {
			resume(2, "not what this source and these options give")
		}
		rewrite(t, out, whole)
		resume(0, "")

		if err := tiny.Edit(dir, func(f *tiny.Files) { f.Tensor("model.layers.0.mlp.up_proj.weight").Data[6] ^= 8 }); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(weights, time.Time{}, time.Unix(1, 0)); err != nil {
			t.Fatal(err)
		}
		resume(2, "not what this source and these options give")
		if b, _ := os.ReadFile(out); string(b) != string(whole) {
			t.Error("the output was changed")
		}
	}
}

// rewrite changes a file in place and leaves its time of writing.
func rewrite(t *testing.T, path string, data []byte) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(path, data, 0o666), os.Chtimes(path, time.Time{}, info.ModTime())); err != nil {
		t.Fatal(err)
	}
}
