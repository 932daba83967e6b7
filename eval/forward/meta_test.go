package forward

import (
	"math"
	"path/filepath"
	"testing"

	"github.com/f190792d/mq/convert"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/internal/fixtures/meta"
)

// TestMetasReleasesEqualTransformers runs folders of several files with a part
// of every matrix each, and what the converter makes of them, and holds both to
// transformers' run of the same weights.
func TestMetasReleasesEqualTransformers(t *testing.T) {
	for _, f := range meta.All(t) {
		t.Run(f.Name, func(t *testing.T) {
			dir, path := f.Unpack(t), filepath.Join(t.TempDir(), "model.gguf")
			convertTo(t, dir, path, convert.F32)
			want := f.Logits(t)
			for _, from := range []string{dir, path} {
				got := logits(t, open(t, from), f.Tokens)
				if len(got) != len(want) {
					t.Fatalf("%s: %d logits, want %d", from, len(got), len(want))
				}
				for i, w := range want {
					if !(math.Abs(float64(got[i]-w)) <= 1e-3) {
						t.Fatalf("%s: logit %d is %v, want %v", from, i, got[i], w)
					}
				}
			}
			file, err := gguf.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			if n, _ := file.KVs().Int("llama.context_length"); int(n) != f.Context {
				t.Errorf("context of %d tokens, want %d", n, f.Context)
			}
		})
	}
}
