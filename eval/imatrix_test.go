package eval

import (
	"context"
	"errors"
	"math"
	"os"
	"testing"

	"github.com/f190792d/mq/formats/imatrix"
	"github.com/f190792d/mq/formats/tokenizer"
	"github.com/f190792d/mq/internal/shared"
)

func TestImatrixOfTheReference(t *testing.T) {
	want, err := imatrix.Read(t.Context(), shared.Path(t, "golden/stories/imatrix.gguf"))
	if err != nil {
		t.Fatal(err)
	}
	m, tok := storiesWithTokenizer(t)
	text, err := os.ReadFile(shared.Path(t, "data/text/tinystories_train_excerpt.txt"))
	if err != nil {
		t.Fatal(err)
	}
	tokens := encoded(t, tok, string(text), tokenizer.Options{AddSpecial: true})
	c := Collection{Chunking: Chunking{Context: 256, Chunks: want.Chunks, AddBOS: tok.AddsBOS()}}
	c.BOS, _ = tok.Special("bos")
	got, _, err := CollectImatrix(context.Background(), m, tokens, c, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got.Chunks != want.Chunks || got.ChunkSize != 256 || len(got.Entries) != len(want.Entries) {
		t.Errorf("%d chunks of %d, %d entries; want %d of %d, %d", got.Chunks, got.ChunkSize, len(got.Entries), want.Chunks, want.ChunkSize, len(want.Entries))
	}
	worst := 0.0
	for name, w := range want.Entries {
		g := got.Entries[name]
		if g == nil || len(g.Sums) != len(w.Sums) || g.Counts[0] != w.Counts[0] {
			t.Fatalf("%s: entry %+v", name, g)
		}
		var off, all float64
		for i, v := range w.Sums {
			off += math.Abs(float64(g.Sums[i] - v))
			all += float64(v)
		}
		worst = max(worst, off/all)
	}
	t.Logf("largest relative difference of an entry %.2g", worst)
	if worst > 1e-3 {
		t.Errorf("sums differ by %.2g of their size", worst)
	}
}

func TestImatrixCountsPositions(t *testing.T) {
	m, tok := storiesWithTokenizer(t)
	tokens := encoded(t, tok, PromptText, tokenizer.Options{AddSpecial: true})
	for _, c := range []Collection{
		{Perplexity: true}, {ProcessOutput: true}, {ProcessOutput: true, Perplexity: true}, {},
	} {
		c.Context, c.Chunks = 32, 3
		got, ppl, err := CollectImatrix(context.Background(), m, tokens, c, nil)
		if err != nil {
			t.Fatal(err)
		}
		for name, e := range got.Entries {
			if len(e.Counts) != 1 || e.Counts[0] != 96 {
				t.Errorf("%+v: %s counts %v, want 96", c, name, e.Counts)
			}
		}
		_, output := got.Entries["output.weight"]
		if output != c.ProcessOutput && !m.Hyper().Tied {
			t.Errorf("%+v: output collected: %v", c, output)
		}
		if (ppl.Tokens > 0) != c.Perplexity {
			t.Errorf("%+v: perplexity %+v", c, ppl)
		}
	}
}

// A matrix of the first chunks and one of the others make that of all: this is
// how a collection that was stopped goes on.
func TestImatrixIsTheSumOfItsParts(t *testing.T) {
	ctx := context.Background()
	m, tok := storiesWithTokenizer(t)
	tokens := encoded(t, tok, PromptText, tokenizer.Options{AddSpecial: true})
	for _, perplexity := range []bool{false, true} {
		var first *imatrix.Matrix
		c := Collection{Chunking: Chunking{Context: 16, Chunks: 9, Batch: 32}, Perplexity: perplexity}
		seen := 0
		c.Snapshot = func(chunks int, sofar func() (*imatrix.Matrix, error)) (err error) {
			if seen += 2; chunks != seen {
				t.Errorf("a snapshot after %d chunks, not %d", chunks, seen)
			}
			if chunks == 4 {
				first, err = sofar()
			}
			return err
		}
		want, _, err := CollectImatrix(ctx, m, tokens, c, nil)
		if err != nil {
			t.Fatal(err)
		}
		c.Snapshot, c.Skip, c.Chunks = nil, 4, 5
		rest, _, err := CollectImatrix(ctx, m, tokens, c, nil)
		if err != nil {
			t.Fatal(err)
		}
		if first.Chunks != 4 || rest.Chunks != 5 {
			t.Errorf("parts of %d and %d chunks", first.Chunks, rest.Chunks)
		}
		sum, err := imatrix.Merge(0, first, rest)
		if err != nil {
			t.Fatal(err)
		}
		if sum.Chunks != want.Chunks {
			t.Errorf("%d chunks, want %d", sum.Chunks, want.Chunks)
		}
		compareMatrices(t, sum, want)

		stop := errors.New("stop")
		c.Snapshot = func(int, func() (*imatrix.Matrix, error)) error { return stop }
		if _, _, err := CollectImatrix(ctx, m, tokens, c, nil); !errors.Is(err, stop) {
			t.Errorf("the error of a snapshot is lost: %v", err)
		}
	}
}
