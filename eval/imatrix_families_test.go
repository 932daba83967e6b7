package eval

import (
	"context"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/f190792d/mq/convert"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/hf"
	"github.com/f190792d/mq/formats/imatrix"
	"github.com/f190792d/mq/internal/brief"
	"github.com/f190792d/mq/internal/fixtures/models"
	"github.com/f190792d/mq/internal/tiny"
	"github.com/f190792d/mq/quantize"
)

// writeConverted converts a checkpoint to a file of type F32.
func writeConverted(t testing.TB, dir, path string) {
	t.Helper()
	ckpt, err := hf.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer ckpt.Close()
	p, err := convert.NewPlan(t.Context(), ckpt, convert.Options{Type: convert.F32, ForQuantizer: true})
	if err != nil {
		t.Fatal(err)
	}
	var infos []gguf.TensorInfo
	for _, s := range p.Streams {
		infos = append(infos, s.TensorInfo)
	}
	plan, err := quantize.Keep("F32", p.KVs, infos)
	if err != nil {
		t.Fatal(err)
	}
	writeModel(t, path, plan, p.Streams)
}

func writeModel(t testing.TB, path string, plan *quantize.Plan, sources []gguf.Stream) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := quantize.Run(context.Background(), sources, []quantize.Output{{Plan: plan, Files: []io.WriterAt{f}}}, quantize.RunOptions{}); err != nil {
		t.Fatal(err)
	}
}

// TestImatrixOfACheckpointIsThatOfItsFile collects on both sides of a
// conversion, whose transforms change names, orders and layouts.
func TestImatrixOfACheckpointIsThatOfItsFile(t *testing.T) {
	check := func(t *testing.T, dir string) {
		path := filepath.Join(t.TempDir(), "model.gguf")
		writeConverted(t, dir, path)
		m, file := openModel(t, dir), openModel(t, path)
		random := rand.New(rand.NewPCG(1, 2))
		tokens := make([]int32, 3*16)
		for i := range tokens {
			tokens[i] = int32(random.IntN(min(m.Tokens(), 250)))
		}
		c := Collection{Chunking: Chunking{Context: 16}, ProcessOutput: true}
		got, _, err := CollectImatrix(context.Background(), m, tokens, c, nil)
		if err != nil {
			t.Fatal(err)
		}
		want, _, err := CollectImatrix(context.Background(), file, tokens, c, nil)
		if err != nil {
			t.Fatal(err)
		}
		compareMatrices(t, got, want)
	}
	for _, f := range brief.Of(models.All(t), 8) {
		t.Run(f.Name, func(t *testing.T) {
			for i := range f.Agreement {
				if !f.LlamaCPPAgrees(i) {
					t.Skip(f.Note)
				}
			}
			if f.Agreement == nil && f.KV == nil { // nor does the reference converter write the model
				t.Skip(f.Note)
			}
			check(t, f.Unpack(t))
		})
	}
	for _, class := range brief.Of(tiny.Classes(), 8) {
		t.Run(class, func(t *testing.T) {
			dir := t.TempDir()
			if err := tiny.Write(dir, class, 7); err != nil {
				t.Fatal(err)
			}
			check(t, dir)
		})
	}
	t.Run("stories-llama", func(t *testing.T) { check(t, "../testdata/stories-llama") })
}

func compareMatrices(t *testing.T, got, want *imatrix.Matrix) {
	t.Helper()
	for name := range got.Entries {
		if want.Entries[name] == nil {
			t.Errorf("%s is in the checkpoint's matrix only", name)
		}
	}
	for name, w := range want.Entries {
		g := got.Entries[name]
		if g == nil || len(g.Sums) != len(w.Sums) || len(g.Counts) != len(w.Counts) {
			t.Errorf("%s is missing from the checkpoint's matrix, or has another shape", name)
			continue
		}
		for i, n := range w.Counts {
			if g.Counts[i] != n {
				t.Errorf("%s: matrix %d saw %v rows in the checkpoint and %v in the file", name, i, g.Counts[i], n)
			}
		}
		for i, v := range w.Sums {
			if math.Abs(float64(g.Sums[i]-v)) > 1e-3*float64(v)+1e-6 {
				t.Errorf("%s: column %d: %v in the checkpoint, %v in the file", name, i, g.Sums[i], v)
				break
			}
		}
	}
	if len(want.Entries) == 0 || !regexp.MustCompile("ffn_down|ssm_out").MatchString(strings.Join(want.Names(), " ")) {
		t.Errorf("collected %v", want.Names())
	}
}
