package ui

import (
	"strings"
	"testing"
	"time"

	"github.com/f190792d/mq/formats/progress"
)

func TestNamesCannotControlTheTerminal(t *testing.T) {
	var out strings.Builder
	c := &Console{Err: &out}
	name := "a\x1b[2Jb\nwarning: all is well\u202e"
	c.Warn("%s: odd", name)
	c.Note("%s", name)
	c.Good(name, " it is")
	p := c.Progress("writing")
	p.shown = p.shown.Add(-plainEvery)
	p.Show(progress.Report{Done: 1, Total: 2, Note: name})
	want := `a\x1b[2Jb\nwarning: all is well\u202e`
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if len(lines) != 4 || lines[0] != "warning: "+want+": odd" || lines[1] != want || lines[2] != want+" it is" || !strings.HasSuffix(lines[3], " "+want) {
		t.Errorf("%q", lines)
	}
}

// TestProgressSaysWhatAndHowFast at every width, and never more than fits.
func TestProgressSaysWhatAndHowFast(t *testing.T) {
	for _, c := range []struct {
		label   string
		at      progress.Report
		columns int
		want    string
		fetched int64
	}{
		{"writing", progress.Report{Done: 8 << 30, Total: 16 << 30, Bytes: true, Note: "blk.0.ffn_down.weight"}, 120,
			"writing  ██████████░░░░░░░░░░  50 %  8.00 of 16.0 GiB  819 MiB/s  0:10 left  blk.0.ffn_down.weight", 0},
		{"writing", progress.Report{Done: 8 << 30, Total: 16 << 30, Bytes: true, Note: "blk.0.ffn_down.weight"}, 60,
			"writing  ██░░░  50 %  8.00 of 16.0 GiB  819 MiB/s  0:10 left", 0},
		{"writing", progress.Report{Done: 8 << 30, Total: 16 << 30, Bytes: true, Note: "blk.0.ffn_down.weight"}, 30, "writing  ███████░░░░░░░░  50 %", 0},
		{"writing", progress.Report{Done: 8 << 30, Total: 16 << 30, Bytes: true}, 14, "writing   50 %", 0},
		{"running both models", progress.Report{Done: 30, Total: 64, Unit: "layers", Note: "m"}, 0, "running both models   46 %  30 of 64 layers  3.0 layers/s  0:11 left  m", 0},
		{"perplexity", progress.Report{Done: 2, Total: 100, Unit: "chunks", Note: "PPL 5"}, 0, "perplexity    2 %  2 of 100 chunks  12.0 chunks/min  8:10 left  PPL 5", 0},
		{"creating", progress.Report{Note: "parsing"}, 40, "creating  0  parsing", 0},
		{"writing", progress.Report{Done: 8 << 30, Total: 16 << 30, Bytes: true}, 0, "writing   50 %  8.00 of 16.0 GiB  819 MiB/s  0:10 left  20.0 GiB fetched, 2.00 GiB/s", 20 << 30},
		{Fetching, progress.Report{Done: 1 << 30, Total: 2 << 30, Bytes: true}, 0, "fetching   50 %  1.00 of 2.00 GiB  102 MiB/s  0:10 left", 1 << 30},
	} {
		p := &Progress{console: &Console{}, label: c.label, at: c.at}
		p.console.Fetched.Store(c.fetched)
		got := p.line(c.columns, 10*time.Second)
		if got != c.want || c.columns > 0 && width(got) > c.columns {
			t.Errorf("%d columns:\n%q, want\n%q", c.columns, got, c.want)
		}
		for columns := 1; columns < 140; columns++ {
			if got := p.line(columns, 10*time.Second); width(got) > columns {
				t.Errorf("%q is wider than %d", got, columns)
			}
		}
	}
}

func TestLinesFitTheTerminal(t *testing.T) {
	text := "  Q4_K_M: 39 tensors, 2.18 MiB, 4.50 bits per weight nominal, 4.92 real, no tensor fell back /a/very/long/path/which/is/one/word/and/stays/whole"
	for line := range strings.Lines(wrapped(text, 60)) {
		if line = strings.TrimSuffix(line, "\n"); width(line) > 60 && strings.Contains(strings.TrimSpace(line), " ") || !strings.HasPrefix(line, "  ") {
			t.Errorf("%q", line)
		}
	}
	if got := strings.Join(strings.Fields(wrapped(text, 60)), " "); got != strings.TrimSpace(text) {
		t.Errorf("%q", got)
	}
	if got := wrapped(text, 0); got != text {
		t.Errorf("%q", got)
	}
}

func TestColoursAreAsked(t *testing.T) {
	var out strings.Builder
	c := &Console{Err: &out, Color: ColorAlways}
	c.Warn("odd")
	c.Fail("broken")
	if want := "\x1b[33mwarning:\x1b[0m odd\n\x1b[1;31mmq:\x1b[0m broken\n"; out.String() != want {
		t.Errorf("%q", out.String())
	}
	out.Reset()
	c.Color = ColorAuto
	c.Warn("odd") // no terminal
	if out.String() != "warning: odd\n" {
		t.Errorf("%q", out.String())
	}
}
