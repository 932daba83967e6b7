package quantize

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/imatrix"
	"github.com/f190792d/mq/internal/shared"
)

// tensorDigest is a tensor as the golden files describe it: type id and the start
// of the sha256 of its data.
type tensorDigest [2]any

type goldenFile struct {
	File    string
	Tensors map[string]tensorDigest
}

// TestTensorsEqualLlamaQuantize compares every tensor of every type with what
// llama-quantize gave, and whole files where their key-values do not name the
// path of an importance matrix.
func TestTensorsEqualLlamaQuantize(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute")
	}
	for _, m := range []struct{ source, digests, matrix string }{
		{"quantize/dense.gguf", "quantize/dense.json", ""},
		{"quantize/dense.gguf", "quantize/dense.imatrix.json", "quantize/dense.imatrix.gguf"},
		{"quantize/odd.gguf", "quantize/odd.json", ""},
		{"quantize/moe8.gguf", "quantize/moe8.json", ""},
		{"quantize/moe8.gguf", "quantize/moe8.imatrix.json", "quantize/moe8.imatrix.gguf"},
		{"stories/stories-llama-BF16.gguf", "stories/quantized.json", "stories/imatrix.gguf"},
	} {
		source := openFile(t, shared.Path(t, "golden", m.source))
		text, err := os.ReadFile(shared.Path(t, "golden", m.digests))
		if err != nil {
			t.Fatal(err)
		}
		var want map[string]goldenFile
		if err := json.Unmarshal(text, &want); err != nil {
			t.Fatal(err)
		}
		var matrix *imatrix.Matrix
		if m.matrix != "" {
			if matrix, err = imatrix.Read(t.Context(), shared.Path(t, "golden", m.matrix)); err != nil {
				t.Fatal(err)
			}
		}
		for _, key := range slices.Sorted(maps.Keys(want)) {
			t.Run(m.digests+"/"+key, func(t *testing.T) {
				name, suffixed := strings.CutSuffix(key, ".imatrix")
				o := Options{Recipe: recipe(t, name)}
				if matrix != nil && (suffixed || !strings.Contains(m.digests, "stories")) {
					if o.Importance, err = NewImportance("imatrix.gguf", matrix, nil, nil); err != nil {
						t.Fatal(err)
					}
				}
				compareTensors(t, source, o, want[key])
			})
		}
	}
}

func compareTensors(t *testing.T, source *gguf.File, o Options, want goldenFile) {
	plan, err := NewPlan(source.KVs(), source.Tensors(), o)
	if err != nil {
		t.Fatal(err)
	}
	out, buffers := inMemory(plan)
	if err := Run(context.Background(), streams(source), []Output{out}, RunOptions{}); err != nil {
		t.Fatal(err)
	}
	if len(plan.Tensors) != len(want.Tensors) {
		t.Errorf("%d tensors, llama-quantize has %d", len(plan.Tensors), len(want.Tensors))
	}
	file := buffers[0].b
	for i, c := range plan.Tensors {
		data := file[plan.Files[0].TensorOffset(i):][:c.Info.Size()]
		sum := sha256.Sum256(data)
		got := fmt.Sprint(uint32(c.Info.Type), hex.EncodeToString(sum[:8]))
		if w := want.Tensors[c.Info.Name]; got != fmt.Sprint(w[0], w[1]) {
			t.Errorf("tensor %s: %s, llama-quantize has %v", c.Info.Name, got, w)
		}
	}
	sum := sha256.Sum256(file)
	if got := hex.EncodeToString(sum[:]); o.Importance == nil && got != want.File {
		t.Errorf("the tensors agree but the file is %s, not %s", got, want.File)
	}
}

func openFile(t *testing.T, path string) *gguf.File {
	t.Helper()
	f, err := gguf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func recipe(t testing.TB, name string) Recipe {
	t.Helper()
	r, err := ParseRecipe(name)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
