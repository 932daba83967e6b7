package hf

import (
	"bytes"
	"fmt"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/f190792d/mq/formats/fault"
)

// Limits of a model card's front matter, which is a few lines of YAML.
const (
	maxCard        = 4 << 20
	maxFrontMatter = 256 << 10
)

// ModelCard returns the YAML front matter of README.md: strings, numbers,
// bools, time.Time, []any and map[string]any. It is empty where there is no
// card or no front matter; the error is of class corrupt where the YAML is
// broken.
func (f *Folder) ModelCard() (map[string]any, error) {
	data, err := f.readBounded("README.md", maxCard)
	if missing(err) {
		return map[string]any{}, nil
	} else if err != nil {
		return nil, err
	}
	card, err := parseCard(data)
	if err != nil {
		return nil, fault.Corrupt("hf: %s: README.md: front matter: %w", f.name, err)
	}
	return card, nil
}

func parseCard(data []byte) (card map[string]any, err error) {
	text := frontMatter(data)
	if len(text) > maxFrontMatter {
		return nil, fmt.Errorf("longer than %d bytes", maxFrontMatter)
	}
	// Cards exist that indent with tabs, which YAML forbids.
	text = strings.ReplaceAll(text, "\t", "  ")
	defer func() { // the decoder is not ours, the input is anybody's
		if p := recover(); p != nil {
			card, err = nil, fmt.Errorf("not valid YAML: %v", p)
		}
	}()
	var value any
	if err := yaml.Unmarshal([]byte(text), &value); err != nil {
		return nil, err
	}
	card = map[string]any{}
	if fields, ok := plain(value, 0).(map[string]any); ok {
		card = fields
	}
	return card, nil
}

// frontMatter returns the lines between a first line "---" and the next.
func frontMatter(data []byte) string {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	text := strings.ReplaceAll(string(data), "\r\n", "\n")
	rest, found := strings.CutPrefix(text, "---\n")
	if !found {
		return ""
	}
	if strings.HasPrefix(rest, "---\n") || rest == "---" {
		return ""
	}
	body, _, found := strings.Cut(rest, "\n---\n")
	if !found {
		body = strings.TrimSuffix(rest, "\n---")
	}
	return body + "\n"
}

// maxDepth of what plain keeps; deeper values are dropped.
const maxDepth = 32

// plain makes all keys strings.
func plain(v any, depth int) any {
	if depth > maxDepth {
		return nil
	}
	switch v := v.(type) {
	case map[string]any:
		for key, item := range v {
			v[key] = plain(item, depth+1)
		}
	case map[any]any:
		out := make(map[string]any, len(v))
		for key, item := range v {
			out[fmt.Sprint(key)] = plain(item, depth+1)
		}
		return out
	case []any:
		for i, item := range v {
			v[i] = plain(item, depth+1)
		}
	}
	return v
}
