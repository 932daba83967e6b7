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
	card, err := ParseCard(data)
	if err != nil {
		return nil, fault.Op("hf").Folder(f.name).File("README.md").Corrupt("front matter: %w", err)
	}
	return card, nil
}

// ParseCard reads the front matter of a model card. Of a key that occurs twice
// the last value counts, and the language "no" is not false.
func ParseCard(readme []byte) (card map[string]any, err error) {
	text := frontMatter(readme)
	if len(text) > maxFrontMatter {
		return nil, fault.Corrupt("longer than %d bytes", maxFrontMatter)
	}
	text = strings.ReplaceAll(text, "- no\n", "- \"no\"\n")
	text = strings.ReplaceAll(text, "\t", "  ") // cards exist that indent with tabs, which YAML forbids
	defer func() {                              // the decoder is not ours, the input is anybody's
		if p := recover(); p != nil {
			card, err = nil, fault.Corrupt("invalid YAML: %v", p)
		}
	}()
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		return nil, fault.Corrupt("%w", err)
	}
	lastWins(&doc)
	var value any
	if err := doc.Decode(&value); err != nil {
		return nil, fault.Corrupt("%w", err)
	}
	card = map[string]any{}
	if fields, ok := plain(value, 0).(map[string]any); ok {
		card = fields
	}
	return card, nil
}

// lastWins keeps the last of the values that a mapping has for a key; the YAML
// package refuses such mappings.
func lastWins(n *yaml.Node) {
	for _, part := range n.Content {
		lastWins(part)
	}
	if n.Kind != yaml.MappingNode {
		return
	}
	var kept []*yaml.Node
	value := map[string]int{} // where in kept the value of a key is
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if at, twice := value[key.Value]; twice && key.Kind == yaml.ScalarNode {
			kept[at] = n.Content[i+1]
			continue
		}
		value[key.Value] = len(kept) + 1
		kept = append(kept, key, n.Content[i+1])
	}
	n.Content = kept
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
