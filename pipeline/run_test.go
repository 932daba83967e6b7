package pipeline

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/f190792d/mq/formats/hf"
	"github.com/f190792d/mq/quantize"
	"github.com/f190792d/mq/quantize/budget"
)

// job plans a conversion of the test model.
func job(t *testing.T, o Options) (*Job, error) {
	t.Helper()
	ckpt, err := hf.Open(t.Context(), stories)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ckpt.Close() })
	return FromCheckpoint(t.Context(), ckpt, o)
}

// TestExactCopiesAgreeExactly: shares are counts divided once.
func TestExactCopiesAgreeExactly(t *testing.T) {
	j, err := job(t, Options{Out: filepath.Join(t.TempDir(), "x.gguf"), Verify: true})
	if err != nil {
		t.Fatal(err)
	}
	r, err := j.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if v := r.Outputs[0].Verification(); *v.Top1 != 1 || v.KLD.Max > 1e-6 {
		t.Errorf("%+v", v)
	}
}

// TestSizesNeedOnlyATarget: name and candidates have defaults.
func TestSizesNeedOnlyATarget(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", dir)
	j, err := job(t, Options{Out: filepath.Join(dir, "{type}.gguf"), Size: &Size{Target: budget.Target{Bits: 4.5}, By: ByWeights}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := j.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, "4.5bpw.gguf"))
	if err != nil || j.Chosen == nil || info.Size() != j.Outputs[0].Plan.Summary.FileBytes {
		t.Errorf("%v, %v", info, err)
	}
}

// TestContradictionsAreRefused: options that exclude each other are known at once.
func TestContradictionsAreRefused(t *testing.T) {
	q4, err := quantize.ParseRecipe("Q4_K_M")
	if err != nil {
		t.Fatal(err)
	}
	for name, o := range map[string]Options{
		"recipes and a size":     {Recipes: []quantize.Recipe{q4}, Size: &Size{Target: budget.Target{Bits: 4}}},
		"a part beyond":          {Part: 3, Parts: 3},
		"parts and a split":      {Parts: 3, MaxFileSize: 1 << 20},
		"parts and a size":       {Parts: 3, Size: &Size{Target: budget.Target{Bits: 4}}},
		"pruned and compared":    {Recipes: []quantize.Recipe{q4}, Verify: true, Quantize: quantize.Options{PruneLayers: []int{1}}},
		"several without {type}": {Recipes: []quantize.Recipe{q4, {Name: "Q8_0", Default: q4.Default}}, Out: "x.gguf"},
	} {
		if _, err := job(t, o); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
