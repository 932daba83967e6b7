package convert

import (
	"encoding/json"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/f190792d/mq/arch"
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

// TestPlansPublishedModels plans published models of every architecture from
// headers alone: each has the weights that it is known for.
func TestPlansPublishedModels(t *testing.T) {
	planned := map[string]bool{}
	for _, m := range published(t) {
		if b, err := strconv.ParseFloat(strings.TrimSuffix(m.Size, "B"), 64); err == nil && b > 50 && testing.Short() {
			continue // headers of many experts
		}
		t.Run(m.Model, func(t *testing.T) {
			p := planHeaders(t, m.Model, m.Config)
			name, _ := p.KVs.String("general.architecture")
			planned[name] = true
			checkSize(t, p, m.Size)
		})
	}
	for _, a := range arch.All() {
		if !testing.Short() && !planned[a.Name] {
			t.Errorf("no published model of architecture %s is planned", a.Name)
		}
	}
}
