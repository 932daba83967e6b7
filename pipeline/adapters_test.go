package pipeline

import (
	"path/filepath"
	"testing"

	"github.com/f190792d/mq/formats/hf"
	"github.com/f190792d/mq/internal/fixtures/adapters"
	"github.com/f190792d/mq/quantize"
)

// TestMergedAdaptersAreProven converts with an adapter of every kind; each file
// is compared with the checkpoint and the adapter before it gets its name.
func TestMergedAdaptersAreProven(t *testing.T) {
	recipe, err := quantize.ParseRecipe("Q8_0")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range adapters.All(t) {
		adapter, err := hf.OpenAdapter(t.Context(), f.Unpack(t))
		if err != nil {
			t.Fatal(err)
		}
		defer adapter.Close()
		for _, recipes := range [][]quantize.Recipe{nil, {recipe}} {
			run(t, f.Base(t), Options{
				Out: filepath.Join(t.TempDir(), "out.gguf"), Verify: true, Recipes: recipes,
				Adapters: []hf.Adapter{{Checkpoint: adapter, Strength: 1}},
			})
		}
	}
}
