package validate

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
)

// marks stand before an outcome where there is no colour.
var marks = map[Severity]string{Pass: "✅", Skipped: "➖", Note: "ℹ️", Warning: "⚠️", Fail: "❌"}

// shownFindings bounds the list of findings in a summary.
const shownFindings = 20

// WriteMarkdown writes a summary for people, as the pages of CI systems show
// it.
func (r *Report) WriteMarkdown(w io.Writer) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "## %s %s: %s\n\n", marks[r.Verdict], code(r.File), r.Verdict)
	fmt.Fprintf(&b, "%s, %s, %.2f bits per weight", orDash(r.Arch), bytesText(r.Bytes), r.Bits)
	if r.Source != "" {
		fmt.Fprintf(&b, ", against %s", code(r.Source))
	}
	b.WriteString("\n\n| | check | |\n|---|---|---|\n")
	for _, c := range r.Checks {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", marks[c.Severity], c.Name, cell(c.Detail))
	}
	if len(r.Findings) > 0 {
		b.WriteString("\n")
	}
	for i, f := range r.Findings {
		if i == shownFindings {
			fmt.Fprintf(&b, "- … and %d more\n", len(r.Findings)-i)
			break
		}
		fmt.Fprintf(&b, "- %s %s: %s\n", marks[f.Severity], f.Check, cell(f.String()))
	}
	if worst := r.Worst(10); len(worst) > 0 {
		b.WriteString("\n| tensor | type | relative RMSE | to expected | SNR | cosine |\n|---|---|--:|--:|--:|--:|\n")
		for _, t := range worst {
			fmt.Fprintf(&b, "| %s | %s | %.4g | %.3f | %s | %.5f |\n", code(t.Name), t.Type, t.Error.Relative, t.Error.Excess(), t.Error.decibels(), t.Error.Cosine)
		}
	}
	if r.Made != nil {
		fmt.Fprintf(&b, "\n%s\n", code(r.Made.String()))
	}
	_, err := w.Write(b.Bytes())
	return err
}

// Worst returns the n tensors that stand out most: those that failed, then
// those with the largest relative error. Exact copies are not among them.
func (r *Report) Worst(n int) []Tensor {
	var list []Tensor
	for _, t := range r.Tensors {
		if t.Error != nil && t.Error.RMSE > 0 {
			list = append(list, t)
		}
	}
	slices.SortStableFunc(list, func(a, b Tensor) int {
		return cmp.Or(
			cmp.Compare(slices.Index(ranks, b.Severity), slices.Index(ranks, a.Severity)),
			cmp.Compare(b.Error.Relative, a.Error.Relative))
	})
	return list[:min(n, len(list))]
}

// decibels writes the ratio of signal to noise.
func (d *Deviation) decibels() string {
	if d.SNR == nil {
		return "exact"
	}
	return fmt.Sprintf("%.1f dB", *d.SNR)
}

// code and cell keep the text of a file from being taken for markup.
func code(s string) string {
	return "`" + strings.NewReplacer("`", "'", "|", "\\|", "\n", " ").Replace(s) + "`"
}

func cell(s string) string {
	return strings.NewReplacer("|", "\\|", "<", "&lt;", "\n", " ").Replace(s)
}

func orDash(s string) string { return cmp.Or(s, "–") }

// bytesText writes bytes in powers of 1024.
func bytesText(n int64) string {
	value, unit := float64(n), 0
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	for value >= 1024 && unit < len(units)-1 {
		value /= 1024
		unit++
	}
	if unit == 0 {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.2f %s", value, units[unit])
}
