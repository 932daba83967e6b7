package arch

import (
	"encoding/json"
	"fmt"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/f190792d/mq/formats/fault"
)

// description is a file that is being read, and what has been read of it.
type description struct {
	file string
	err  error // the first

	a          Arch
	defaults   Defaults
	settings   []spot // of the graph
	dimensions []spot // of tensors
}

// spot is a formula where it stands, for errors about its value.
type spot struct {
	setting
	key  string
	line int
}

// fail keeps the first error, of the value of a key.
func (d *description) fail(n *yaml.Node, key, format string, args ...any) {
	if d.err == nil {
		d.err = d.at(n.Line, key).Invalid("%w", fmt.Errorf(format, args...))
	}
}

func (d *description) at(line int, key string) fault.Place {
	return fault.Op("arch").File(fmt.Sprintf("%s: line %d", d.file, line)).Key(key)
}

// each visits the keys of a mapping in their order.
func (d *description) each(key string, n *yaml.Node, visit func(string, *yaml.Node)) {
	if n.Tag == "!!null" {
		return
	}
	if n.Kind != yaml.MappingNode {
		d.fail(n, key, "it is a mapping, KEY: VALUE")
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, value := n.Content[i], n.Content[i+1]
		if seen[name.Value] {
			d.fail(name, under(key, name.Value), "it is there twice")
		}
		seen[name.Value] = true
		visit(name.Value, value)
	}
}

func under(key, name string) string {
	if key == "" {
		return name
	}
	return key + "." + name
}

func (d *description) decode(key string, n *yaml.Node, to any) {
	if err := n.Decode(to); err != nil {
		d.fail(n, key, "%s", strings.ReplaceAll(strings.TrimPrefix(err.Error(), "yaml: "), "\n ", ""))
	}
}

func (d *description) text(key string, n *yaml.Node) string {
	if n.Kind != yaml.ScalarNode || n.Value == "" {
		d.fail(n, key, "it is one word or expression")
	}
	return n.Value
}

func (d *description) texts(key string, n *yaml.Node) (all []string) {
	d.decode(key, n, &all)
	return all
}

// keys are values of config.json.
func (d *description) keys(key string, n *yaml.Node) Keys {
	values := Keys{}
	d.decode(key, n, &values)
	if _, err := json.Marshal(values); err != nil {
		d.fail(n, key, "it holds what no config.json can: %s", err)
	}
	return values
}

func (d *description) formula(key string, n *yaml.Node) formula {
	f, err := parseFormula(d.text(key, n))
	if err != nil {
		d.fail(n, key, "%w", err)
	}
	return f
}
