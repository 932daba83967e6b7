package proof

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/f190792d/mq/eval"
	"github.com/f190792d/mq/eval/forward"
)

// TestDocumentedLimitsAreTheTable holds docs/validation.md to the table.
func TestDocumentedLimitsAreTheTable(t *testing.T) {
	page, err := os.ReadFile("../../docs/validation.md")
	if err != nil {
		t.Fatal(err)
	}
	var rows strings.Builder
	for _, l := range table {
		top1 := "–"
		if l.Top1 > 0 {
			top1 = fmt.Sprintf("%.0f %%", 100*l.Top1)
		}
		fmt.Fprintf(&rows, "| %g | %.0f %% | %g | %s | %.7g | %g |\n", l.Bits, 100*l.Part, l.KLD, top1, l.Ratio, l.Cosine)
	}
	if !strings.Contains(string(page), rows.String()) {
		t.Errorf("docs/validation.md lacks:\n%s", rows.String())
	}
}

func TestFewerBitsAreNeverHeldToTighterLimits(t *testing.T) {
	for i := 1; i < len(table); i++ {
		a, b := table[i-1], table[i]
		if b.Bits >= a.Bits || b.Part < a.Part || b.KLD < a.KLD || b.Top1 > a.Top1 || b.Ratio < a.Ratio || b.Cosine > a.Cosine {
			t.Errorf("row %d: %+v after %+v", i, b, a)
		}
	}
	if last := table[len(table)-1]; last.Bits != 0 {
		t.Errorf("no row for less than %g bits", last.Bits)
	}
}

func TestEveryFigureBeyondItsLimitIsNamed(t *testing.T) {
	l := For(16)
	for name, c := range map[string]struct {
		a    eval.Agreement
		want string
	}{
		"good":         {eval.Agreement{MeanKLD: l.KLD, Top1: l.Top1, Ratio: l.Ratio}, ""},
		"divergence":   {eval.Agreement{MeanKLD: 2 * l.KLD, Top1: 1, Ratio: 1}, "KL divergence"},
		"top 1":        {eval.Agreement{Top1: l.Top1 / 2, Ratio: 1}, "most likely token"},
		"perplexity":   {eval.Agreement{Top1: 1, Ratio: 2 * l.Ratio}, "perplexity"},
		"not a number": {eval.Agreement{MeanKLD: nan(), Top1: 1, Ratio: 1}, "KL divergence"},
	} {
		got := strings.Join(l.Explain(c.a), "; ")
		if c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestPartsAreJudgedByTheirOwnType(t *testing.T) {
	for _, c := range []struct {
		part    forward.PartDifference
		refined bool
		good    bool
	}{
		{forward.PartDifference{Bits: 16, Distance: 0.01}, false, true},
		{forward.PartDifference{Bits: 16, Distance: 0.05}, false, false},
		{forward.PartDifference{Bits: 4.5, Distance: 0.05}, false, true},
		{forward.PartDifference{Bits: 1.125, Distance: 1.4}, false, false},
		{forward.PartDifference{Bits: 1.125, Distance: nan()}, false, false},
		{forward.PartDifference{Kind: forward.PartVector, Distance: 1e-3}, false, true},
		{forward.PartDifference{Kind: forward.PartVector, Distance: 1e-2}, false, false},
		{forward.PartDifference{Kind: forward.PartFigure, Distance: 1e-3}, false, false},
		{forward.PartDifference{Bits: 4.5, Distance: 0.61}, false, false},
		{forward.PartDifference{Bits: 4.5, Distance: 0.61}, true, true},
		{forward.PartDifference{Bits: 4.5, Distance: 1}, true, false},
		{forward.PartDifference{Bits: 16, Distance: 0.05}, true, false},
		{forward.PartDifference{Kind: forward.PartVector, Distance: 1e-2}, true, false},
		{forward.PartDifference{Kind: forward.PartMatrix, Bits: 16, Mismatch: "has other rows"}, false, false},
	} {
		if got := explainPart(c.part, c.refined); (got == "") != c.good {
			t.Errorf("%+v: %q", c.part, got)
		}
	}
}

func nan() float64 {
	zero := 0.0
	return zero / zero
}
