package vocabtest

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"io"
	"os"
	"strconv"
	"testing"

	"github.com/f190792d/mq/internal/shared"
)

// File reads a file of the large test material, unpacked.
func File(t testing.TB, elem ...string) []byte {
	t.Helper()
	return Unpack(t, shared.Path(t, elem...))
}

// Unpack reads a file that may be compressed by gzip.
func Unpack(t testing.TB, path string) []byte {
	t.Helper()
	raw, err := os.ReadFile(path)
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

// QwenRanks makes qwen.tiktoken out of tokenizer.json of Qwen 3, which has the
// same tokens with the same ids; decode reads the byte alphabet.
func QwenRanks(t testing.TB, decode func(text string) (raw string, ok bool)) []byte {
	t.Helper()
	var file struct {
		Model struct{ Vocab map[string]int }
	}
	if err := json.Unmarshal(File(t, "data", "tokenizers", "qwen3", "tokenizer.json"), &file); err != nil {
		t.Fatal(err)
	}
	tokens := make([]string, len(file.Model.Vocab))
	for text, rank := range file.Model.Vocab {
		tokens[rank], _ = decode(text)
	}
	var out bytes.Buffer
	for rank, token := range tokens {
		out.WriteString(base64.StdEncoding.EncodeToString([]byte(token)) + " " + strconv.Itoa(rank) + "\n")
	}
	return out.Bytes()
}

// SkipLarge leaves the vocabularies of a quarter of a million tokens out of
// short tests: loading them takes half of the time.
func SkipLarge(t *testing.T, name string) {
	for _, large := range []string{"gemma", "gptoss"} {
		if testing.Short() && len(name) >= len(large) && name[:len(large)] == large {
			t.Skip("a large vocabulary")
		}
	}
}
