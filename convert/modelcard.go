package convert

import (
	"fmt"
	"strings"
)

// card is the YAML front matter of a model's README.md.
type card map[string]any

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
