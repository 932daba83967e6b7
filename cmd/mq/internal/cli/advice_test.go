package cli

import (
	"fmt"
	"regexp"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/f190792d/mq/cmd/mq/internal/session"
	"github.com/f190792d/mq/formats/atomicfile"
	"github.com/f190792d/mq/formats/fault"
)

func TestAdviceNamesFlagsThatExist(t *testing.T) {
	flags := map[string]bool{}
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		c.Flags().VisitAll(func(f *pflag.Flag) { flags["--"+f.Name] = true })
		c.PersistentFlags().VisitAll(func(f *pflag.Flag) { flags["--"+f.Name] = true })
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk((&app{}).root())
	named := regexp.MustCompile(`--[a-z-]+`)
	for _, a := range session.Advice {
		found := named.FindAllString(a.Says, -1)
		if len(found) == 0 {
			t.Errorf("%q names no option", a.Says)
		}
		for _, name := range found {
			if !flags[name] {
				t.Errorf("%q: no command has %s", a.Says, name)
			}
		}
		err := fmt.Errorf("outside: %w", fault.Op("op").Kind(a.About).Invalid("rule"))
		if got, want := new(session.Session).Advised(err), "outside: op: rule; "+a.Says; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := new(session.Session).Advised(fault.Op("op").Invalid("rule")); got != "op: rule" {
		t.Errorf("%q", got)
	}
}

func TestAnOutputThatExistsIsReplacedAndNotResumed(t *testing.T) {
	err := fault.Place{}.Kind(atomicfile.ErrExists).Of(fault.Invalid("%w", atomicfile.ErrUnfinished))
	if got, want := new(session.Session).Advised(err), "an earlier run has left it unfinished; --force replaces it"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
