package session

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/f190792d/mq/cmd/mq/internal/ui"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/pipeline"
	"github.com/f190792d/mq/quantize"
)

// planned says what an output will be: an event, or a line of summary.
func (s *Session) planned(out pipeline.Output) {
	sum := out.Plan.Summary
	if s.JSON {
		s.Event("plan", map[string]any{
			"path": out.Paths[0], "name": out.Plan.Recipe.Name, "tensors": sum.Tensors, "bytes": sum.FileBytes,
			"bpw": sum.Bits, "nominal_bpw": sum.NominalBits, "fallbacks": sum.Fallbacks,
		})
		return
	}
	fallbacks := "no tensor fell back"
	if sum.Fallbacks > 0 {
		fallbacks = fmt.Sprintf("%d tensors fell back to another type", sum.Fallbacks)
	}
	part := ""
	if out.Parts > 0 {
		part = fmt.Sprintf(" (part %d of %d)", out.Part, out.Parts)
	}
	s.Note("%s%s: %d tensors, %s, %.2f bits per weight nominal, %.2f real, %s",
		out.Plan.Recipe.Name, part, sum.Tensors, ui.Bytes(sum.FileBytes), sum.NominalBits, sum.Bits, fallbacks)
	if c := out.Plan.Coverage; c != nil {
		s.Note("%s", c)
	}
}

// PrintPlan shows every tensor of an output.
func (s *Session) PrintPlan(out pipeline.Output) {
	if s.JSON {
		s.Object(map[string]any{"type": "plan", "path": out.Paths[0], "plan": out.Plan})
		return
	}
	rows := [][]string{{"TENSOR", "SHAPE", "FROM", "TO", "SIZE", ""}}
	for _, c := range out.Plan.Tensors {
		note := ""
		if c.Fallback() {
			note = fmt.Sprintf("rows do not fit %s", c.Wanted)
		}
		rows = append(rows, []string{c.Info.Name, ui.Shape(c.Info.Shape), c.From.String(), c.Info.Type.String(), ui.Bytes(c.Info.Size()), note})
	}
	s.Table(s.Out, rows)
	s.planned(out)
}

// printPreflight shows on stdout what a job will write and need.
func (s *Session) printPreflight(p *pipeline.Preflight) {
	if s.JSON {
		s.Typed("preflight", p)
		return
	}
	s.printSource(p)
	var rows [][]string
	for _, o := range p.Outputs {
		for _, t := range o.Summary.Types {
			rows = append(rows, []string{o.Type, fmt.Sprintf("%s: %d tensors, %s", t.Type, t.Tensors, ui.Bytes(t.Bytes))})
		}
		if o.Coverage != nil {
			rows = append(rows, []string{"imatrix", o.Coverage.String()})
		}
	}
	for _, d := range p.Disk {
		free := "an unknown size"
		if d.Free != math.MaxInt64 {
			free = ui.Bytes(d.Free)
		}
		rows = append(rows, []string{"disk", fmt.Sprintf("%s needed, %s free in %s", ui.Bytes(d.Needed), free, d.Folder)})
	}
	s.Table(s.Out, rows)
	for _, o := range p.Outputs {
		s.Printf("%s\n", o.Path)
	}
}

// choices is what plan prints as JSON.
type choices struct {
	*pipeline.Preflight
	Warnings []string       `json:"warnings,omitempty"`
	Mixture  map[string]any `json:"mixture,omitempty"` // what was chosen for a size
	Plan     *quantize.Plan `json:"plan,omitempty"`    // of the only output
}

// PrintChoices shows outputs without what one alone has, its path and disk; in
// detail where that is asked for.
func (s *Session) PrintChoices(job *pipeline.Job, p *pipeline.Preflight, detail bool) {
	if detail && !s.JSON {
		s.PrintPlan(job.Outputs[0])
	}
	p.Disk = nil
	rows := [][]string{{"TYPE", "SIZE", "BITS/WEIGHT", "TENSORS", "FALLBACKS"}}
	for i := range p.Outputs {
		o := &p.Outputs[i]
		o.Path = ""
		rows = append(rows, []string{
			o.Type, ui.Bytes(o.Summary.FileBytes), fmt.Sprintf("%.2f", o.Summary.Bits), fmt.Sprint(o.Summary.Tensors), fmt.Sprint(o.Summary.Fallbacks),
		})
	}
	if s.JSON {
		c := choices{Preflight: p, Warnings: job.Warnings, Mixture: mixture(job)}
		if detail {
			c.Plan = job.Outputs[0].Plan
		}
		s.Typed("preflight", c)
		return
	}
	s.printSource(p)
	for _, o := range p.Outputs {
		if o.Coverage != nil {
			s.Printf("imatrix    %s: %s\n", o.Type, o.Coverage)
		}
	}
	s.Table(s.Out, rows)
}

