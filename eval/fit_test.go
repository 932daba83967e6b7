package eval

import "testing"

func TestPromptsFitTheMemoryLimit(t *testing.T) {
	tokens := make([]int32, promptTokens)
	const vocabulary = 128256
	for _, c := range []struct {
		limit int64
		want  int
	}{{0, promptTokens}, {1 << 40, promptTokens}, {1 << 20, 16}, {400 << 20, 100 << 20 / (4*vocabulary + 256<<10)}} {
		if got := len(FitPrompt(tokens, vocabulary, c.limit)); got != c.want {
			t.Errorf("limit %d: %d tokens, want %d", c.limit, got, c.want)
		}
	}
}
