// Package publishing holds the commands that bring finished files to where
// they are run or found: Ollama, the Hub, registries.
package publishing

import (
	"cmp"

	"github.com/spf13/cobra"

	"github.com/f190792d/mq/cmd/mq/internal/session"
)

// Commands returns the commands.
func Commands(s *session.Session) []*cobra.Command {
	return []*cobra.Command{ollamaCommand(s), modelfileCommand(s), pushCommand(s), cardCommand(s), packCommand(s)}
}

// where is a place that finished files have been brought to.
type where struct{ destination, name, url, commit, digest string }

// event tells scripts what lies where now.
func (w where) event(s *session.Session) {
	fields := map[string]any{"destination": w.destination, "name": w.name}
	for key, value := range map[string]string{"url": w.url, "commit": w.commit, "digest": w.digest} {
		if value != "" {
			fields[key] = value
		}
	}
	s.Event("published", fields)
}

// published prints the address, or else the name, of what lies elsewhere now.
func published(s *session.Session, w where) error {
	w.event(s)
	if !s.JSON {
		s.Printf("%s\n", cmp.Or(w.url, w.name))
	}
	return nil
}
