package validate

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Charts are laid out here, in units of a drawing that the page scales to its
// width; the template only draws.

// heatMap shows the relative error of each tensor, layers down, kinds across.
type heatMap struct {
	Width, Height int
	Cells         []heatCell
	Columns, Rows []label
	Others        []heatCell // tensors outside of layers
	OtherLabels   []label
	Scale         []heatCell
	Low, High     string
}

type heatCell struct {
	X, Y, W, H int
	Fill       string
	Title      string
	Bad        bool
}

type label struct {
	X, Y int
	Text string
}

const (
	heatLeft, heatTop = 30, 96 // room for the labels
)

// newHeatMap lays out the tensors that are matrices or have an error. It is
// nil where none was compared.
func newHeatMap(tensors []Tensor) *heatMap {
	var kinds []string
	var shown, others []Tensor
	layers := 0
	low, high := math.Inf(1), 0.0
	for _, t := range tensors {
		if t.Error == nil || len(t.Shape) < 2 && t.Error.RMSE == 0 {
			continue
		}
		if e := t.Error.Relative; e > 0 {
			low, high = min(low, e), max(high, e)
		}
		if t.Layer < 0 {
			others = append(others, t)
			continue
		}
		shown = append(shown, t)
		layers = max(layers, t.Layer+1)
		if !slices.Contains(kinds, t.Kind) {
			kinds = append(kinds, t.Kind)
		}
	}
	if len(shown)+len(others) == 0 {
		return nil
	}
	if high == 0 {
		low, high = 1e-9, 1e-9
	}
	tall, heatWide := 18, 34 // of a cell
	switch {
	case layers > 40:
		tall = 10
	case layers <= 16 && len(kinds) <= 8:
		tall, heatWide = 26, 48
	}
	m := &heatMap{Low: fmt.Sprintf("%.2g", low), High: fmt.Sprintf("%.2g", high)}
	fill := func(t Tensor) string { return heatColour(t.Error.Relative, low, high) }
	for i, kind := range kinds {
		m.Columns = append(m.Columns, label{heatLeft + i*heatWide + heatWide/2 + 4, heatTop - 6, strings.TrimSuffix(kind, ".weight")})
	}
	for l := 0; l < layers; l += max(1, 16/tall) {
		m.Rows = append(m.Rows, label{heatLeft - 6, heatTop + l*tall + tall/2 + 4, strconv.Itoa(l)})
	}
	for _, t := range shown {
		m.Cells = append(m.Cells, heatCell{
			heatLeft + slices.Index(kinds, t.Kind)*heatWide, heatTop + t.Layer*tall, heatWide - 2, tall - 2,
			fill(t), heatTitle(t), t.Severity == Fail,
		})
	}
	y := heatTop + layers*tall + 14
	for i, t := range others {
		m.Others = append(m.Others, heatCell{heatLeft, y + i*22, heatWide - 2, 16, fill(t), heatTitle(t), t.Severity == Fail})
		m.OtherLabels = append(m.OtherLabels, label{heatLeft + heatWide + 6, y + i*22 + 12, t.Name})
	}
	y += len(others)*22 + 8
	const steps = 40
	for i := range steps {
		e := low * math.Pow(high/low, float64(i)/(steps-1))
		m.Scale = append(m.Scale, heatCell{X: heatLeft + i*4, Y: y, W: 4, H: 10, Fill: heatColour(e, low, high)})
	}
	m.Width = max(heatLeft+len(kinds)*heatWide+60, 260)
	m.Height = y + 32
	return m
}

// ScaleY is where the labels of the scale stand.
func (m *heatMap) ScaleY() int { return m.Height - 8 }

func heatTitle(t Tensor) string {
	return fmt.Sprintf("%s\n%s, relative RMSE %.4g, %s, %.3g times the expected error", t.Name, t.Type, t.Error.Relative, t.Error.decibels(), t.Error.Excess())
}

// heatStops run from dark blue to yellow, readable on light and dark grounds
// and to most colour-blind eyes (after matplotlib's viridis).
var heatStops = [][3]float64{{68, 1, 84}, {59, 82, 139}, {33, 145, 140}, {94, 201, 98}, {253, 231, 37}}

// heatColour places an error on the scale, which is logarithmic; an exact copy
// has no colour.
func heatColour(e, low, high float64) string {
	if e <= 0 {
		return "none"
	}
	at := 1.0
	if high > low {
		at = math.Log(e/low) / math.Log(high/low)
	}
	at = min(max(at, 0), 1) * float64(len(heatStops)-1)
	i := min(int(at), len(heatStops)-2)
	var rgb [3]int
	for c := range rgb {
		rgb[c] = int(math.Round(heatStops[i][c] + (at-float64(i))*(heatStops[i+1][c]-heatStops[i][c])))
	}
	return fmt.Sprintf("#%02x%02x%02x", rgb[0], rgb[1], rgb[2])
}

// sizeChart shows what kinds of tensors take up, each with its types.
type sizeChart struct {
	Height int
	Bars   []sizeBar
	Types  []sizeKey
}

