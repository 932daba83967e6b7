package convert

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/f190792d/mq/formats/gguf"
)

// published are configurations of published models, as far as they decide
// shapes and graph, with the size that the model is published with.
func published(t *testing.T) (models []struct {
	Model, Size string
	Config      json.RawMessage
}) {
	t.Helper()
	text, err := os.ReadFile("testdata/published.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &models); err != nil {
		t.Fatal(err)
	}
	return models
}

// TestPlansPublishedModels plans published models from headers alone: each has
// the weights that it is known for.
func TestPlansPublishedModels(t *testing.T) {
	for _, m := range published(t) {
		t.Run(m.Model, func(t *testing.T) {
			var infos []gguf.TensorInfo
			for _, s := range planHeaders(t, m.Model, m.Config).Streams {
				infos = append(infos, s.TensorInfo)
			}
			n := countWeights(infos).total
			if got := rounded(n); got != m.Size {
				t.Errorf("size %s (%d), want %s", got, n, m.Size)
			}
		})
	}
}
