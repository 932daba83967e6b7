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
			for _, path := range []string{dir, whole, kept} {
				m := open(t, path)
				for i, p := range f.Prompts {
					checkFamily(t, m, i, p)
				}
			}
		})
	}
}
