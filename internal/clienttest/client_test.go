//go:build client

package clienttest

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/f190792d/mq/eval"
	"github.com/f190792d/mq/eval/forward"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/tokenizer"
)

const text = "Once upon a time there was a little girl named Lily.\n\nShe said, \"I'm 7 years old!\"<|eot_id|> Then  they played.\t"

// reply is what client.mjs writes.
type reply struct {
	Tokens        []int32     `json:"tokens"`
	Probabilities [][]float64 `json:"probabilities"`
}

// TestLlamaCppReadsOurFiles converts the trained model and demands of the
// client the same ids and nearly the same probabilities. The client's
// products round activations to 8 bits where weights are quantized; mq's do
// not, hence the wider limits there.
func TestLlamaCppReadsOurFiles(t *testing.T) {
	folder := os.Getenv("MQ_CLIENT")
	if folder == "" {
		t.Fatal("MQ_CLIENT does not name the folder of the client")
	}
	dir := t.TempDir()
	mq := filepath.Join(dir, "mq")
	run(t, "go", "build", "-o", mq, "../../cmd/mq")
	for _, kind := range []struct {
		name  string
		limit float64 // mean KL divergence in nats
	}{{"bf16", 1e-3}, {"q8_0", 2e-3}, {"q4_k_m", 1e-2}} {
		t.Run(kind.name, func(t *testing.T) {
			path := filepath.Join(dir, kind.name+".gguf")
			run(t, mq, "convert", "../../testdata/stories-llama", "-t", kind.name, "-o", path)
			ids := encode(t, path)
			request := filepath.Join(dir, "request.json")
			data, err := json.Marshal(map[string]any{"text": text, "ids": ids})
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(request, data, 0o644); err != nil {
				t.Fatal(err)
			}
			answerPath := filepath.Join(dir, "reply.json")
			run(t, "node", filepath.Join(folder, "client.mjs"), path, request, answerPath)
			data, err = os.ReadFile(answerPath)
			if err != nil {
				t.Fatal(err)
			}
			var answer reply
			if err := json.Unmarshal(data, &answer); err != nil {
				t.Fatal(err)
			}
			if want := encodeText(t, path); !slices.Equal(answer.Tokens, want) {
				t.Errorf("ids: the client has %v, mq %v", answer.Tokens, want)
			}
			if got := divergence(t, path, ids, answer.Probabilities); !(got < kind.limit) {
				t.Errorf("mean KL divergence %g, want below %g", got, kind.limit)
			} else {
				t.Logf("mean KL divergence %.3g", got)
			}
		})
	}
}

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
}

func vocabulary(t *testing.T, path string) *tokenizer.Tokenizer {
	t.Helper()
	file, err := gguf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	words, err := tokenizer.FromGGUF(file.KVs())
	if err != nil {
		t.Fatal(err)
	}
	return words
}

func encode(t *testing.T, path string) []int32 {
	ids, err := eval.Prompt(t.Context(), vocabulary(t, path))
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

func encodeText(t *testing.T, path string) []int32 {
	ids, err := vocabulary(t, path).Encode(t.Context(), text, tokenizer.Options{ParseSpecial: true})
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

// divergence is the mean over the positions of KL(client ‖ mq).
func divergence(t *testing.T, path string, ids []int32, client [][]float64) float64 {
	t.Helper()
	model, err := forward.Open(t.Context(), path, forward.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer model.Close()
	logits, err := model.Logits(context.Background(), ids, 0)
	if err != nil {
		t.Fatal(err)
	}
	if len(client) != len(ids) {
		t.Fatalf("the client has %d positions, want %d", len(client), len(ids))
	}
	n, sum := model.Vocabulary(), 0.0
	for i, probabilities := range client {
		row := logits[i*n : (i+1)*n]
		top := float64(slices.Max(row))
		total := 0.0
		for _, x := range row {
			total += math.Exp(float64(x) - top)
		}
		for id, p := range probabilities {
			if p > 0 {
				sum += p * (math.Log(p) - (float64(row[id]) - top - math.Log(total)))
			}
		}
	}
	return sum / float64(len(client))
}
