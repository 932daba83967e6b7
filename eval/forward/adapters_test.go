package forward

import (
	"path/filepath"
	"testing"

	"github.com/f190792d/mq/convert"
	"github.com/f190792d/mq/formats/hf"
	"github.com/f190792d/mq/internal/fixtures/adapters"
)

// TestAdaptedCheckpointsEqualPEFT runs a checkpoint with an adapter, and the
// file that it is merged into, against the model that PEFT merges.
func TestAdaptedCheckpointsEqualPEFT(t *testing.T) {
	for _, f := range adapters.All(t) {
		t.Run(f.Name, func(t *testing.T) {
			dir := f.Base(t)
			adapter, err := hf.OpenAdapter(t.Context(), f.Unpack(t))
			if err != nil {
				t.Fatal(err)
			}
			defer adapter.Close()
			list := []hf.Adapter{{Checkpoint: adapter, Strength: 1}}
			path := filepath.Join(t.TempDir(), "model.gguf")
			convertWith(t, dir, path, convert.Options{Type: convert.F32, Adapters: list})
			m, err := Open(t.Context(), dir, Options{Adapters: list})
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			for i, p := range f.Prompts {
				checkFamily(t, m, i, p)
				checkFamily(t, open(t, path), i, p)
			}
		})
	}
}
