package hf

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/f190792d/mq/internal/fixtures/meta"
)

// TestPartsOfMetasReleasesMakeUpMatrices reads a matrix of each kind in pieces
// that end anywhere.
func TestPartsOfMetasReleasesMakeUpMatrices(t *testing.T) {
	for _, f := range meta.All(t) {
		c, err := Open(t.Context(), f.Unpack(t))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if c.Layout() != MetaNative {
			t.Errorf("%s: layout %v", f.Name, c.Layout())
		}
		rows, _ := c.Config().Int("vocab_size")
		for name, shape := range map[string][2]int64{
			"tok_embeddings.weight": {rows, 48}, "layers.0.attention.wk.weight": {16, 48}, "layers.1.feed_forward.w2.weight": {48, 72}, "layers.1.attention.wo.weight": {48, 48},
		} {
			w, ok := c.Lookup(name)
			if !ok || w.Shape[0] != shape[0] || w.Shape[1] != shape[1] || w.Size != 2*shape[0]*shape[1] {
				t.Fatalf("%s: %s has shape %v, want %v", f.Name, name, w.Shape, shape)
			}
			whole := make([]byte, w.Size)
			if _, err := w.ReadAt(t.Context(), whole, 0); err != nil {
				t.Fatal(err)
			}
			for off := int64(0); off < w.Size; off += 977 {
				some := make([]byte, min(1501, w.Size-off))
				if _, err := w.ReadAt(t.Context(), some, off); err != nil || string(some) != string(whole[off:off+int64(len(some))]) {
					t.Fatalf("%s: %s differs from byte %d on: %v", f.Name, name, off, err)
				}
			}
		}
	}
}

// TestRefusesPartsThatDoNotFit leaves parts out of a release.
func TestRefusesPartsThatDoNotFit(t *testing.T) {
	all := meta.All(t)
	dir, other := all[0].Unpack(t), all[1].Unpack(t)
	foreign, err := os.ReadFile(filepath.Join(other, "consolidated.01.pth"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "consolidated.01.pth"), foreign, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "consolidated.01.pth") || !strings.Contains(err.Error(), "is not a part beside") {
		t.Errorf("parts of two models: %v", err)
	}
}
