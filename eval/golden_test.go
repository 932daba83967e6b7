package eval

import (
	"context"
	"encoding/json"
	"io"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/f190792d/mq/eval/forward"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/tokenizer"
	"github.com/f190792d/mq/internal/shared"
	"github.com/f190792d/mq/quantize"
)

// reference is what llama-perplexity measured, by type.
type reference struct {
	PPL    float64 `json:"ppl"`
	Base   float64 `json:"ppl_base"`
	Mean   float64 `json:"kld_mean"`
	Max    float64 `json:"kld_max"`
	P99    float64 `json:"kld_p99"`
	Median float64 `json:"kld_median"`
	Top    float64 `json:"same_top"`
	RMS    float64 `json:"rms_dp"`
}

// most returns all cases, and the first alone where tests are to be short.
func most[T any](all ...T) []T {
	if testing.Short() {
		return all[:1]
	}
	return all
}

func readReferences(t *testing.T) map[string]reference {
	t.Helper()
	data, err := os.ReadFile(shared.Path(t, "golden/stories/eval.json"))
	if err != nil {
		t.Fatal(err)
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		t.Fatal(err)
	}
	all := map[string]reference{}
	for name, value := range raw {
		var r reference
		if json.Unmarshal(value, &r) == nil {
			all[name] = r
		}
	}
	return all
}

func openModel(t testing.TB, path string) *forward.Model {
	t.Helper()
	m, err := forward.Open(t.Context(), path, forward.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// heldOut returns the tokens of a text and how it is cut.
func heldOut(t testing.TB, m *forward.Model) ([]int32, Chunking) {
	t.Helper()
	text, err := os.ReadFile(shared.Path(t, "data/text/stories-heldout.txt"))
	if err != nil {
		t.Fatal(err)
	}
	tok, err := m.Tokenizer()
	if err != nil {
		t.Fatal(err)
	}
	c := Chunking{Context: 256, Chunks: 60, AddBOS: tok.AddsBOS()}
	c.BOS, _ = tok.Special("bos")
	return encoded(t, tok, string(text), tokenizer.Options{AddSpecial: true}), c
}

// quantized writes a type of the reference model and opens it.
func quantized(t testing.TB, name string) *forward.Model {
	t.Helper()
	source, err := gguf.Open(shared.Path(t, "golden/stories/stories-llama-BF16.gguf"))
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	recipe, err := quantize.ParseRecipe(name)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := quantize.NewPlan(source.KVs(), source.Tensors(), quantize.Options{Recipe: recipe})
	if err != nil {
		t.Fatal(err)
	}
	var streams []gguf.Stream
	for _, x := range source.Tensors() {
		streams = append(streams, source.Stream(x))
	}
	path := filepath.Join(t.TempDir(), name+".gguf")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	err = quantize.Run(context.Background(), streams, []quantize.Output{{Plan: plan, Files: []io.WriterAt{f}}}, quantize.RunOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return openModel(t, path)
}

func TestPerplexityOfQuantizedModels(t *testing.T) {
	want := readReferences(t)
	tolerances := map[string]float64{"Q2_K": .005, "TQ2_0": .01}
	for _, name := range most("Q3_K_M", "Q8_0", "Q5_0", "Q4_0", "Q4_K_M", "Q2_K", "IQ4_XS", "TQ2_0") {
		tolerance := max(tolerances[name], .001)
		m := quantized(t, name)
		tokens, c := heldOut(t, m)
		got, err := MeasurePerplexity(context.Background(), m, tokens, c, nil)
		if err != nil || math.Abs(got.Value/want[name].PPL-1) > tolerance {
			t.Errorf("%s: perplexity %v, %v, want %v", name, got.Value, err, want[name].PPL)
		}
	}
}

// The reference rounds activations to 8 bits, which adds to the divergence of
// every type about what it adds to Q8_0's. Rounded alike, the divergences agree.
func TestDivergenceOfQuantizedModels(t *testing.T) {
	want := readReferences(t)
	base := openModel(t, shared.Path(t, "golden/stories/stories-llama-BF16.gguf"))
	tokens, c := heldOut(t, base)
	for _, name := range most("Q4_K_M", "Q4_0") {
		for _, round := range most(true, false) {
			m := quantized(t, name).With(forward.Run{Rounded: round})
			d, err := MeasureDivergence(context.Background(), base, m, tokens, c, nil)
			if err != nil {
				t.Fatal(err)
			}
			w, tolerance := want[name], 0.08
			if round {
				tolerance = 0.02
			}
			t.Logf("%s, rounded %v: KL %.6f, p99 %.6f, same top %.3f; want %.6f, %.6f, %.3f", name, round, d.KLD.Value, d.KLDs.P99, 100*d.SameTop.Value, w.Mean, w.P99, w.Top)
			if math.Abs(d.KLD.Value/w.Mean-1) > tolerance || math.Abs(100*d.SameTop.Value-w.Top) > 0.5 || math.Abs(d.KLDs.P99/w.P99-1) > 0.12 {
				t.Errorf("%s, rounded %v: KL %v, 99%% %v, same top %v; want %+v", name, round, d.KLD.Value, d.KLDs.P99, d.SameTop.Value, w)
			}
		}
	}
}

// The perplexity is llama-perplexity's with -c 128 --chunks 20.
func TestPerplexityOfASentencePieceModel(t *testing.T) {
	m := openModel(t, shared.Path(t, "data/models/stories260K/stories260K.gguf"))
	tokens, c := heldOut(t, m)
	c.Context, c.Chunks = 128, 20
	got, err := MeasurePerplexity(context.Background(), m, tokens, c, nil)
	const want = 3.6131
	if err != nil || math.Abs(got.Value/want-1) > 1e-3 {
		t.Errorf("perplexity %v, %v, want %v", got.Value, err, want)
	}
}

// encoded are the tokens of a text.
func encoded(t testing.TB, tok *tokenizer.Tokenizer, text string, o tokenizer.Options) []int32 {
	t.Helper()
	tokens, err := tok.Encode(context.Background(), text, o)
	if err != nil {
		t.Fatal(err)
	}
	return tokens
}

// prompt are the tokens of the built-in text.
func prompt(t testing.TB, tok *tokenizer.Tokenizer) []int32 {
	t.Helper()
	tokens, err := Prompt(context.Background(), tok)
	if err != nil {
		t.Fatal(err)
	}
	return tokens
}
