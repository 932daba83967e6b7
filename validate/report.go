package validate

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/f190792d/mq/formats/fault"
)

// Severity ranks findings and outcomes.
type Severity string

// The severities, the mildest first.
const (
	Pass    Severity = "pass"
	Skipped Severity = "skipped" // was not checked; the detail says why
	Note    Severity = "note"
	Warning Severity = "warning"
	Fail    Severity = "fail"
)

var ranks = []Severity{Pass, Skipped, Note, Warning, Fail}

// worse returns the graver of two severities.
func worse(a, b Severity) Severity {
	if slices.Index(ranks, a) >= slices.Index(ranks, b) {
		return a
	}
	return b
}

// The checks, in the order of a report.
const (
	Layout       = "layout"       // magic, version, alignment, bounds, order of the data
	Architecture = "architecture" // key-values and tensors that the model needs
	Vocabulary   = "vocabulary"
	Template     = "chat template"
	Identity     = "identity" // hyperparameters and vocabulary are the source's
	Numbers      = "numbers"  // values of the tensors
	Logits       = "logits"   // what the model computes
)

var checkOrder = []string{Layout, Architecture, Vocabulary, Template, Identity, Numbers, Logits}

// Finding is one thing that a check has to say.
type Finding struct {
	Check    string   `json:"check"`
	Severity Severity `json:"severity"`
	Tensor   string   `json:"tensor,omitempty"`
	Key      string   `json:"key,omitempty"`
	Message  string   `json:"message"`
}

// String names the tensor or key before what was found.
func (f Finding) String() string {
	switch {
	case f.Tensor != "":
		return fmt.Sprintf("tensor %q: %s", f.Tensor, f.Message)
	case f.Key != "":
		return fmt.Sprintf("key %q: %s", f.Key, f.Message)
	}
	return f.Message
}

// Check is the outcome of one group of checks.
type Check struct {
	Name     string   `json:"name"`
	Severity Severity `json:"severity"`
	Detail   string   `json:"detail"`
}

// Report is all that a validation found out.
type Report struct {
	File     string   `json:"file"`
	Parts    []string `json:"parts,omitempty"` // of a split set
	Source   string   `json:"source,omitempty"`
	Verdict  Severity `json:"verdict"` // pass, warning or fail
	Name     string   `json:"name,omitempty"`
	Arch     string   `json:"architecture,omitempty"`
	Bytes    int64    `json:"bytes"`
	Elements int64    `json:"elements"`
	Bits     float64  `json:"bpw"` // of all tensors' data

	Checks   []Check   `json:"checks"`
	Findings []Finding `json:"findings"`
	Tensors  []Tensor  `json:"tensors"`
	Logits   *Likeness `json:"logits,omitempty"`

	Embeddings *Closeness `json:"embeddings,omitempty"` // of models without logits
	Refined    []Refined  `json:"refined,omitempty"`    // set by the caller, as is what follows
	Made       *Making    `json:"made,omitempty"`       // for those who read it later

	unreadable error // of class corrupt, unsupported, …: the file was not even opened
}

// Refined is what refinement has done to the products of a layer, or of a
// matrix outside of layers, on text that was held back: their errors before and
// after it, in parts of the products themselves.
type Refined struct {
	Layer    string  `json:"layer"`
	Matrices int     `json:"matrices"`
	Before   float64 `json:"before"`
	After    float64 `json:"after"`
}

// Making is when and by what a report was made.
type Making struct {
	Date    time.Time `json:"date"`
	Version string    `json:"version"`
	Command string    `json:"command"`
}

// String is the making as a line.
func (m *Making) String() string {
	return fmt.Sprintf("%s, mq %s: %s", m.Date.UTC().Format("2006-01-02 15:04 UTC"), m.Version, m.Command)
}

// Err returns nil unless the verdict is to fail. It is of class
// [fault.ErrCorrupt] where the structure is broken and of class
// [fault.ErrCheck] where numbers or logits are not what they should be.
func (r *Report) Err() error {
	if r.unreadable != nil {
		return r.unreadable
	}
	var failed []Finding
	for _, f := range r.Findings {
		if f.Severity == Fail {
			failed = append(failed, f)
		}
	}
	if len(failed) == 0 {
		return nil
	}
	more := ""
	if n := len(failed) - 1; n > 0 {
		more = fmt.Sprintf(" (and %d more)", n)
	}
	class := fault.Check
	if slices.Contains([]string{Layout, Architecture, Vocabulary, Template}, failed[0].Check) {
		class = fault.Corrupt
	}
	return class("validate: %s: %s%s", r.File, failed[0], more)
}

// Outcome returns the detail of a check, empty where it was not made.
func (r *Report) Outcome(check string) string {
	for _, c := range r.Checks {
		if c.Name == check {
			return c.Detail
		}
	}
	return ""
}

// count returns the number of findings of a severity.
func (r *Report) count(s Severity) int {
	n := 0
	for _, f := range r.Findings {
		if f.Severity == s {
			n++
		}
	}
	return n
}

// add records findings.
func (r *Report) add(f ...Finding) { r.Findings = append(r.Findings, f...) }

// done closes a check: its severity is that of its gravest finding.
func (r *Report) done(name, format string, args ...any) {
	c := Check{name, Pass, fmt.Sprintf(format, args...)}
	for _, f := range r.Findings {
		if f.Check == name && f.Severity != Note {
			c.Severity = worse(c.Severity, f.Severity)
		}
	}
	r.Checks = append(r.Checks, c)
}

// skip closes a check that was not made.
func (r *Report) skip(name, format string, args ...any) {
	r.Checks = append(r.Checks, Check{name, Skipped, fmt.Sprintf(format, args...)})
}

// close sorts checks and findings and sums up.
func (r *Report) close() *Report {
	order := func(a, b string) int { return slices.Index(checkOrder, a) - slices.Index(checkOrder, b) }
	slices.SortStableFunc(r.Checks, func(a, b Check) int { return order(a.Name, b.Name) })
	slices.SortStableFunc(r.Findings, func(a, b Finding) int {
		if a.Severity != b.Severity {
			return slices.Index(ranks, b.Severity) - slices.Index(ranks, a.Severity)
		}
		return order(a.Check, b.Check)
	})
	r.Verdict = Pass
	for _, f := range r.Findings {
		if f.Severity == Warning || f.Severity == Fail {
			r.Verdict = worse(r.Verdict, f.Severity)
		}
	}
	return r
}

// refuse makes the report of a file that cannot be opened.
func (r *Report) refuse(err error) *Report {
	r.unreadable = err
	r.add(Finding{Check: Layout, Severity: Fail, Message: err.Error()})
	r.done(Layout, "the file cannot be read")
	return r.close()
}

// structural reports whether an error speaks about a file's content, not about
// the system or the caller.
func structural(err error) bool {
	return errors.Is(err, fault.ErrCorrupt) || errors.Is(err, fault.ErrUnsupported)
}
