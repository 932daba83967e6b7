package main

import (
	"os"
	"strings"
	"testing"
)

// TestMistakesSayWhatToType: a sentence about a mistake holds what was meant.
func TestMistakesSayWhatToType(t *testing.T) {
	t.Setenv("HF_HUB_OFFLINE", "1")
	t.Setenv("HF_HOME", t.TempDir())
	file := t.TempDir() + "/m.gguf"
	if err := os.WriteFile(file, []byte("GGUF"), 0o666); err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]string{
		"convert STORIES -t Q4KM":                           "did you mean q4_k_m?",
		"convert STORIES --target-bpw 4 --target-types q4k": "did you mean q4_k?",
		"convert STORIES --outtype f16":                     "here it is -t TYPE",
		"convert STORIES --outfile x.gguf":                  "here it is -o",
		"convert STORIES --outptu x.gguf":                   "did you mean --output?",
		"convert STORIES --no-verfy":                        "did you mean --no-verify?",
		"quantize STORIES -t q8_0":                          "mq convert ../../testdata/stories-llama -t TYPE",
		"convert FILE":                                      "mq quantize FILE -t TYPE",
		"convert STORIES/model-00001-of-00002.safetensors":  "mq convert ../../testdata/stories-llama'",
		"convert https://example.com/a/b":                   "is not the page of a model of the Hub",
		"convert meta-llama/Llama-3-8B":                     "nor is there a folder meta-llama/Llama-3-8B",
		"convrt STORIES":                                    "convert",
		"quantize FILE -t int8,q4_k_m":                      "did you mean q8_0?",
	} {
		args := strings.Fields(strings.NewReplacer("STORIES", stories, "FILE", file).Replace(line))
		code, _, stderr := mq(t, args...)
		if want := strings.ReplaceAll(want, "FILE", file); code != 2 || !strings.Contains(stderr, want) {
			t.Errorf("mq %s: exit %d, %q does not say %q", line, code, stderr, want)
		}
	}
}

// TestTypesMayStandApart: people put a space after a comma.
func TestTypesMayStandApart(t *testing.T) {
	code, stdout, stderr := mq(t, "convert", "../../testdata/stories-llama", "-t", "q4_k_m, q8_0", "-o", t.TempDir()+"/{type}.gguf", "--dry-run")
	if code != 0 || !strings.Contains(stdout, "Q8_0.gguf") {
		t.Errorf("exit %d, %s", code, stderr)
	}
}
