package ollama

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/f190792d/mq/formats/fault"
)

// Modelfile returns what "ollama create -f" reads to make the same model. Its
// reader knows no escapes: texts that it would cut are refused.
func (m *Model) Modelfile() (string, error) {
	var b strings.Builder
	var failed error
	quote := func(command, mark, text string) {
		if cut(mark, text) {
			failed = fault.Op("ollama").Key(command).Invalid(`a Modelfile cannot hold it, as a line of it ends in %s: use "mq ollama create"`, mark)
		}
		fmt.Fprintf(&b, "%s %s%s%s\n", command, mark, text, mark)
	}
	for _, f := range m.Files {
		command := "FROM"
		if f.Kind == kindAdapter {
			command = "ADAPTER"
		}
		fmt.Fprintf(&b, "%s %s\n", command, f.Path)
	}
	for _, c := range []struct{ command, text string }{{"TEMPLATE", m.Template}, {"SYSTEM", m.System}} {
		if c.text != "" {
			quote(c.command, `"""`, c.text)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m.Params)) {
		values, list := m.Params[name].([]string)
		if !list {
			fmt.Fprintf(&b, "PARAMETER %s %v\n", name, m.Params[name])
		}
		for _, v := range values {
			mark := `"`
			if strings.Contains(v, mark) {
				mark = `"""`
			}
			quote("PARAMETER "+name, mark, v)
		}
	}
	if m.Config.Renderer != "" {
		fmt.Fprintf(&b, "RENDERER %s\n", m.Config.Renderer)
	}
	if m.Config.Parser != "" {
		fmt.Fprintf(&b, "PARSER %s\n", m.Config.Parser)
	}
	for _, text := range m.Licenses {
		quote("LICENSE", `"""`, text)
	}
	return b.String(), failed
}

// cut reports whether a line before the last ends in the mark that ends a text.
func cut(mark, text string) bool {
	lines := strings.Split(strings.ReplaceAll(text, "\r", "\n"), "\n")
	return slices.ContainsFunc(lines[:len(lines)-1], func(line string) bool {
		return strings.HasSuffix(strings.TrimRight(line, " \t"), mark)
	})
}
