package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestJSONFilesAreReadAsPythonReadsThem: what transformers passes over in the
// files of a checkpoint does not stop, or change, a conversion.
func TestJSONFilesAreReadAsPythonReadsThem(t *testing.T) {
	want, _ := converted(t, checkpoint(t, "LlamaForCausalLM", nil))
	inside := func(member string) func(string) string {
		return func(text string) string {
			return "{" + member + ", " + strings.TrimPrefix(strings.TrimSpace(text), "{")
		}
	}
	is := func(text string) func(string) string { return func(string) string { return text } }
	for _, c := range []struct {
		name   string
		change func(string) string
		files  string
		says   string
	}{
		{"infinity", inside(`"time_step_limit": [0.0, Infinity]`), "config.json tokenizer_config.json", ""},
		{"negative infinity", inside(`"a": {"b": -Infinity}`), "config.json tokenizer_config.json", ""},
		{"NaN", inside(`"a": NaN, "NaN": "NaN"`), "config.json tokenizer_config.json", ""},
		{"byte order mark", func(text string) string { return "\xef\xbb\xbf" + text }, "config.json tokenizer_config.json tokenizer.json", ""},
		{"a key twice", inside(`"architectures": ["Unknown"], "eos_token": "unknown"`), "config.json tokenizer_config.json", ""},
		{"windows lines", func(text string) string { return strings.ReplaceAll(text, "\n", "\r\n") }, "config.json tokenizer_config.json tokenizer.json", ""},
		{"infinity", is(`{"max_time": Infinity}`), "generation_config.json", ""},
		{"empty", is(""), "generation_config.json", "generation_config.json: "},
		{"broken", is("{"), "generation_config.json", "generation_config.json: "},
		{"a list", is("[]"), "generation_config.json", "generation_config.json: "},
		{"broken", is("---\na: [\n---\n"), "README.md", "README.md: front matter: "},
		{"pointer", is("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"), "README.md generation_config.json", "run git lfs pull"},
	} {
		for file := range strings.FieldsSeq(c.files) {
			t.Run(file+"/"+c.name, func(t *testing.T) {
				dir := checkpoint(t, "LlamaForCausalLM", nil)
				path := filepath.Join(dir, file)
				text, err := os.ReadFile(path)
				if err != nil && !os.IsNotExist(err) {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(c.change(string(text))), 0o666); err != nil {
					t.Fatal(err)
				}
				got, says := converted(t, dir)
				if !bytes.Equal(got, want) || !strings.Contains(says, c.says) {
					t.Errorf("the file differs, or %q is not said:\n%s", c.says, says)
				}
			})
		}
	}
}

// TestEveryPointerOfGitLFSIsCalledOne: whichever file a clone without Git LFS
// lacks.
func TestEveryPointerOfGitLFSIsCalledOne(t *testing.T) {
	pointer := []byte("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n")
	for _, file := range []string{"config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors", "model.safetensors.index.json", "pytorch_model.bin"} {
		dir := checkpoint(t, "LlamaForCausalLM", nil)
		if strings.HasPrefix(file, "pytorch") || strings.HasSuffix(file, "index.json") {
			if err := os.Remove(filepath.Join(dir, "model.safetensors")); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(filepath.Join(dir, file), pointer, 0o666); err != nil {
			t.Fatal(err)
		}
		code, says := run("convert", dir, "-o", filepath.Join(t.TempDir(), "x.gguf"))
		if code != 5 || !strings.Contains(says, file) || !strings.Contains(says, "this is a Git LFS pointer, not the file itself; run git lfs pull") {
			t.Errorf("%s: exit %d: %s", file, code, says)
		}
	}
}
