package batch

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"strings"

	"github.com/f190792d/mq/cmd/mq/internal/exit"
	"github.com/f190792d/mq/cmd/mq/internal/ui"
	"github.com/f190792d/mq/formats/atomicfile"
)

// Error ends a batch in which something failed with the code of the
// worst.
type Error struct {
	failed, total, code int
}

func (e *Error) Error() string {
	return fmt.Sprintf("batch: %d of %d jobs failed", e.failed, e.total)
}

// ExitCode is the highest of all jobs.
func (e *Error) ExitCode() int { return e.code }

// Report shows the results and writes the reports that were asked for.
func Report(c *ui.Console, results []*Result, junit, report string) error {
	end := &Error{total: len(results)}
	rows := [][]string{{"MODEL", "TYPE", "RESULT", "SIZE", "BITS/WEIGHT", "FILE"}}
	for _, r := range results {
		outcome := "done"
		if r.Kept {
			outcome = "done before"
		}
		if r.Exit != exit.OK {
			end.failed++
			end.code = max(end.code, r.Exit)
			outcome = fmt.Sprintf("failed (%d): %s", r.Exit, r.failedStep())
		}
		rows = append(rows, []string{r.Model, r.Type, outcome, ui.Bytes(r.Bytes), fmt.Sprintf("%.2f", r.Bits), r.Path})
	}
	summary := map[string]any{"type": "batch", "exit": end.code, "jobs": len(results), "failed": end.failed, "results": results}
	if c.JSON {
		c.Object(summary)
	} else {
		c.Table(c.Out, rows)
	}
	for _, r := range results {
		for _, s := range r.Steps {
			if s.Error != "" {
				c.Note("%s %s: %s: %s", r.Model, r.Type, s.Name, s.Error)
			}
		}
	}
	if report != "" {
		summary["schema"] = ui.Schema
		text, err := json.MarshalIndent(summary, "", " ")
		if err != nil {
			return err
		}
		if err := atomicfile.WriteFile(report, append(text, '\n'), atomicfile.Options{Force: true}); err != nil {
			return err
		}
	}
	if junit != "" {
		text, err := junitXML(results)
		if err != nil {
			return err
		}
		if err := atomicfile.WriteFile(junit, text, atomicfile.Options{Force: true}); err != nil {
			return err
		}
	}
	if end.failed > 0 {
		return end
	}
	return nil
}

func (r *Result) failedStep() string {
	var names []string
	for _, s := range r.Steps {
		if s.Exit != exit.OK {
			names = append(names, s.Name)
		}
	}
	return strings.Join(names, ", ")
}

// The elements of JUnit's format that its readers agree on.
type (
	junitSuites struct {
		XMLName xml.Name `xml:"testsuites"`
		Suites  []*junitSuite
	}
	junitSuite struct {
		XMLName  xml.Name    `xml:"testsuite"`
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Time     float64     `xml:"time,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Class   string        `xml:"classname,attr"`
		Name    string        `xml:"name,attr"`
		Time    float64       `xml:"time,attr"`
		Failure *junitMessage `xml:"failure"` // a check that failed
		Error   *junitMessage `xml:"error"`   // anything else
	}
	junitMessage struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr"`
	}
)

// junitXML writes a suite for each model, a case for each step of each type.
func junitXML(results []*Result) ([]byte, error) {
	var all junitSuites
	suites := map[string]*junitSuite{}
	for _, r := range results {
		suite := suites[r.Model]
		if suite == nil {
			suite = &junitSuite{Name: r.Model}
			suites[r.Model] = suite
			all.Suites = append(all.Suites, suite)
		}
		for _, s := range r.Steps {
			item := junitCase{Class: r.Model + "." + r.Type, Name: s.Name, Time: s.Seconds}
			message := &junitMessage{s.Error, fmt.Sprintf("exit %d", s.Exit)}
			switch s.Exit {
			case exit.OK:
			case exit.Check:
				item.Failure = message
				suite.Failures++
			default:
				item.Error = message
				suite.Errors++
			}
			suite.Tests++
			suite.Time += s.Seconds
			suite.Cases = append(suite.Cases, item)
		}
	}
	text, err := xml.MarshalIndent(all, "", " ")
	return append([]byte(xml.Header), append(text, '\n')...), err
}
