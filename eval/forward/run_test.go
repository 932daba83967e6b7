package forward

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"testing"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/internal/fixtures/models"
)

func TestWorkersDoNotChangeLogits(t *testing.T) {
	m, g := open(t, stories), readGolden(t)
	want := logits(t, m.With(Run{Workers: 1}), g.IDs)
	for _, workers := range []int{2, 3, 7} {
		if !slices.Equal(logits(t, m.With(Run{Workers: workers}), g.IDs), want) {
			t.Errorf("%d workers give other logits than one", workers)
		}
	}
}

func TestSequencesOfABatchAreBlindToEachOther(t *testing.T) {
	m, g := open(t, stories), readGolden(t)
	const from = 5
	batch := [][]int32{g.IDs[:40], g.IDs[3:100], g.IDs[:7], g.IDs}
	got := make([][]float32, len(batch))
	err := m.Batch(context.Background(), batch, from, func(i, position int, rows []float32) error {
		if want := from + len(got[i])/m.Vocabulary(); position != want {
			t.Errorf("sequence %d: position %d, want %d", i, position, want)
		}
		got[i] = append(got[i], rows...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, tokens := range batch {
		if want := logits(t, m, tokens)[from*m.Vocabulary():]; !slices.Equal(got[i], want) {
			t.Errorf("sequence %d has other logits in a batch than alone", i)
		}
	}
}

func TestSessionGivesTheLogitsOfTheWholeSequence(t *testing.T) {
	m := open(t, stories)
	var tokens []int32
	for i := range 300 { // more than two tiles of keys
		tokens = append(tokens, int32(i*i*7%1000))
	}
	want, vocab := logits(t, m, tokens), m.Vocabulary()
	s := m.NewSession()
	for i := 0; i < len(tokens); {
		n := min(1+i/3, len(tokens)-i)
		got, err := s.Append(context.Background(), tokens[i:i+n]...)
		if err != nil {
			t.Fatal(err)
		}
		i += n
		if s.Len() != i || !slices.Equal(got, want[(i-1)*vocab:i*vocab]) {
			t.Fatalf("after %d tokens, %d at once: other logits than in one pass", i, n)
		}
	}
}

func TestRejectsTokensOutsideTheVocabulary(t *testing.T) {
	m := open(t, stories)
	for _, token := range []int32{-1, int32(m.Vocabulary())} {
		if _, err := m.Logits(context.Background(), []int32{1, token}, 0); !errors.Is(err, fault.ErrCorrupt) {
			t.Errorf("token %d: %v", token, err)
		}
	}
}

func TestCancelledRunsEnd(t *testing.T) {
	m := open(t, stories)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := m.Logits(ctx, []int32{1, 2, 3}, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// Every kind of layer keeps in its state what later tokens need of earlier
// ones.
func TestSessionsOfEveryKindOfLayer(t *testing.T) {
	for _, name := range []string{"mistral", "llama4", "ministral3", "deepseek-v2", "deepseek-v3", "qwen3moe", "qwen3next", "qwen35moe"} {
		dir := unpack(t, filepath.Join(references, name+".zip"))
		amplify(t, dir)
		m := open(t, dir)
		tokens := make([]int32, 140)
		for i := range tokens {
			tokens[i] = int32(i * i * 7 % m.Vocabulary())
		}
		want, vocab := logits(t, m, tokens), m.Vocabulary()
		for _, from := range []int{70, len(tokens) - 1, len(tokens)} {
			if got, err := m.Logits(context.Background(), tokens, from); err != nil || !slices.Equal(got, want[from*vocab:]) {
				t.Fatalf("%s: from position %d on: other logits than of all positions (%v)", name, from, err)
			}
		}
		s := m.NewSession()
		for i := 0; i < len(tokens); {
			n := min(1+i%5*3, len(tokens)-i)
			got, err := s.Append(context.Background(), tokens[i:i+n]...)
			if err != nil {
				t.Fatal(err)
			}
			if i += n; !slices.Equal(got, want[(i-1)*vocab:i*vocab]) {
				t.Fatalf("%s: after %d tokens, %d at once: other logits than in one pass", name, i, n)
			}
		}
	}
}

// checkBranches compares branches with whole sequences.
func checkBranches(t *testing.T, m *Model, prefix []int32, branches [][]int32) {
	t.Helper()
	got, err := m.Branches(t.Context(), prefix, branches)
	if err != nil || len(got) != len(branches) {
		t.Fatal(len(got), err)
	}
	for i, b := range branches {
		want, err := m.LogProbs(t.Context(), [][]int32{slices.Concat(prefix, b)}, len(prefix)-1)
		if err != nil || len(want[0]) != len(b) || !slices.Equal(got[i], want[0]) {
			t.Errorf("branch %d: %v, in one pass %v, %v", i, got[i], want[0], err)
		}
	}
}

func TestBranchesGiveTheLogProbsOfWholeSequences(t *testing.T) {
	for _, name := range []string{"llama", "deepseek-v3", "qwen3next"} {
		m := open(t, unpack(t, filepath.Join(references, name+".zip")))
		checkBranches(t, m, []int32{5, 9, 2, 77}, [][]int32{{1, 2, 3}, {}, {4}, {1, 2, 8, 8, 8}})
	}
}

// TestSessionKeepsCompressedPositions appends to a model that keeps keys of
// several positions: windows end within and between the calls.
func TestSessionKeepsCompressedPositions(t *testing.T) {
	for _, f := range models.All(t) {
		if f.Class != "DeepseekV4ForCausalLM" {
			continue
		}
		m, tokens := open(t, f.Unpack(t)), f.Prompts[1].Tokens
		want, vocab := logits(t, m, tokens), m.Vocabulary()
		s := m.NewSession()
		for i, n := 0, 1; i < len(tokens); n = n%11 + 3 {
			n = min(n, len(tokens)-i)
			got, err := s.Append(context.Background(), tokens[i:i+n]...)
			if err != nil {
				t.Fatal(err)
			}
			if i += n; !slices.Equal(got, want[(i-1)*vocab:i*vocab]) {
				t.Fatalf("%s: after %d tokens, %d at once: other logits than in one pass", f.Name, i, n)
			}
		}
		prefix := tokens[:70]
		checkBranches(t, m, prefix, [][]int32{tokens[70:90], tokens[70:133]})
	}
}

// TestSequencesGrowTogether compares with sequences that grow alone.
func TestSequencesGrowTogether(t *testing.T) {
	m := open(t, stories)
	texts := [][]int32{{1, 40, 300, 7}, {1, 500, 2, 99}, {3, 3, 3, 3}}
	together := m.NewSessions(len(texts))
	alone := make([]*Session, len(texts))
	for i := range alone {
		alone[i] = m.NewSession()
	}
	for at := range texts[0] {
		var next []int32
		for _, text := range texts {
			next = append(next, text[at])
		}
		seen := 0
		err := together.Append(t.Context(), next, func(i int, logits []float32) error {
			want, err := alone[i].Append(t.Context(), texts[i][at])
			if err != nil {
				return err
			}
			if i != seen || !slices.Equal(logits, want) {
				t.Errorf("token %d of sequence %d: logits differ", at, i)
			}
			seen++
			return nil
		})
		if err != nil || seen != len(texts) {
			t.Fatal(seen, err)
		}
	}
}
