package validate

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"sync"
)

//go:embed report.html
var page string

var pageTemplate = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("report").Funcs(pageFunctions).Parse(page))
})

var pageFunctions = template.FuncMap{
	"bytes":   bytesText,
	"percent": func(x float64) string { return fmt.Sprintf("%.1f %%", 100*x) },
	"number":  func(x float64) string { return fmt.Sprintf("%.4g", x) },
	"fixed":   func(x float64) string { return fmt.Sprintf("%.3f", x) },
	"cosine":  func(x float64) string { return fmt.Sprintf("%.5f", x) },
	"snr":     (*Deviation).decibels,
	"shape":   func(shape []int64) string { return fmt.Sprint(shape) },
	"mark": func(s Severity) string {
		return map[Severity]string{Pass: "✓", Skipped: "–", Note: "i", Warning: "!", Fail: "✗"}[s]
	},
}

// WriteHTML writes the report as one page without any other file: it asks the
// network for nothing, and follows the light or dark mode of the reader.
func (r *Report) WriteHTML(w io.Writer) error {
	return pageTemplate().Execute(w, struct {
		*Report
		Fails, Warnings int
		Headline        string
		Heat            *heatMap
		Sizes           *sizeChart
		Histogram       *histogram
		Top             []Tensor
		Gains           []gain
	}{r, r.count(Fail), r.count(Warning), r.headline(), newHeatMap(r.Tensors), newSizeChart(r.Tensors), newHistogram(r.Logits), r.Worst(10), gainsOf(r.Refined)})
}

// headline says the verdict in a sentence.
func (r *Report) headline() string {
	against := ""
	if r.Source != "" {
		against = " against " + r.Source
	}
	switch r.Verdict {
	case Fail:
		return fmt.Sprintf("Do not use this file: %d %s%s.", r.count(Fail), plural(r.count(Fail), "failure"), against)
	case Warning:
		return fmt.Sprintf("The file holds up%s; %d %s to know of.", against, r.count(Warning), plural(r.count(Warning), "thing"))
	}
	return fmt.Sprintf("The file holds up%s.", against)
}

// gain is a bar of a layer's errors: how wide they were and are.
type gain struct {
	Refined
	Wide, Left int
}

const gainWidth = 600

func gainsOf(list []Refined) []gain {
	largest := 0.0
	for _, r := range list {
		largest = max(largest, r.Before)
	}
	var gains []gain
	for _, r := range list {
		if largest > 0 {
			gains = append(gains, gain{r, int(gainWidth * r.Before / largest), int(gainWidth * r.After / largest)})
		}
	}
	return gains
}
