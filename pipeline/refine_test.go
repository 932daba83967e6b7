package pipeline

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/f190792d/mq/eval"
	"github.com/f190792d/mq/eval/forward"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/imatrix"
	"github.com/f190792d/mq/formats/progress"
	"github.com/f190792d/mq/formats/tokenizer"
	"github.com/f190792d/mq/quantize"
	"github.com/f190792d/mq/quantize/budget"
	"github.com/f190792d/mq/refine"
	"github.com/f190792d/mq/validate"
)

// converted makes a file of the test model.
func converted(t *testing.T, path string, o Options) *Report {
	t.Helper()
	recipe, err := quantize.ParseRecipe("Q3_K_M")
	if err != nil {
		t.Fatal(err)
	}
	o.Recipes, o.Out = []quantize.Recipe{recipe}, path
	j, err := job(t, o)
	if err != nil {
		t.Fatal(err)
	}
	r, err := j.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// divergence is that of a file from the test model on a text.
func divergence(t *testing.T, path, text string) float64 {
	t.Helper()
	base, err := forward.Open(t.Context(), stories, forward.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer base.Close()
	m, err := forward.Open(t.Context(), path, forward.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	words, err := base.Tokenizer()
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := words.Encode(t.Context(), text, tokenizer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	d, err := eval.MeasureDivergence(t.Context(), base, m, tokens, eval.Chunking{Context: 128, Chunks: 12}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return d.KLD.Value
}

// TestRefinedFilesAreNearerToTheirSource: of the same types and size, on text
// that they were not refined with, whatever the number of workers.
func TestRefinedFilesAreNearerToTheirSource(t *testing.T) {
	if testing.Short() {
		t.Skip("short: a model is refined several times")
	}
	page, err := os.ReadFile("../docs/quantization.md")
	if err != nil {
		t.Fatal(err)
	}
	other, err := os.ReadFile("../docs/scaling.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	plain, refined, again := filepath.Join(dir, "plain.gguf"), filepath.Join(dir, "refined.gguf"), filepath.Join(dir, "again.gguf")
	o := Options{Refine: &Refine{Texts: []Text{{Name: "page.txt", Content: string(page)}}, Tokens: 4096}, Provenance: true}
	converted(t, plain, Options{Collect: o.Refine.matrix()})
	r := converted(t, refined, o)
	if got, was := divergence(t, refined, string(other)), divergence(t, plain, string(other)); !(got < 0.6*was) {
		t.Errorf("the divergence is %g, and was %g", got, was)
	}
	o.Workers = 1
	converted(t, again, o)
	a, err := os.ReadFile(refined)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(again); err != nil || !bytes.Equal(a, b) {
		t.Errorf("one worker gives other bytes (%v)", err)
	}
	if len(r.Outputs[0].Refined) != 29 {
		t.Errorf("%d matrices were refined", len(r.Outputs[0].Refined))
	}
	layers, err := Refined(t.Context(), refined)
	if err != nil || len(layers) != 5 || layers[3].Layer != "blk.3" || layers[3].Matrices != 7 || layers[4].Layer != "output.weight" {
		t.Errorf("the provenance says %v of the layers (%v)", layers, err)
	}
	for _, l := range layers {
		if !(l.After < l.Before) || !(l.Before < 1) {
			t.Errorf("%+v", l)
		}
	}
	file, err := gguf.Open(refined)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if name, _ := file.KVs().String("quantize.refine.dataset"); name != "page.txt" {
		t.Errorf("the file says it was refined with %q", name)
	}
	if file.KVs().Has("quantize.imatrix.file") {
		t.Error("the file names the same text twice")
	}
	if _, err := Rederive(t.Context(), refined, stories, RederiveOptions{}); !errors.Is(err, fault.ErrUnsupported) {
		t.Errorf("made again without the text: %v", err)
	}
	if d, err := Rederive(t.Context(), refined, stories, RederiveOptions{Refine: &Refine{Texts: o.Refine.Texts}}); err != nil || len(d) > 0 {
		t.Errorf("made again with the text: %v, %v", d, err)
	}
	if d, err := Rederive(t.Context(), refined, stories, RederiveOptions{Refine: &Refine{Texts: []Text{{Name: "page.txt", Content: string(other)}}}}); err != nil || len(d) == 0 {
		t.Errorf("made again with another text: %v, %v", d, err)
	}
	if data, err := os.ReadFile(refined + ".mq.json"); err != nil || !strings.Contains(string(data), `"refined": [`) {
		t.Errorf("the provenance does not say that it was refined (%v)", err)
	}
	if err := os.Rename(refined+".mq.json", plain+".mq.json"); err != nil {
		t.Fatal(err)
	}
	if layers, err := Refined(t.Context(), plain); layers != nil || err != nil {
		t.Errorf("the provenance of another file says %v (%v)", layers, err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 5 {
		t.Errorf("%v is left (%v)", entries, err)
	}
}

// TestTheSourceWritesTheTextItself: the same text in every run.
func TestTheSourceWritesTheTextItself(t *testing.T) {
	if testing.Short() {
		t.Skip("short: a model is refined several times")
	}
	dir := t.TempDir()
	one, two := filepath.Join(dir, "one.gguf"), filepath.Join(dir, "two.gguf")
	o := Options{Refine: &Refine{Auto: true, Tokens: 1024}}
	converted(t, one, o)
	converted(t, two, o)
	a, err := os.ReadFile(one)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(two); err != nil || !bytes.Equal(a, b) {
		t.Errorf("two runs give different bytes (%v)", err)
	}
	file, err := gguf.Open(one)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if name, _ := file.KVs().String("quantize.refine.dataset"); name != autoName {
		t.Errorf("the file says it was refined with %q", name)
	}
}

// TestRefinedFilesPassTheirValidation, whose weights are farther from the
// source's than rounding brings them; what stands in a wrong place does not.
func TestRefinedFilesPassTheirValidation(t *testing.T) {
	if testing.Short() {
		t.Skip("short: a model is refined several times")
	}
	for _, name := range []string{"Q8_0", "Q3_K_M", "Q2_K"} {
		recipe, err := quantize.ParseRecipe(name)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "refined.gguf")
		j, err := job(t, Options{Recipes: []quantize.Recipe{recipe}, Out: path, Verify: true, Refine: &Refine{Auto: true, Tokens: 4096}})
		if err != nil {
			t.Fatal(err)
		}
		r, err := j.Run(t.Context())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if len(r.Outputs[0].Refined) == 0 {
			t.Errorf("%s: nothing was refined", name)
		}
		v, err := validate.File(t.Context(), path, validate.Options{Against: stories})
		if err != nil {
			t.Fatal(err)
		}
		if err := v.Err(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		exchange(t, path, "blk.1.ffn_up.weight", "blk.2.ffn_up.weight")
		if v, err = validate.File(t.Context(), path, validate.Options{Against: stories}); err != nil || v.Err() == nil {
			t.Errorf("%s: two layers exchanged a matrix, and it passed (%v)", name, err)
		}
	}
}

// exchange lets two tensors of a file change places.
func exchange(t *testing.T, path, a, b string) {
	t.Helper()
	file, err := gguf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	one, _ := file.Lookup(a)
	two, _ := file.Lookup(b)
	first, second := data(t, file, one), data(t, file, two)
	raw, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	for _, w := range []struct {
		data   []byte
		offset int64
	}{{first, two.Offset}, {second, one.Offset}} {
		if _, err := raw.WriteAt(w.data, file.DataOffset(0)+w.offset); err != nil {
			t.Fatal(err)
		}
	}
}

// TestOnlyBlocksAreRefined: a type that keeps every value by itself is refused.
func TestOnlyBlocksAreRefined(t *testing.T) {
	recipe, err := quantize.ParseRecipe("F16")
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Recipes: []quantize.Recipe{recipe}, Out: filepath.Join(t.TempDir(), "out.gguf"), Refine: &Refine{Texts: []Text{{Name: "page.txt", Content: strings.Repeat("One of many words. ", 1000)}}}}
	if _, err := job(t, o); !errors.Is(err, fault.ErrInvalid) {
		t.Errorf("F16: %v", err)
	}
}

// TestSizesOfRefinedFilesTakeTypesThatCanBe: no type without a grid is chosen.
func TestSizesOfRefinedFilesTakeTypesThatCanBe(t *testing.T) {
	o, err := Options{Size: &Size{Target: budget.Target{Bits: 3}}, Refine: &Refine{}}.complete()
	if err != nil || len(o.Size.Candidates) < 8 {
		t.Fatal(o.Size, err)
	}
	for _, id := range o.Size.Candidates {
		if row, _ := quantize.ByID(id); id.Quantized() && row.Grid == nil {
			t.Errorf("%s is among the types to choose from", id)
		}
	}
}

// TestRefinementHasItsPlaceInTheBudget: what it holds is planned for, and
// refused where it is not allowed.
func TestRefinementHasItsPlaceInTheBudget(t *testing.T) {
	recipe, err := quantize.ParseRecipe("Q4_0")
	if err != nil {
		t.Fatal(err)
	}
	peak := func(r *Refine, memory int64) (int64, error) {
		j, err := job(t, Options{Recipes: []quantize.Recipe{recipe}, Refine: r, Memory: memory, Quantize: quantize.Options{Importance: &quantize.Importance{Matrix: &imatrix.Matrix{}}}, Out: filepath.Join(t.TempDir(), "x.gguf")})
		if err != nil {
			return 0, err
		}
		p, err := j.Preflight(true)
		if err != nil {
			return 0, err
		}
		return p.Memory.Peak, nil
	}
	plain, err := peak(nil, 4<<30)
	if err != nil {
		t.Fatal(err)
	}
	refined, err := peak(&Refine{Tokens: 1 << 16}, 4<<30)
	if least := plain + refine.Memory(768, 768, 1, true)/2; err != nil || refined < least {
		t.Errorf("a refinement may hold %d bytes, and needs %d (%v)", refined, least, err)
	}
	if _, err := peak(&Refine{}, 64<<20); !errors.As(err, new(*TooLittleMemory)) {
		t.Errorf("a budget of 64 MiB is taken: %v", err)
	}
	_, err = job(t, Options{
		Recipes: []quantize.Recipe{recipe}, Refine: &Refine{Texts: []Text{{Content: strings.Repeat("Once upon a time. ", 1000)}}}, Memory: 64 << 20,
		Out: filepath.Join(t.TempDir(), "x.gguf"), Progress: func(r progress.Report) { t.Errorf("%+v, though the budget does not suffice", r) },
	})
	if !errors.As(err, new(*TooLittleMemory)) {
		t.Errorf("a budget of 64 MiB is taken, and the model runs: %v", err)
	}
	if n := refine.Memory(128256, 2048, 1, false); n > 1<<30 {
		t.Errorf("an output of 128256 rows needs %d bytes", n)
	}
}

// TestRefinementHasItsPlaceOnTheDisk: a plan counts the files that are only there
// while it is refined, and what has no room is refused.
func TestRefinementHasItsPlaceOnTheDisk(t *testing.T) {
	recipe, err := quantize.ParseRecipe("Q4_0")
	if err != nil {
		t.Fatal(err)
	}
	needed := func(r *Refine) (*Job, int64) {
		j, err := job(t, Options{Recipes: []quantize.Recipe{recipe}, Refine: r, Quantize: quantize.Options{Importance: &quantize.Importance{Matrix: &imatrix.Matrix{}}}, Out: filepath.Join(t.TempDir(), "x.gguf")})
		if err != nil {
			t.Fatal(err)
		}
		p, err := j.Preflight(true)
		if err != nil {
			t.Fatal(err)
		}
		return j, p.Disk[0].Needed
	}
	_, plain := needed(nil)
	least := 2*plain + 4<<16*(5*256+768)
	if _, refined := needed(&Refine{Tokens: 1 << 16}); refined < least || refined > least+4096 { // two key-values
		t.Errorf("a refinement needs %d bytes of the disk, and the file has %d", refined, plain)
	}
	planned, err := job(t, Options{Recipes: []quantize.Recipe{recipe}, Refine: &Refine{Auto: true}, PlanOnly: true, Out: filepath.Join(t.TempDir(), "x.gguf"), Progress: func(r progress.Report) {
		t.Errorf("a plan runs the model: %v", r)
	}})
	if err != nil {
		t.Fatal(err)
	}
	if p, err := planned.Preflight(true); err != nil || p.Disk[0].Needed < plain {
		t.Errorf("the plan is %+v, %v", p, err)
	}
	if j, _ := needed(&Refine{Tokens: 1 << 40}); !errors.Is(j.checkDisks(), fault.ErrIO) {
		t.Errorf("no disk has that much room: %v", j.checkDisks())
	}
}

// TestAStoppedRefinementGoesOn: stopped after any layer, and then resumed, it
// gives the same bytes, and does not refine again what it had.
func TestAStoppedRefinementGoesOn(t *testing.T) {
	if testing.Short() {
		t.Skip("short: a model is refined several times")
	}
	page, err := os.ReadFile("../docs/quantization.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	whole, resumed := filepath.Join(dir, "whole.gguf"), filepath.Join(dir, "resumed.gguf")
	o := Options{Refine: &Refine{Texts: []Text{{Name: "page.txt", Content: string(page)}}, Tokens: 2048}}
	converted(t, whole, o)
	recipe, err := quantize.ParseRecipe("Q3_K_M")
	if err != nil {
		t.Fatal(err)
	}
	o.Recipes, o.Out, o.Resume = []quantize.Recipe{recipe}, resumed, true
	ended := false
	for stop := int64(1); !ended; stop += 2 {
		ctx, cancel := context.WithCancel(t.Context())
		first := int64(-1)
		o.Progress = func(r progress.Report) {
			if r.Step != "refining" || r.Total == 0 {
				return
			}
			if first < 0 {
				first = r.Done
			}
			if r.Done >= stop {
				cancel()
			}
		}
		j, err := job(t, o)
		if err != nil {
			t.Fatal(err)
		}
		_, err = j.Run(ctx)
		if ended = err == nil; !ended && !errors.As(err, new(*Unfinished)) {
			t.Fatal(err)
		}
		if first >= 0 && first <= stop-2 {
			t.Errorf("stopped behind %d steps, it goes on with the %d.", stop-2, first)
		}
		cancel()
	}
	want, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(resumed); err != nil || !bytes.Equal(got, want) {
		t.Errorf("stopped and resumed it gives other bytes (%v)", err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 2 {
		t.Errorf("%v is left (%v)", entries, err)
	}
}
