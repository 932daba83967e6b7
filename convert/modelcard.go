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
	var c card
	if yaml.Unmarshal([]byte(matter), &c) != nil {
		return nil
	}
	return c
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

// items returns the first of keys that is present as a list.
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
		return nil
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
