package tokenizer

import (
	"testing"

	"github.com/f190792d/mq/formats/tokenizer/pattern"
	"github.com/google/go-cmp/cmp"
)

func TestSplitBehaviors(t *testing.T) {
	sep := "-"
	for behavior, want := range map[string][]string{
		"Removed":            {"the", "final", "countdown"},
		"Isolated":           {"the", "-", "final", "-", "-", "countdown"},
		"MergedWithPrevious": {"the-", "final-", "-", "countdown"},
		"MergedWithNext":     {"the", "-final", "-", "-countdown"},
		"Contiguous":         {"the", "-", "final", "--", "countdown"},
	} {
		c := Step{Behavior: behavior}
		c.Pattern.String = &sep
		step, err := splitStep(&c)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, step(pattern.NewWork(t.Context(), 100), nil, "the-final--countdown", true)); diff != "" {
			t.Errorf("%s: %s", behavior, diff)
		}
	}
}
