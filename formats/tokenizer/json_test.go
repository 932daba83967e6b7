package tokenizer

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"testing"
	"time"

	"github.com/f190792d/mq/internal/shared"
)

// readMaybeGzip reads a file of the large test material, unpacked.
func readMaybeGzip(t testing.TB, elem ...string) []byte {
	t.Helper()
	raw, err := os.ReadFile(shared.Path(t, elem...))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.HasPrefix(raw, []byte{0x1F, 0x8B}) {
		zr, err := gzip.NewReader(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		if raw, err = io.ReadAll(zr); err != nil {
			t.Fatal(err)
		}
	}
	return raw
}

func TestStoriesTokenizerGivesKnownIDs(t *testing.T) {
	file, err := os.ReadFile("../../testdata/stories-llama/tokenizer.json")
	if err != nil {
		t.Fatal(err)
	}
	tok, err := FromJSON(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	ids := tok.Encode(readShared(t, "data", "text", "stories-heldout.txt"), Options{ParseSpecial: true})
	if len(ids) != 60480 || digest(ids) != "8e15045a353a966a0d9abb7d987d52364fccccbabcee2aee10be1454330093ab" {
		t.Errorf("got %d tokens", len(ids))
	}
}

func TestTemp(t *testing.T) {
	text := readShared(t, "data", "text", "wiki.test.raw")
	for _, name := range []string{"deepseek_v3/tokenizer.json", "gemma3/tokenizer.json.gz", "gptoss/tokenizer.json.gz", "llama2/tokenizer.json", "llama3_1/tokenizer.json", "minimind/tokenizer.json", "qwen3/tokenizer.json"} {
		begin := time.Now()
		tok, err := FromJSON(readMaybeGzip(t, "data", "tokenizers", name), nil)
		if err != nil {
			t.Error(name, err)
			continue
		}
		loaded := time.Since(begin)
		begin = time.Now()
		ids := tok.Encode(text, Options{AddSpecial: true, ParseSpecial: true})
		t.Log(name, loaded, time.Since(begin), len(ids), digest(ids)[:16], tok.Decode(ids[len(tok.begin):]) == text)
	}
}
