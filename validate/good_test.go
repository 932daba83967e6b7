package validate_test

import (
	"slices"
	"testing"

	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/imatrix"
	"github.com/f190792d/mq/internal/brief"
	"github.com/f190792d/mq/internal/shared"
	"github.com/f190792d/mq/quantize"
	"github.com/f190792d/mq/validate"
)

// needsImportance reports whether a recipe gives some tensor a type that cannot do
// without an importance matrix.
func needsImportance(t *testing.T, r quantize.Recipe) bool {
	t.Helper()
	typ, ok := quantize.ByID(r.Default)
	if !ok {
		t.Fatalf("recipe %s: no type %s", r.Name, r.Default)
	}
	return typ.NeedsWeights || slices.Contains([]string{"IQ1_M", "IQ2_S", "IQ2_M", "IQ3_XXS", "IQ3_XS", "Q2_K_S"}, r.Name)
}

func TestGoodFilesNeverFail(t *testing.T) {
	for _, r := range brief.Of(quantize.Recipes(), 6) {
		if needsImportance(t, r) || r.Copy() {
			continue
		}
		t.Run(r.Name, func(t *testing.T) {
			path := converted(t, stories, r.Name, nil)
			passes(t, check(t, path, validate.Options{Against: stories}))
		})
	}
}

func passes(t *testing.T, r *validate.Report) {
	t.Helper()
	if r.Verdict == validate.Fail {
		t.Errorf("verdict %s: %v", r.Verdict, r.Err())
	}
	for _, f := range r.Findings {
		t.Logf("%s: %s: %s", f.Severity, f.Check, f)
	}
	for _, c := range r.Checks {
		t.Logf("%s: %s: %s", c.Severity, c.Name, c.Detail)
	}
}

func TestGoodFilesWithImportanceNeverFail(t *testing.T) {
	if testing.Short() {
		t.Skip("short: more than a hundred files")
	}
	for _, model := range []struct {
		file, matrix string
		random       bool // weights: what it computes is not worth the time
	}{
		{"golden/stories/stories-llama-BF16.gguf", "golden/stories/imatrix.gguf", false},
		{"golden/quantize/dense.gguf", "golden/quantize/dense.imatrix.gguf", true},
		{"golden/quantize/moe8.gguf", "golden/quantize/moe8.imatrix.gguf", true},
		{"golden/quantize/odd.gguf", "", true},
	} {
		source := shared.Path(t, model.file)
		f, err := gguf.Open(source)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		var importance *quantize.Importance
		if model.matrix != "" {
			m, err := imatrix.Read(t.Context(), shared.Path(t, model.matrix))
			if err != nil {
				t.Fatal(err)
			}
			if importance, err = quantize.NewImportance("imatrix.gguf", m, nil, nil); err != nil {
				t.Fatal(err)
			}
		}
		for _, r := range quantize.Recipes() {
			if r.Copy() || importance == nil && (needsImportance(t, r) || r.Name == "Q1_0") { // Q1_0 has no fallback for odd rows
				continue
			}
			t.Run(model.file+"/"+r.Name, func(t *testing.T) {
				path := quantized(t, f.KVs(), fileStreams(f), r.Name, importance)
				passes(t, check(t, path, validate.Options{Against: source, SkipLogits: model.random}))
			})
		}
	}
}
