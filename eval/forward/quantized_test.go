package forward

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/f190792d/mq/convert"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/internal/fixtures/quantized"
)

// TestQuantizedCheckpointsEqualTransformers runs the checkpoint of every method
// of quantization, the file of its weights as float32, and the file that keeps
// its codes or, where no type holds them, its weights as float32.
func TestQuantizedCheckpointsEqualTransformers(t *testing.T) {
	for _, f := range quantized.All(t) {
		t.Run(f.Name, func(t *testing.T) {
			dir, root := f.Unpack(t), t.TempDir()
			whole, kept := filepath.Join(root, "whole.gguf"), filepath.Join(root, "kept.gguf")
			convertTo(t, dir, whole, convert.F32)
			plan := convertWith(t, dir, kept, convert.Options{Type: convert.Auto, Lossless: true})
			count := 0
			for _, n := range plan.Quantized.Exact {
				count += n
			}
			if want := len(f.Decoded); f.Lossless != "" && (count != want || plan.Quantized.Matrices != want) {
				t.Errorf("%d of %d matrices keep their codes, want all %d", count, plan.Quantized.Matrices, want)
			}
			if f.Name == "modelopt-nvfp4" && !slices.ContainsFunc(plan.Streams, func(s gguf.Stream) bool { return s.Name == "blk.0.attn_q.scale" }) {
				t.Error("the file has no factors")
			}
			paths := []string{dir, whole, kept}
			if f.Name == "ct-nvfp4" { // its factors are rounded where that is allowed
				rounded := filepath.Join(root, "rounded.gguf")
				if plan := convertWith(t, dir, rounded, convert.Options{Type: convert.Auto}); plan.Quantized.Rounded != 6 || len(plan.Quantized.Exact) > 0 {
					t.Errorf("%d rounded matrices, exact %v, want 6 and none", plan.Quantized.Rounded, plan.Quantized.Exact)
				}
				paths = append(paths, rounded)
			}
			for _, path := range paths {
				m := open(t, path)
				for i, p := range f.Prompts {
					checkFamily(t, m, i, p)
				}
			}
		})
	}
}
