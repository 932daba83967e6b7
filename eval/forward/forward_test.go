package forward

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/f190792d/mq/internal/shared"
)

// golden is a forward pass of stories-llama in PyTorch.
type golden struct {
	IDs         []int32    `json:"ids"`
	NextLogprob []float64  `json:"next_logprob"`
	Top5        [][][2]any `json:"top5"`
	Last        []float64  `json:"last_logits"`
}

const stories = "../../testdata/stories-llama"

func readGolden(t *testing.T) golden {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "forward.json"))
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := json.Unmarshal(data, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

func open(t testing.TB, path string) *Model {
	t.Helper()
	m, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

func logits(t testing.TB, m *Model, tokens []int32) []float32 {
	t.Helper()
	l, err := m.Logits(context.Background(), tokens, 0)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// checkGolden compares a model with PyTorch's logits.
func checkGolden(t *testing.T, m *Model) {
	t.Helper()
	const tolerance = 5e-4
	g := readGolden(t)
	got, vocab := logits(t, m, g.IDs), m.Vocabulary()
	worst := 0.0
	for i, want := range g.Last {
		worst = max(worst, math.Abs(float64(got[(len(g.IDs)-1)*vocab+i])-want))
	}
	for i, want := range g.NextLogprob {
		row, sum := got[i*vocab:(i+1)*vocab], 0.0
		for _, v := range row {
			sum += math.Exp(float64(v))
		}
		logprob := float64(row[g.IDs[i+1]]) - math.Log(sum)
		worst = max(worst, math.Abs(logprob-want))
	}
	t.Logf("largest difference %.2g", worst)
	if !(worst <= tolerance) {
		t.Errorf("largest difference to PyTorch %v, more than %v", worst, tolerance)
	}
}

func TestCheckpointEqualsPyTorch(t *testing.T) { checkGolden(t, open(t, stories)) }

func TestGGUFEqualsPyTorch(t *testing.T) {
	checkGolden(t, open(t, shared.Path(t, "golden/stories/stories-llama-BF16.gguf")))
}

// Products of pairs, where the processor makes them, change logits by no more
// than another order of sums does.
func TestPairsKeepLogits(t *testing.T) {
	m := open(t, stories)
	tokens := readGolden(t).IDs
	plain, paired := logits(t, m, tokens), logits(t, m.With(Run{Paired: true}), tokens)
	least, most, worst := plain[0], plain[0], float32(0)
	for i, v := range plain {
		least, most, worst = min(least, v), max(most, v), max(worst, v-paired[i], paired[i]-v)
	}
	t.Logf("largest difference %.2g of the range", worst/(most-least))
	if !(worst <= 1e-6*(most-least)) {
		t.Errorf("logits between %v and %v differ by %v", least, most, worst)
	}
}