// printSource shows what the input is.
func (s *Session) printSource(p *pipeline.Preflight) {
	src := p.Source
	ignored := ""
	if src.Ignored > 0 {
		ignored = fmt.Sprintf(", %d of them not written", src.Ignored)
	}
	files := "one file"
	if src.Files != 1 {
		files = fmt.Sprintf("%d files", src.Files)
	}
	rows := [][]string{{"source", fmt.Sprintf("%s: %s, %s, %s in %s, %d tensors%s", src.Name, src.Format, src.Architecture, ui.Bytes(src.Bytes), files, src.Tensors, ignored)}}
	if q := src.Quantized; q != nil {
		rows = append(rows, []string{"quantized", quantizedText(q)})
	}
	if p.Tokenizer != "" {
		rows = append(rows, []string{"tokenizer", p.Tokenizer})
	}
	rows = append(rows, []string{"memory", fmt.Sprintf("%s at most, %s allowed", ui.Bytes(p.Memory.Peak), ui.Bytes(p.Memory.Budget))})
	if r := p.Refine; r != nil {
		rows = append(rows, []string{"refining", fmt.Sprintf("about %s with %d workers and nothing else running, for %d tokens", about(r.Seconds), s.Jobs, r.Tokens)})
	}
	s.Table(s.Out, rows)
}

// about is a duration as one speaks of it.
func about(seconds float64) string {
	switch {
	case seconds < 90:
		return fmt.Sprintf("%.0f s", seconds)
	case seconds < 90*60:
		return fmt.Sprintf("%.0f min", seconds/60)
	}
	return fmt.Sprintf("%.1f hours", seconds/3600)
}

// PrintChosen shows what was chosen for a size: for each kind of tensor how
// many have which type. Nothing is printed where nothing was chosen.
func (s *Session) PrintChosen(job *pipeline.Job) {
	c := job.Chosen
	if c == nil {
		return
	}
	if s.JSON {
		s.Event("mixture", mixture(job))
		return
	}
	sum, types := job.Outputs[0].Plan.Summary, typesOf(job.Outputs[0])
	expected := ""
	if c.Profile.Sensitivity == string(pipeline.ByModel) {
		expected = fmt.Sprintf(", expected KL divergence %.5f", c.Cost)
	}
	s.Note("chosen for %s: %s, %.3f bits per weight%s", c.Recipe.Name, ui.Bytes(sum.FileBytes), sum.Bits, expected)
	byKind := map[string]map[string]int{}
	var kinds []string
	for _, t := range c.Profile.Tensors {
		kind := t.Name
		if rest, ok := strings.CutPrefix(kind, "blk."); ok {
			_, kind, _ = strings.Cut(rest, ".")
		}
		if byKind[kind] == nil {
			byKind[kind] = map[string]int{}
			kinds = append(kinds, kind)
		}
		byKind[kind][types[t.Name]]++
	}
	for _, kind := range kinds {
		var parts []string
		for _, t := range gguf.Types() {
			if n := byKind[kind][t.String()]; n > 0 {
				parts = append(parts, fmt.Sprintf("%d × %s", n, t))
			}
		}
		s.Note("  %-24s %s", kind, strings.Join(parts, ", "))
	}
}

// quantizedText says which matrices of a quantized checkpoint a file can hold
// as they are.
func quantizedText(q *pipeline.Quantized) string {
	var types []string
	for name, n := range q.Types {
		types = append(types, fmt.Sprintf("%d as %s", n, name))
	}
	slices.Sort(types)
	text := fmt.Sprintf("%s: %d of %d matrices can be written exactly", q.Method, q.Exact, q.Matrices)
	if len(types) > 0 {
		text += " (" + strings.Join(types, ", ") + ")"
	}
	if q.Bytes > 0 {
		text += fmt.Sprintf("; the type auto gives %s, %s", q.Name, ui.Bytes(q.Bytes))
	}
	return text
}

// mixture is what was chosen for a size, nil where nothing was.
func mixture(job *pipeline.Job) map[string]any {
	c := job.Chosen
	if c == nil {
		return nil
	}
	sum := job.Outputs[0].Plan.Summary
	return map[string]any{
		"name": c.Recipe.Name, "bytes": sum.FileBytes, "bpw": sum.Bits, "sensitivity": c.Profile.Sensitivity,
		"expected_kld": c.Cost, "types": typesOf(job.Outputs[0]),
	}
}

// typesOf returns the types of an output's tensors by their names.
func typesOf(out pipeline.Output) map[string]string {
	types := map[string]string{}
	for _, t := range out.Plan.Tensors {
		types[t.Info.Name] = t.Info.Type.String()
	}
	return types
}
