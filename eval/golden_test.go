package eval

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/f190792d/mq/eval/forward"
	"github.com/f190792d/mq/formats/tokenizer"
	"github.com/f190792d/mq/internal/shared"
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
	m, err := forward.Open(path)
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
	return tok.Encode(string(text), tokenizer.Options{AddSpecial: true}), c
}

func TestQuantizedModelsOfTheReference(t *testing.T) {
	dir := os.Getenv("MQ_QUANTIZED")
	if dir == "" {
		t.Skip("set MQ_QUANTIZED to a folder of quantized stories-llama files, named TYPE.gguf")
	}
	base := openModel(t, shared.Path(t, "golden/stories/stories-llama-BF16.gguf"))
	tokens, c := heldOut(t, base)
	for name, want := range readReferences(t) {
		path := filepath.Join(dir, name+".gguf")
		if _, err := os.Stat(path); err != nil {
			continue
		}
		d, err := MeasureDivergence(context.Background(), base, openModel(t, path), tokens, c, nil)
		if err != nil {
			t.Fatal(err)
		}
		tolerance := 0.005
		if strings.Contains(name, "1_") || strings.Contains(name, "2_") {
			tolerance = 0.02
		}
		off := d.Perplexity.Value/want.PPL - 1
		t.Logf("%-16s ppl %9.5f want %9.5f (%+.3f%%)  kld %.6f want %.6f (%+.2f%%) p99 %.5f/%.5f  top %.3f want %.3f rms %.3f/%.3f", name, d.Perplexity.Value, want.PPL, 100*off,
			d.KLD.Value, want.Mean, 100*(d.KLD.Value/want.Mean-1), d.KLDs.P99, want.P99, 100*d.SameTop.Value, want.Top, 100*d.RMSDelta.Value, want.RMS)
		if math.Abs(off) > tolerance {
			t.Errorf("%s: perplexity %v, want %v", name, d.Perplexity.Value, want.PPL)
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
