package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestConversionIntoOllamaKeepsTheBytes: the store holds the file that was
// written, with a template for its conversations.
func TestConversionIntoOllamaKeepsTheBytes(t *testing.T) {
	store := t.TempDir()
	t.Setenv("OLLAMA_MODELS", store)
	out := filepath.Join(t.TempDir(), "m-{type}.gguf")
	code, printed, notes := command(t, "convert", stories, "-t", "q8_0,q4_0", "-o", out, "--no-verify", "--ollama", "me/stories:{type}")
	if code != 0 || !strings.HasSuffix(printed, "m-Q4_0.gguf\n") {
		t.Fatalf("exit %d: %s%s", code, printed, notes)
	}
	for _, kind := range []string{"q8_0", "q4_0"} {
		manifest, err := os.ReadFile(filepath.Join(store, "manifests", "registry.ollama.ai", "me", "stories", kind))
		if err != nil {
			t.Fatal(err)
		}
		for _, layer := range []string{"image.model", "image.template", "image.params"} {
			if !bytes.Contains(manifest, []byte(layer)) {
				t.Errorf("%s: no %s: %s", kind, layer, manifest)
			}
		}
		file, err := os.Stat(strings.ReplaceAll(out, "{type}", strings.ToUpper(kind)))
		if err != nil {
			t.Fatal(err)
		}
		linked := false
		blobs, _ := filepath.Glob(filepath.Join(store, "blobs", "sha256-*"))
		for _, path := range blobs {
			info, err := os.Stat(path)
			linked = linked || err == nil && os.SameFile(info, file)
		}
		if !linked {
			t.Errorf("%s: no blob is the file", kind)
		}
	}
}

func TestNamesOfOllamaAreCheckedBeforeTheWork(t *testing.T) {
	dir := t.TempDir()
	for line, want := range map[string]string{
		"convert STORIES -t q8_0,q4_0 -o DIR/{type}.gguf --ollama x":   "several types need a name with {type}",
		"convert STORIES -t q8_0 -o DIR/a.gguf --ollama a/b/c/d":       "not the name of a model",
		"convert STORIES -o DIR/a.gguf --split-max-size 2M --ollama x": "no effect together",
		"convert STORIES -o DIR/a.gguf --base STORIES --ollama x":      "no effect together",
		"ollama create a b/c/d/e DIR/a.gguf":                           "no such file",
		"ollama create a":                                              "NAME and at least one GGUF file",
		"ollama":                                                       "mq ollama create NAME FILE",
		"ollama craete a b":                                            "",
		"modelfile":                                                    "a GGUF file",
		"ollama create x DIR/a.gguf --num-ctx -1":                      "--num-ctx",
	} {
		line = strings.ReplaceAll(strings.ReplaceAll(line, "STORIES", stories), "DIR", dir)
		if code, _, notes := command(t, strings.Fields(line)...); code != 2 || !strings.Contains(notes, want) {
			t.Errorf("%s: exit %d: %s", line, code, notes)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%d files were written: %v", len(left), err)
	}
}
