package ui

import (
	"strings"
	"testing"
)

func TestNamesCannotControlTheTerminal(t *testing.T) {
	var out strings.Builder
	c := &Console{Err: &out}
	name := "a\x1b[2Jb\nwarning: all is well\u202e"
	c.Warn("%s: odd", name)
	c.Note("%s", name)
	p := c.Progress("writing", 2, Items)
	p.shown = p.shown.Add(-plainEvery)
	p.Set(1, name)
	want := `a\x1b[2Jb\nwarning: all is well\u202e`
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if len(lines) != 3 || lines[0] != "warning: "+want+": odd" || lines[1] != want || !strings.HasSuffix(lines[2], " "+want) {
		t.Errorf("%q", lines)
	}
}
