package eval

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/f190792d/mq/convert"
	"github.com/f190792d/mq/eval/forward"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/hf"
	"github.com/f190792d/mq/quantize"
	"github.com/f190792d/mq/quantize/budget"
)

// planStories plans the conversion of stories-llama.
func planStories(t *testing.T) (*convert.Plan, []gguf.TensorInfo) {
	t.Helper()
	ckpt, err := hf.Open(t.Context(), "../testdata/stories-llama")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ckpt.Close() })
	plan, err := convert.NewPlan(t.Context(), ckpt, convert.Options{Type: convert.Source})
	if err != nil {
		t.Fatal(err)
	}
	var infos []gguf.TensorInfo
	for _, s := range plan.Streams {
		infos = append(infos, s.TensorInfo)
	}
	return plan, infos
}

// TestBudgetBeatsTheRecipeOfItsSize compares mixtures that were chosen for the
// size of a recipe's file with that recipe.
func TestBudgetBeatsTheRecipeOfItsSize(t *testing.T) {
	if testing.Short() {
		t.Skip("short: every tensor in every type")
	}
	ctx := context.Background()
	source, infos := planStories(t)
	m, tok := storiesWithTokenizer(t)
	tokens, chunking := heldOut(t, m)
	chunking.Chunks = 20

	profile, err := budget.NewProfile(ctx, source.Streams, quantize.Options{}, budget.MeasureOptions{})
	if err != nil {
		t.Fatal(err)
	}
	groups := profile.Groups(64)
	divergences, err := MeasureSensitivity(ctx, m, [][]int32{prompt(t, tok)}, groups, budget.Round, nil)
	if err != nil {
		t.Fatal(err)
	}
	profile.Calibrate(groups, divergences)

	divergence := func(o quantize.Options) (float64, quantize.Summary) {
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
		return d.KLD.Value, plan.Summary
	}
	for _, name := range most("Q4_K_M", "Q2_K", "Q3_K_M", "Q5_K_S", "Q6_K") {
		recipe, err := quantize.ParseRecipe(name)
		if err != nil {
			t.Fatal(err)
		}
		want, fixed := divergence(quantize.Options{Recipe: recipe})
		choice, err := budget.Choose(source.KVs, infos, quantize.Options{}, profile, budget.Target{Bytes: fixed.FileBytes})
		if err != nil {
			t.Fatal(err)
		}
		got, chosen := divergence(quantize.Options{Recipe: choice.Recipe, Overrides: choice.Overrides})
		t.Logf("%-7s %d bytes, divergence %.6f; chosen %d bytes, %.6f", name, fixed.FileBytes, want, chosen.FileBytes, got)
		if chosen.FileBytes > fixed.FileBytes || float64(chosen.FileBytes) < 0.98*float64(fixed.FileBytes) {
			t.Errorf("%s: %d bytes were asked for, %d came out", name, fixed.FileBytes, chosen.FileBytes)
		}
		if got > 0.75*want {
			t.Errorf("%s: divergence %.6f, the chosen mixture of the same size has %.6f", name, want, got)
		}
	}
}

func TestSensitivityDoesNotDependOnWorkersAndLeavesTheModelAsItWas(t *testing.T) {
	ctx := context.Background()
	m, tok := storiesWithTokenizer(t)
	prompt := prompt(t, tok)[:48]
	before, err := m.Logits(ctx, prompt, 0)
	if err != nil {
		t.Fatal(err)
	}
	groups := [][]string{{"token_embd.weight"}, {"blk.0.attn_q.weight", "blk.0.attn_k.weight"}, {"blk.3.ffn_down.weight"}, {"output.weight"}, {"no such tensor"}}
	var results [][]float64
	for _, workers := range []int{1, 3} {
		d, err := MeasureSensitivity(ctx, m.With(forward.Run{Workers: workers}), [][]int32{prompt[:20], prompt[20:]}, groups, budget.Round, nil)
		if err != nil {
			t.Fatal(err)
		}
		results = append(results, d)
	}
	if diff := cmp.Diff(results[0], results[1]); diff != "" {
		t.Error(diff)
	}
	for i, d := range results[0] {
		if known := i < len(groups)-1; known != (d > 1e-7) {
			t.Errorf("%v: divergence %g", groups[i], d)
		}
	}
	after, err := m.Logits(ctx, prompt, 0)
	if diff := cmp.Diff(before, after); err != nil || diff != "" {
		t.Error(err, diff)
	}
}
