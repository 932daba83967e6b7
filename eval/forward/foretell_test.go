package forward

import (
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/internal/brief"
	"github.com/f190792d/mq/internal/fixtures/models"
)

// TestLogProbsAreThoseOfTheLogits compares with the sum over whole rows, for any
// number of workers and in any company.
func TestLogProbsAreThoseOfTheLogits(t *testing.T) {
	check := func(t *testing.T, m *Model, tokens []int32) {
		const from = 3
		rows, vocab := logits(t, m, tokens), m.Vocabulary()
		low, high := slices.Min(rows), slices.Max(rows)
		alone, err := m.LogProbs(t.Context(), [][]int32{tokens}, from)
		if err != nil || len(alone[0]) != len(tokens)-1-from {
			t.Fatal(len(alone[0]), err)
		}
		for i, got := range alone[0] {
			row, sum := rows[(from+i)*vocab:][:vocab], 0.0
			peak := slices.Max(row)
			for _, v := range row {
				sum += math.Exp(float64(v) - float64(peak))
			}
			want := float64(row[tokens[from+i+1]]) - float64(peak) - math.Log(sum)
			if !(math.Abs(got-want) <= 1e-6*float64(high-low)) {
				t.Errorf("position %d: %v, and %v of whole rows", from+i, got, want)
			}
		}
		for workers := 1; workers <= 3; workers++ {
			both, err := m.With(Run{Workers: workers}).LogProbs(t.Context(), [][]int32{tokens[:2], tokens, tokens[:7]}, from)
			if err != nil || both[0] != nil || !slices.Equal(both[1], alone[0]) || len(both[2]) != 3 {
				t.Errorf("%d workers, in company: other log-probabilities (%v)", workers, err)
			}
		}
	}
	t.Run("stories", func(t *testing.T) { check(t, open(t, stories), readGolden(t).IDs) })
	for _, f := range brief.Of(models.All(t), 8) {
		t.Run(f.Name, func(t *testing.T) {
			if m := open(t, f.Unpack(t)); m.Vocabulary() > 0 {
				check(t, m, f.Prompts[0].Tokens)
			}
		})
	}
}

func TestLogProbsNeedTokensOfTheVocabulary(t *testing.T) {
	m := open(t, stories)
	for _, token := range []int32{-1, int32(m.Vocabulary())} {
		if _, err := m.LogProbs(t.Context(), [][]int32{{1, token}}, 0); !errors.Is(err, fault.ErrCorrupt) {
			t.Errorf("token %d: %v", token, err)
		}
		if _, err := m.Branches(t.Context(), []int32{1}, [][]int32{{2}, {3, token}}); !errors.Is(err, fault.ErrCorrupt) {
			t.Errorf("token %d in a branch: %v", token, err)
		}
	}
}
