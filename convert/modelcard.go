package convert

import (
	"fmt"
	"strings"

	"gopkg.in/yaml.v3"
)

// card is the YAML front matter of a model's README.md.
type card map[string]any

// parseCard reads the front matter; a README without one, or with one that is
// no mapping, tells nothing.
func parseCard(readme []byte) card {
	text := strings.ReplaceAll(string(readme), "\r\n", "\n")
	body, ok := strings.CutPrefix(text, "---\n")
	if !ok {
		return nil
	}
	var lines []string
	for line := range strings.SplitSeq(body, "\n") {
		if line == "---" {
			break
		}
		lines = append(lines, line)
	}
	matter := strings.Join(lines, "\n") + "\n"
	matter = strings.ReplaceAll(matter, "- no\n", "- \"no\"\n") // Norwegian, not false
	matter = strings.ReplaceAll(matter, "\t", "  ")
	var doc yaml.Node
	var values map[string]any // with mappings of this type in it, too
	if yaml.Unmarshal([]byte(matter), &doc) != nil {
		return nil
	}
	lastWins(&doc)
	if doc.Decode(&values) != nil {
		return nil
	}
	return values
}

// lastWins keeps the last of the keys that a mapping has twice, as the
// reference does; the YAML package refuses them.
func lastWins(n *yaml.Node) {
	for _, part := range n.Content {
		lastWins(part)
	}
	if n.Kind != yaml.MappingNode {
		return
	}
	var kept []*yaml.Node
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if at, twice := seen[key.Value]; twice && key.Kind == yaml.ScalarNode {
			kept[at] = n.Content[i+1]
			continue
		}
		seen[key.Value] = len(kept) + 1
		kept = append(kept, key, n.Content[i+1])
	}
	n.Content = kept
}

// text returns the first of keys that has a value, as a string; lists are
// joined with commas.
func (c card) text(keys ...string) string {
	for _, key := range keys {
		switch v := c[key].(type) {
		case nil:
		case []any:
			return strings.Join(texts(v), ",")
		default:
			return fmt.Sprint(v)
		}
	}
	return ""
}

// list collects the values of keys, each one string or a list of them.
func (c card) list(keys ...string) []string {
	var all []string
	for _, key := range keys {
		all = append(all, texts(c.items(key))...)
	}
	return all
}

// items returns the first of keys that is present as a list, which is empty
// where it holds neither a string nor a list, and nil where none is present.
func (c card) items(keys ...string) []any {
	for _, key := range keys {
		v, ok := c[key]
		if !ok {
			continue
		}
		switch v := v.(type) {
		case string:
			return []any{v}
		case []any:
			return v
		}
		return []any{}
	}
	return nil
}

func texts(items []any) []string {
	all := make([]string, 0, len(items))
	for _, item := range items {
		all = append(all, fmt.Sprint(item))
	}
	return all
}
