package ollama

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Modelfile returns what "ollama create -f" reads to make the same model.
func (m *Model) Modelfile() string {
	var b strings.Builder
	for _, f := range m.Files {
		command := "FROM"
		if f.Kind == kindAdapter {
			command = "ADAPTER"
		}
		fmt.Fprintf(&b, "%s %s\n", command, f.Path)
	}
	for _, c := range []struct{ command, text string }{{"TEMPLATE", m.Template}, {"SYSTEM", m.System}} {
		if c.text != "" {
			fmt.Fprintf(&b, "%s %s\n", c.command, quoted(c.text))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m.Params)) {
		values, list := m.Params[name].([]string)
		if !list {
			fmt.Fprintf(&b, "PARAMETER %s %v\n", name, m.Params[name])
		}
		for _, v := range values {
			fmt.Fprintf(&b, "PARAMETER %s %q\n", name, v)
		}
	}
	if m.Config.Renderer != "" {
		fmt.Fprintf(&b, "RENDERER %s\n", m.Config.Renderer)
	}
	if m.Config.Parser != "" {
		fmt.Fprintf(&b, "PARSER %s\n", m.Config.Parser)
	}
	for _, text := range m.Licenses {
		fmt.Fprintf(&b, "LICENSE %s\n", quoted(text))
	}
	return b.String()
}

// quoted puts a text of several lines between the marks of a Modelfile.
func quoted(text string) string { return `"""` + text + `"""` }
