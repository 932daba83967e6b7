package batch

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/f190792d/mq/cmd/mq/internal/flags"
	"github.com/f190792d/mq/formats/fault"
)

// A shape is what a value of a jobs.yaml is: a word for people, and what it
// consists of.
type shape struct {
	is    string
	tags  []string          // of a scalar
	items *shape            // of a list
	keys  map[string]*shape // of a table; nil for any
}

var (
	text    = &shape{is: "a text", tags: []string{"!!str", "!!int", "!!float", "!!bool"}}
	number  = &shape{is: "a number", tags: []string{"!!int", "!!float"}}
	texts   = &shape{is: "a list of texts", items: text}
	options = &shape{is: "a table of options"}
	flag    = &shape{is: "true or false", tags: []string{"!!bool"}}
	model   = &shape{is: "a table with a path", keys: map[string]*shape{"path": text, "name": text, "types": texts, "checks": texts, "options": options, "base-model": text}}
	jobs    = &shape{is: "a table with models", keys: map[string]*shape{
		"output": text, "types": texts, "checks": texts, "options": options, "models": {is: "a list of models", items: model},
		"publish": {is: "a table of what is published", keys: map[string]*shape{"card": flag, "push": texts, "create": flag, "private": flag}},
		"limits":  {is: "a table of limits", keys: map[string]*shape{"max-kld": number, "min-top1": number}},
	}}
)

// check holds a value to its shape; at is where it stands, as in models[0].path.
func (s *shape) check(n *yaml.Node, at string) error {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	switch {
	case n.Kind == yaml.ScalarNode && n.Tag == "!!null":
		return misplaced(n, at, "a value is missing; it is %s", s.is)
	case s.tags != nil:
		for _, tag := range s.tags {
			if n.Kind == yaml.ScalarNode && n.Tag == tag {
				return nil
			}
		}
	case s.items != nil && n.Kind == yaml.SequenceNode:
		for i, item := range n.Content {
			if err := s.items.check(item, fmt.Sprintf("%s[%d]", at, i)); err != nil {
				return err
			}
		}
		return nil
	case s.items == nil && n.Kind == yaml.MappingNode:
		return s.checkKeys(n, at)
	}
	if n.Kind == yaml.ScalarNode {
		return misplaced(n, at, "%q is not %s", n.Value, s.is)
	}
	return misplaced(n, at, "it is %s", s.is)
}

func (s *shape) checkKeys(n *yaml.Node, at string) error {
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		path := strings.TrimPrefix(at+"."+key.Value, ".")
		if line := seen[key.Value]; line > 0 {
			return misplaced(key, path, "the key is given in line %d, too", line)
		}
		seen[key.Value] = key.Line
		if s.keys == nil || key.Value == "<<" {
			continue
		}
		inner, ok := s.keys[key.Value]
		if !ok {
			near := flags.Nearest(key.Value, slices.Sorted(maps.Keys(s.keys)), strings.ToLower)
			return misplaced(key, path, "there is no such key%s", flags.DidYouMean(near))
		}
		if err := inner.check(value, path); err != nil {
			return err
		}
	}
	return nil
}

// misplaced is an error about a value, at its line.
func misplaced(n *yaml.Node, at, format string, args ...any) error {
	where := fmt.Sprintf("line %d: ", n.Line)
	if at != "" {
		where += at + ": "
	}
	return fault.Invalid("%s%w", where, fmt.Errorf(format, args...))
}

// under returns the node of a key, or the table itself where it lacks it.
func under(n *yaml.Node, keys ...string) *yaml.Node {
	for _, key := range keys {
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == key {
				n = n.Content[i+1]
				break
			}
		}
	}
	return n
}
