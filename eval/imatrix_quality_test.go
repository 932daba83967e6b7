package eval

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/f190792d/mq/formats/imatrix"
	"github.com/f190792d/mq/formats/tokenizer"
	"github.com/f190792d/mq/internal/shared"
	"github.com/f190792d/mq/quantize"
)

// TestQuantizedWithOurMatrixIsAsGoodAsWithTheReference quantizes with the
// matrix of llama-imatrix and with that of the same chunks collected here.
func TestQuantizedWithOurMatrixIsAsGoodAsWithTheReference(t *testing.T) {
	ctx := context.Background()
	reference, err := imatrix.Read(ctx, shared.Path(t, "golden/stories/imatrix.gguf"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(shared.Path(t, "data/text/tinystories_train_excerpt.txt"))
	if err != nil {
		t.Fatal(err)
	}
	m, tok := storiesWithTokenizer(t)
	c := Collection{Chunking: Chunking{Context: reference.ChunkSize, Chunks: reference.Chunks, AddBOS: tok.AddsBOS()}}
	c.BOS, _ = tok.Special("bos")
	collected, _, err := CollectImatrix(ctx, m, encoded(t, tok, string(text), tokenizer.Options{AddSpecial: true}), c, nil)
	if err != nil {
		t.Fatal(err)
	}
	source, infos := planStories(t)
	tokens, chunking := heldOut(t, m)
	chunking.Chunks = 20
	for _, name := range most("IQ2_XS", "Q2_K", "IQ3_XXS", "Q4_K_M") {
		recipe, err := quantize.ParseRecipe(name)
		if err != nil {
			t.Fatal(err)
		}
		var divergences []float64
		for _, matrix := range []*imatrix.Matrix{reference, collected} {
			o := quantize.Options{Recipe: recipe}
			if o.Importance, err = quantize.NewImportance("imatrix.gguf", matrix, nil, nil); err != nil {
				t.Fatal(err)
			}
			plan, err := quantize.NewPlan(source.KVs, infos, o)
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(t.TempDir(), "model.gguf")
			writeModel(t, path, plan, source.Streams)
			d, err := MeasureDivergence(ctx, m, openModel(t, path), tokens, chunking, nil)
			if err != nil {
				t.Fatal(err)
			}
			divergences = append(divergences, d.KLD.Value)
		}
		t.Logf("%-8s divergence %.6f with the matrix of the reference, %.6f with that collected here", name, divergences[0], divergences[1])
		if divergences[1] > 1.01*divergences[0] {
			t.Errorf("%s: divergence %.6f, with the matrix of the reference %.6f", name, divergences[1], divergences[0])
		}
	}
}
