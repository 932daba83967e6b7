package main

import (
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/f190792d/mq/internal/fixtures/models"
)

// TestEmbeddings runs an encoder as folder and as file: a line for each text,
// the same from both, of length 1.
func TestEmbeddings(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, f := range models.All(t) {
		if f.Name == "bert-mean" {
			if err := os.Rename(f.Unpack(t), "folder"); err != nil {
				t.Fatal(err)
			}
		}
	}
	if code, _, stderr := mq(t, "convert", "folder", "-t", "f32", "-o", "file.gguf"); code != 0 || !strings.Contains(stderr, "cosine of the embedding 1.000000") {
		t.Fatal(code, stderr)
	}
	if err := os.WriteFile("text.txt", []byte("three words here\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	_, lines, _ := mq(t, "eval", "folder", "--embed", "a dog", "--embed", "", "-f", "text.txt")
	if strings.Count(lines, "\n") != 2 {
		t.Errorf("two texts give %q", lines)
	}
	code, stdout, stderr := mq(t, "eval", "file.gguf", "--embed", "a dog", "-f", "text.txt", "--base", "folder", "--min-cosine", "0.99999", "--json")
	var found struct {
		Embeddings []struct {
			Tokens    int
			Embedding []float64
			Base      struct{ Cosine float64 }
		}
	}
	if err := json.Unmarshal([]byte(stdout), &found); err != nil || code != 0 || len(found.Embeddings) != 2 {
		t.Fatal(code, err, stderr)
	}
	for _, e := range found.Embeddings {
		sum := 0.0
		for _, x := range e.Embedding {
			sum += x * x
		}
		if math.Abs(sum-1) > 1e-6 || len(e.Embedding) != 40 || e.Tokens < 3 || e.Base.Cosine < 0.99999 {
			t.Errorf("%d elements of length %v from %d tokens, cosine %v", len(e.Embedding), math.Sqrt(sum), e.Tokens, e.Base.Cosine)
		}
	}
	for line, want := range map[string]int{
		"eval file.gguf -f text.txt": 4, "eval file.gguf --embed word --base file.gguf --min-cosine 0.5": 0, "eval file.gguf --embed word --min-cosine 0.5": 2,
		"eval file.gguf --embed word --perplexity": 2, "validate file.gguf --against folder --min-cosine 0.999": 0,
		"eval file.gguf --embed " + strings.Repeat("x", 200): 5,
	} {
		if code, _, stderr := mq(t, strings.Fields(line)...); code != want {
			t.Errorf("%s: exit %d, want %d: %s", line, code, want, stderr)
		}
	}
}
