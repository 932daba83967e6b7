package vocab

import (
	"errors"
	"testing"

	"github.com/f190792d/mq/formats/fault"
	"github.com/google/go-cmp/cmp"
)

func TestTekkenMergesAreAllWaysToSplitAToken(t *testing.T) {
	var tokens []string
	for b := range 256 {
		tokens = append(tokens, string([]byte{byte(b)}))
	}
	tokens = append(tokens, "ab", "ba", "aba")
	merges, err := allSplits(tokens)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a b", "b a", "a ba", "ab a"}, merges); diff != "" {
		t.Error(diff)
	}
	tokens = append(tokens, "xyz")
	if _, err := allSplits(tokens); !errors.Is(err, fault.ErrCorrupt) {
		t.Errorf("a token that nothing makes: %v", err)
	}
}
