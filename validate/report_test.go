package validate_test

import (
	"bytes"
	"encoding/json"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/f190792d/mq/validate"
)

func asJSON(t *testing.T, r *validate.Report) string {
	t.Helper()
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestReportsTellTheVerdictEverywhere(t *testing.T) {
	path := converted(t, stories, "Q4_0", nil)
	flip(t, path, "blk.1.ffn_up.weight", 0, 3)
	r := check(t, path, validate.Options{Against: stories})
	var page, summary bytes.Buffer
	if err := r.WriteHTML(&page); err != nil {
		t.Fatal(err)
	}
	if err := r.WriteMarkdown(&summary); err != nil {
		t.Fatal(err)
	}
	for form, text := range map[string]string{"HTML": page.String(), "Markdown": summary.String(), "JSON": asJSON(t, r)} {
		for _, want := range []string{"fail", "blk.1.ffn_up.weight", "model-Q4_0.gguf", "stories-llama"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s lacks %q", form, want)
			}
		}
	}
	for _, section := range []string{"Error by layer", "Size by tensor", "Divergence", "Worst tensors", `class="cell bad"`} {
		if !strings.Contains(page.String(), section) {
			t.Errorf("the page lacks %q", section)
		}
	}
	if found := regexp.MustCompile(`(?i)(src|href)\s*=|url\(|https?://|<script`).FindString(page.String()); found != "" {
		t.Errorf("the page is not self-contained: %q", found)
	}
}

func TestThePageShowsWhatRefinementLeft(t *testing.T) {
	r := &validate.Report{File: "m.gguf", Verdict: validate.Pass, Refined: []validate.Refined{
		{Layer: "blk.0", Matrices: 7, Before: 0.08, After: 0.02}, {Layer: "output.weight", Matrices: 1, Before: 0.16, After: 0.08},
	}}
	var page bytes.Buffer
	if err := r.WriteHTML(&page); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Refinement by layer", "blk.0", "0.08 → 0.02", `width="300"`, `width="75"`, "0.16 → 0.08", `width="600"`} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

func TestNamesOfAFileAreNoMarkup(t *testing.T) {
	r := &validate.Report{File: "<script>alert(1)</script>.gguf", Verdict: validate.Pass,
		Findings: []validate.Finding{{Check: validate.Layout, Severity: validate.Note, Message: "<img src=x> | `x`"}}}
	var page, summary bytes.Buffer
	if err := r.WriteHTML(&page); err != nil {
		t.Fatal(err)
	}
	if err := r.WriteMarkdown(&summary); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(page.String(), "<script>") || strings.Contains(page.String(), "<img") || strings.Contains(summary.String(), "<img") {
		t.Errorf("text from a file becomes markup:\n%s", summary.String())
	}
}

// TestReportsSayWhenAndByWhatTheyWereMade: those who read them later were not
// there.
func TestReportsSayWhenAndByWhatTheyWereMade(t *testing.T) {
	r := &validate.Report{File: "m.gguf", Verdict: validate.Pass, Made: &validate.Making{Date: time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC), Version: "v1", Command: "mq validate m.gguf --report '<r>'"}}
	for want, write := range map[string]func(*validate.Report, io.Writer) error{
		"2026-05-04 03:02 UTC, mq v1: mq validate m.gguf --report &#39;&lt;r&gt;&#39;": (*validate.Report).WriteHTML,
		"2026-05-04 03:02 UTC, mq v1: mq validate m.gguf --report '<r>'":               (*validate.Report).WriteMarkdown,
	} {
		var b bytes.Buffer
		if err := write(r, &b); err != nil || !strings.Contains(b.String(), want) {
			t.Errorf("%v: no %s", err, want)
		}
	}
}
