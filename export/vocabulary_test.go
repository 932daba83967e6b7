package export

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/f190792d/mq/convert"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/hf"
	"github.com/f190792d/mq/formats/tokenizer"
	"github.com/f190792d/mq/internal/tiny"
)

// TestTokenizersGiveTheIdsOfTheFile reads what is exported by the rules of the
// tokenizers library and holds it to the file's by llama.cpp's.
func TestTokenizersGiveTheIdsOfTheFile(t *testing.T) {
	dir := t.TempDir()
	if err := tiny.Write(dir, "Qwen2ForCausalLM", 9); err != nil {
		t.Fatal(err)
	}
	f := vocabularyOf(t, dir)
	plan, err := NewPlan(t.Context(), f, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if plan.Notes != nil {
		t.Error(plan.Notes)
	}
	back := filepath.Join(t.TempDir(), "back")
	if err := plan.Write(t.Context(), back, nil); err != nil {
		t.Fatal(err)
	}
	again, err := hf.Open(t.Context(), back)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	file, err := tokenizer.OpenJSON(again)
	if err != nil {
		t.Fatal(err)
	}
	config, err := again.ReadFile("tokenizer_config.json")
	if err != nil {
		t.Fatal(err)
	}
	got, err := file.Tokenizer(config)
	if err != nil {
		t.Fatal(err)
	}
	want, err := tokenizer.FromGGUF(f.KVs())
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"", "Once upon a time", " it's 12345\n\n  тест", "<|im_start|>user<|im_end|>x", "café 🙂\t日本語"} {
		o := tokenizer.Options{AddSpecial: true, ParseSpecial: true}
		a, err := want.Encode(t.Context(), text, o)
		if err != nil {
			t.Fatal(err)
		}
		b, err := got.Encode(t.Context(), text, o)
		if err != nil || !slices.Equal(a, b) {
			t.Errorf("%q becomes %v, want %v: %v", text, b, a, err)
		}
	}
	second := vocabularyOf(t, back)
	for _, key := range []string{"tokenizer.ggml.tokens", "tokenizer.ggml.merges"} {
		a, _ := f.KVs().Strings(key)
		b, _ := second.KVs().Strings(key)
		if len(a) == 0 || !slices.Equal(a, b) {
			t.Errorf("%s: %d strings, want %d", key, len(b), len(a))
		}
	}
}

// TestTokenizersThatAreNotWrittenAreNamed changes what a file says of its own.
func TestTokenizersThatAreNotWrittenAreNamed(t *testing.T) {
	dir := t.TempDir()
	if err := tiny.Write(dir, "Qwen2ForCausalLM", 9); err != nil {
		t.Fatal(err)
	}
	f := vocabularyOf(t, dir)
	for key, value := range map[string]string{"tokenizer.ggml.pre": "bailingmoe", "tokenizer.ggml.model": "llama"} {
		kvs := slices.Clone(f.KVs())
		kvs.Set(key, value)
		if files, note := tokenizerOf(t.Context(), kvs, []byte("{}")); files != nil || !strings.Contains(note, value) || !strings.Contains(note, "not written") {
			t.Errorf("%s %s: %d files, says %q", key, value, len(files), note)
		}
	}
}

// vocabularyOf converts a folder with its vocabulary.
func vocabularyOf(t *testing.T, dir string) *gguf.File {
	t.Helper()
	return convertedWith(t, dir, "vocabulary", convert.Options{Type: convert.F32, ForQuantizer: true})
}
