package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// unheard makes the class of a checkpoint one that nobody knows.
func unheard(t *testing.T, class string) string {
	t.Helper()
	dir := checkpoint(t, class, nil)
	path := filepath.Join(dir, "config.json")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, bytes.ReplaceAll(text, []byte(`["`+class+`"]`), []byte(`["UnheardOfModel"]`)), 0o666); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestAnUnknownClassIsReadAsAKnownOne: the file is that of the known class, the
// provenance says so, and every command that reads the folder can.
func TestAnUnknownClassIsReadAsAKnownOne(t *testing.T) {
	for _, class := range []string{"LlamaForCausalLM", "Gemma2ForCausalLM"} {
		want, _ := converted(t, checkpoint(t, class, nil))
		dir, out := unheard(t, class), filepath.Join(t.TempDir(), "x.gguf")
		code, says := run("convert", dir, "-t", "f32", "-o", out, "--model-name", "x", "--as", class, "--provenance")
		if code != 0 || !strings.Contains(says, "read as "+class+", not as UnheardOfModel") || !strings.Contains(says, "agrees with the source") {
			t.Fatalf("exit %d: %s", code, says)
		}
		if got, err := os.ReadFile(out); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: another file than of the class itself (%v)", class, err)
		}
		if about, err := os.ReadFile(out + ".mq.json"); err != nil || !strings.Contains(string(about), `"as": "`+class+`"`) {
			t.Errorf("%s: the provenance does not say as what it was read (%v): %s", class, err, about)
		}
		text := filepath.Join(t.TempDir(), "text")
		if err := os.WriteFile(text, []byte(strings.Repeat("One day a panda went for a walk. ", 8)), 0o666); err != nil {
			t.Fatal(err)
		}
		quantized := filepath.Join(t.TempDir(), "q.gguf")
		if code, says := run("convert", dir, "-t", "q8_0", "-o", quantized, "--as", class); code != 0 {
			t.Errorf("exit %d: %s", code, says)
		}
		for _, args := range [][]string{
			{"plan", dir}, {"eval", dir, "-f", text, "--ctx", "16"}, {"validate", quantized, "--against", dir, "--rederive"}, {"imatrix", dir, "-f", text, "--ctx", "16", "-o", out + ".imatrix"},
		} {
			if code, says := run(args...); code != 4 || !strings.Contains(says, "class UnheardOfModel is not supported") || !strings.Contains(says, class) || !strings.Contains(says, "--as CLASS") {
				t.Errorf("%q: exit %d: %s", args, code, says)
			}
			if code, says := run(append(args, "--as", class)...); code != 0 {
				t.Errorf("%q --as %s: exit %d: %s", args, class, code, says)
			}
		}
		for _, args := range [][]string{{"inspect", dir}, {"tokenize", dir, "-p", "a"}, {"tokenize", dir, "-p", "a", "--pre", "qwen2"}} {
			if code, says := run(append(args, "--as", class)...); code != 0 {
				t.Errorf("%q --as %s: exit %d: %s", args, class, code, says)
			}
		}
	}
}

// TestAClassThatDoesNotFitIsRefused: what is asked for must have the tensors.
func TestAClassThatDoesNotFitIsRefused(t *testing.T) {
	dir := unheard(t, "Qwen3ForCausalLM")
	for class, want := range map[string]string{
		"LlamaForCausalLM": "4 tensors that architecture llama does not have", "Lama": "class Lama is not supported; the nearest that is: LlamaModel", "GPT2LMHeadModel": "",
	} {
		if code, says := run("plan", dir, "--as", class); code == 0 || !strings.Contains(says, want) {
			t.Errorf("--as %s: exit %d: %s", class, code, says)
		}
	}
}
