package jinja

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const fixtures = "../../../internal/fixtures/templates"

// noon is what the clock of the fixtures says.
var noon = Options{Now: func() time.Time { return time.Date(2025, 3, 9, 4, 5, 7, 0, time.UTC) }}

type conversation struct {
	name      string
	variables map[string]any
}

// conversations are those that transformers rendered.
func conversations(t *testing.T) []conversation {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(fixtures, "conversations.json"))
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	var all []conversation
	for _, v := range decoded.(list) {
		c := conversation{variables: map[string]any{"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"}}
		name, _ := v.(*Dict).Get("name")
		c.name = name.(string)
		variables, _ := v.(*Dict).Get("variables")
		for i, k := range variables.(*Dict).keys {
			c.variables[k.(string)] = variables.(*Dict).values[i]
		}
		all = append(all, c)
	}
	return all
}

func render(t *testing.T, source string, variables map[string]any) (string, error) {
	t.Helper()
	template, err := Parse(source)
	if err != nil {
		return "", err
	}
	return template.Render(t.Context(), variables, noon)
}

func TestProbesRenderAsTransformersDoes(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(fixtures, "testdata", "probes.json"))
	if err != nil {
		t.Fatal(err)
	}
	var probes []struct {
		Template string
		Text     *string
	}
	if err := json.Unmarshal(data, &probes); err != nil {
		t.Fatal(err)
	}
	variables := conversations(t)[5].variables
	for _, p := range probes {
		got, err := render(t, p.Template, variables)
		switch {
		case p.Text == nil && err == nil:
			t.Errorf("%s\ngives %q, where transformers raises", p.Template, got)
		case p.Text != nil && err != nil:
			t.Errorf("%s\n%v", p.Template, err)
		case p.Text != nil && got != *p.Text:
			t.Errorf("%s\ngot  %q\nwant %q", p.Template, got, *p.Text)
		}
	}
}

func TestPublishedTemplatesRenderAsTransformersDoes(t *testing.T) {
	folder := os.Getenv("MQ_TEMPLATES")
	if folder == "" {
		t.Skip("MQ_TEMPLATES names no folder with published templates")
	}
	data, err := os.ReadFile(filepath.Join(fixtures, "testdata", "published.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	all := conversations(t)
	texts := 0
	for line := range strings.Lines(string(data)) {
		fields := strings.Split(strings.TrimSpace(line), "\t")
		source, err := os.ReadFile(filepath.Join(folder, fields[0]))
		if err != nil || digest(string(source)) != fields[1] {
			t.Errorf("%s is not the template that was rendered: %v", fields[0], err)
			continue
		}
		for i, want := range fields[2:] {
			text, err := render(t, string(source), all[i].variables)
			got := digest(text)
			if err != nil {
				got = "raises"
			}
			if got != want {
				t.Errorf("%s, %s: %v, want %s\n%s", fields[0], all[i].name, err, want, text)
			}
			texts++
		}
	}
	t.Logf("%d texts compared", texts)
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:8])
}
