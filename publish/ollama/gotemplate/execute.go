package gotemplate

import (
	"strings"
	"text/template"

	"github.com/f190792d/mq/formats/fault"
)

// message is what a template sees of a turn.
type message struct{ Role, Content, Thinking string }

// Execute renders a conversation by a Go template as Ollama does: turns of the
// same role become one, and .System is what all system messages say.
func Execute(source string, ask Ask) (string, error) {
	t, err := template.New("").Option("missingkey=zero").Parse(source)
	if err != nil {
		return "", fault.Op("ollama").Corrupt("the template cannot be read: %w", err)
	}
	var system []string
	var list []*message
	for _, m := range ask.Messages {
		if m.Role == "system" {
			system = append(system, m.Content)
		}
		if n := len(list); n > 0 && list[n-1].Role == m.Role {
			list[n-1].Content += "\n\n" + m.Content
			continue
		}
		list = append(list, &message{Role: m.Role, Content: m.Content})
	}
	var b strings.Builder
	err = t.Execute(&b, map[string]any{
		"System": strings.Join(system, "\n\n"), "Messages": list, "Response": "",
		"Think": ask.Thinking == On, "ThinkLevel": "", "IsThinkSet": ask.Thinking != Unsaid,
	})
	if err != nil {
		return "", fault.Op("ollama").Corrupt("the template cannot be executed: %w", err)
	}
	return b.String(), nil
}