type sizeBar struct {
	Y     int
	Text  string
	Note  string // size and mean bits per weight
	Parts []sizePart
}

type sizePart struct {
	X, W  float64
	Class int
	Title string
}

type sizeKey struct {
	Name  string
	Class int
}

const sizeWide = 600.0 // of the longest bar

// newSizeChart adds up the tensors of each kind over all layers.
func newSizeChart(tensors []Tensor) *sizeChart {
	type sum struct {
		kind     string
		bytes    int64
		elements float64
		types    map[string]int64
	}
	var sums []*sum
	var types []string
	for _, t := range tensors {
		i := slices.IndexFunc(sums, func(s *sum) bool { return s.kind == t.Kind })
		if i < 0 {
			i = len(sums)
			sums = append(sums, &sum{kind: t.Kind, types: map[string]int64{}})
		}
		sums[i].bytes += t.Bytes
		sums[i].elements += float64(t.Bytes) * 8 / t.Bits
		sums[i].types[t.Type] += t.Bytes
		if !slices.Contains(types, t.Type) {
			types = append(types, t.Type)
		}
	}
	if len(sums) == 0 {
		return nil
	}
	slices.SortStableFunc(sums, func(a, b *sum) int { return cmp.Compare(b.bytes, a.bytes) })
	slices.Sort(types)
	c := &sizeChart{Height: len(sums) * 34}
	for i, name := range types {
		c.Types = append(c.Types, sizeKey{name, i % 8})
	}
	for i, s := range sums {
		bar := sizeBar{Y: i * 34, Text: s.kind, Note: fmt.Sprintf("%s · %.2f bits", bytesText(s.bytes), 8*float64(s.bytes)/max(s.elements, 1))}
		x := 0.0
		for n, name := range types {
			if s.types[name] == 0 {
				continue
			}
			w := sizeWide * float64(s.types[name]) / float64(sums[0].bytes)
			bar.Parts = append(bar.Parts, sizePart{x, max(w, 0.5), n % 8, fmt.Sprintf("%s: %s in %s", s.kind, bytesText(s.types[name]), name)})
			x += w
		}
		c.Bars = append(c.Bars, bar)
	}
	return c
}

// histogram counts positions by their divergence, in decades cut in three.
type histogram struct {
	Bars  []histogramBar
	Ticks []label
	Lines []histogramLine
}

type histogramBar struct {
	X, Y, W, H float64
	Title      string
}

type histogramLine struct {
	X      float64
	Text   string
	Name   string // the class that it is drawn with
	Y      int    // of its text
	Anchor string // the side of the line that its text is on
	Shift  int
}

// The histogram's drawing is 690 × 242, from -24, -26 on: bars from 10 to 630,
// their foot at 180, with room for the letters of a small screen.
const (
	histogramLow, histogramHigh = -10, 2 // powers of ten
	histogramSteps              = 3      // bars to a power
	histogramFoot               = 180.0
	histogramTall               = 140.0
)

func newHistogram(l *Likeness) *histogram {
	if l == nil || len(l.KLDs) == 0 {
		return nil
	}
	at := func(kld float64) float64 {
		return min(max((math.Log10(max(kld, 1e-300))-histogramLow)*histogramSteps, 0), (histogramHigh-histogramLow)*histogramSteps-0.001)
	}
	counts := make([]int, (histogramHigh-histogramLow)*histogramSteps)
	for _, kld := range l.KLDs {
		counts[int(at(kld))]++
	}
	wide := 620.0 / float64(len(counts))
	h := &histogram{}
	top := float64(slices.Max(counts))
	for i, n := range counts {
		if n == 0 {
			continue
		}
		tall := histogramTall * float64(n) / top
		h.Bars = append(h.Bars, histogramBar{10 + float64(i)*wide, histogramFoot - tall, wide - 2, tall, fmt.Sprintf("%d %s", n, plural(n, "position"))})
	}
	for power := histogramLow; power <= histogramHigh; power += 2 {
		h.Ticks = append(h.Ticks, label{10 + int(wide*histogramSteps*float64(power-histogramLow)), 208, fmt.Sprintf("10%s", superscript(power))})
	}
	mean, limit := 10+at(l.MeanKLD)*wide, 10+at(l.Limits.MaxKLD)*wide
	h.Lines = []histogramLine{
		newLine(mean, fmt.Sprintf("mean %.3g", l.MeanKLD), "mean", 26, mean <= limit && mean > 120 || mean > 520),
		newLine(limit, fmt.Sprintf("limit of the mean %.3g", l.Limits.MaxKLD), "limit", -2, limit > 400),
	}
	return h
}

// newLine marks a value; its text stands left of it or right.
func newLine(x float64, text, name string, y int, left bool) histogramLine {
	if left {
		return histogramLine{x, text, name, y, "end", -6}
	}
	return histogramLine{x, text, name, y, "start", 6}
}

// superscript writes a power of ten's exponent.
func superscript(n int) string {
	return strings.NewReplacer("-", "⁻", "0", "⁰", "1", "¹", "2", "²", "4", "⁴", "6", "⁶", "8", "⁸").Replace(strconv.Itoa(n))
}
