package eval

import (
	"slices"
	"testing"
)

// TestSamplesGoOnWithTheirPrompts: and are the same for the same seed.
func TestSamplesGoOnWithTheirPrompts(t *testing.T) {
	m := openModel(t, "../testdata/stories-llama")
	prompts := [][]int32{{1, 40, 300}, {1}, {1}}
	draw := func(seed uint64) [][]int32 {
		texts, err := Sample(t.Context(), m, prompts, 24, seed, nil)
		if err != nil {
			t.Fatal(err)
		}
		return texts
	}
	texts := draw(1)
	for i, text := range texts {
		if len(text) != 24 || !slices.Equal(text[:len(prompts[i])], prompts[i]) {
			t.Errorf("%v does not go on with %v", text, prompts[i])
		}
	}
	if slices.Equal(texts[1], texts[2]) || slices.EqualFunc(texts, draw(2), slices.Equal) {
		t.Error("texts of different draws are the same")
	}
	if !slices.EqualFunc(texts, draw(1), slices.Equal) {
		t.Error("the same seed gives other texts")
	}
}

func TestTokensAreDrawnByTheirProbabilities(t *testing.T) {
	logits := []float32{0, 1.0986123, 0} // 1 : 3 : 1
	for share, want := range map[float64]int32{0: 0, 0.19: 0, 0.21: 1, 0.79: 1, 0.81: 2, 0.999: 2} {
		if got := drawn(logits, share); got != want {
			t.Errorf("at %g of the way: token %d, want %d", share, got, want)
		}
	}
}
