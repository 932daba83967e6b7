package gotemplate

import (
	"fmt"
	"strings"
)

// literal is text that stands for itself in a template, and in a Modelfile,
// where three quotation marks end it.
func literal(s string) string {
	return strings.NewReplacer("{", `{{ "{" }}`, `"""`, `""{{ "\"" }}`).Replace(s)
}

// write writes the template of the turns.
func (t *turns) write(thinks [2]string) string {
	var b strings.Builder
	put := func(format string, texts ...any) {
		for i, s := range texts {
			texts[i] = literal(s.(string))
		}
		fmt.Fprintf(&b, format, texts...)
	}
	switch {
	case t.lead == "":
	case t.where == ownTurn || t.where == firstUser:
		put("{{ if not .System }}%s{{ end }}", t.lead)
	default:
		put("%s", t.lead)
	}
	inUser := t.where != ownTurn
	if inUser {
		put("{{ $first := true }}")
	}
	put("{{ range $i, $_ := .Messages }}{{ $last := eq (len (slice $.Messages $i)) 1 }}")
	put(`{{ if eq .Role "user" }}`)
	switch t.where {
	case firstUser:
		put("{{ if and $first $.System }}%s{{ $.System }}%s{{ else }}%s{{ end }}", t.system.before, t.system.behind, t.user.before)
	case lastUser:
		put("{{ if and $last $.System }}%s{{ $.System }}%s{{ else }}%s{{ end }}", t.system.before, t.system.behind, t.user.before)
	case nowhere: // the most that can be done
		put("%s{{ if and $first $.System }}{{ $.System }}\n\n{{ end }}", t.user.before)
	default:
		put("%s", t.user.before)
	}
	if inUser {
		put("{{ $first = false }}")
	}
	put("{{ .Content }}%s", t.user.behind)
	put(`{{ else if eq .Role "assistant" }}%s`, t.assistant.before)
	if thinks != [2]string{} {
		put("{{ if and $last .Thinking }}%s\n{{ .Thinking }}\n%s\n\n{{ end }}", thinks[0], thinks[1])
	}
	put("{{ .Content }}{{ if not $last }}%s{{ end }}", t.assistant.behind)
	if t.where == ownTurn {
		put(`{{ else if eq .Role "system" }}%s{{ .Content }}%s`, t.system.before, t.system.behind)
	}
	put(`{{ end }}{{ if and $last (ne .Role "assistant") }}`)
	t.putAnswer(put)
	put("{{ end }}{{ end }}")
	return b.String()
}

// putAnswer writes the beginning of an answer, which may depend on whether the
// model shall think.
func (t *turns) putAnswer(put func(string, ...any)) {
	plain := t.answer[Unsaid]
	on, hasOn := t.answer[On]
	off, hasOff := t.answer[Off]
	if !hasOn || !hasOff || on == plain && off == plain {
		put("%s", plain)
		return
	}
	put("{{ if not $.IsThinkSet }}%s{{ else if $.Think }}%s{{ else }}%s{{ end }}", plain, on, off)
}
