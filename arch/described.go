package arch

import (
	"cmp"
	"reflect"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/hf"
)

// A description is an architecture as data: a known one, and what another
// class does otherwise. It is read anew for each model that it serves.

// Described reads the description of a reading.
func Described(r hf.Reading) (Arch, error) {
	d := &description{file: cmp.Or(r.File, "the description")}
	d.read([]byte(r.Description))
	if d.err != nil {
		return Arch{}, d.err
	}
	return d.a, nil
}

// part is what stands under one key.
type part struct {
	key  string
	read func(d *description, key string, n *yaml.Node)
}

// parts are the keys of a description, in the order in which they are read.
var parts = []part{
	{"parent", (*description).parent},
	{"architecture", (*description).architecture},
	{"classes", (*description).classes},
	{"defaults", func(d *description, key string, n *yaml.Node) { d.defaults.Keys = d.defaults.Keys.and(d.keys(key, n)) }},
	{"states_head", func(d *description, key string, n *yaml.Node) { d.decode(key, n, &d.defaults.StatesHead) }},
	{"as_stated", func(d *description, key string, n *yaml.Node) { d.decode(key, n, &d.defaults.AsStated) }},
	{"only", func(d *description, key string, n *yaml.Node) { d.a.Only = Keys{}.and(d.a.Only).and(d.keys(key, n)) }},
	{"rename", (*description).rename},
	{"strip", func(d *description, key string, n *yaml.Node) { d.a.Strip = slices.Concat(d.a.Strip, d.texts(key, n)) }},
	{"ignore", func(d *description, key string, n *yaml.Node) {
		d.a.Ignore = slices.Concat(d.a.Ignore, d.texts(key, n))
	}},
	{"tensors", (*description).tensors},
	{"parameters", (*description).parameters},
	{"activation", (*description).activation},
	{"graph", (*description).graph},
	{"source", func(d *description, key string, n *yaml.Node) { d.constants(key, n, reflect.ValueOf(&d.a.Source)) }},
	{"file", func(d *description, key string, n *yaml.Node) { d.constants(key, n, reflect.ValueOf(&d.a.File)) }},
	{"vocabulary", func(d *description, key string, n *yaml.Node) { d.constants(key, n, reflect.ValueOf(&d.a.Vocabulary)) }},
}

func (d *description) read(text []byte) {
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		d.err = fault.Op("arch").File(d.file).Invalid("%s", strings.TrimPrefix(err.Error(), "yaml: "))
		return
	}
	if len(document.Content) == 0 {
		d.err = fault.Op("arch").File(d.file).Invalid(" is empty")
		return
	}
	root := document.Content[0]
	given := map[string]*yaml.Node{}
	d.each("", root, func(key string, n *yaml.Node) {
		if !slices.ContainsFunc(parts, func(p part) bool { return p.key == key }) {
			d.fail(n, key, "a description has no such key")
		}
		given[key] = n
	})
	for _, needed := range []string{"parent", "classes"} {
		if given[needed] == nil {
			d.fail(root, needed, "a description needs it")
		}
	}
	for _, p := range parts {
		if n := given[p.key]; n != nil && d.err == nil {
			p.read(d, p.key, n)
		}
	}
	d.a.Defaults = map[string]Defaults{"": d.defaults}
	d.a.change, d.a.description = d.change, d.file
	d.hook()
}

// parent takes over what the description does not say otherwise.
func (d *description) parent(key string, n *yaml.Node) {
	name := d.text(key, n)
	a, known := ByClass(name)
	if !known {
		a, known = ByName(name)
	}
	if !known {
		d.fail(n, key, "neither a class nor an architecture is called %s%s", name, nearest("; the nearest class is ", name))
		return
	}
	d.a, d.defaults = a, a.assumed(name, "")
	d.a.Tensors, d.a.Views, d.a.Params = slices.Clone(a.Tensors), slices.Clone(a.Views), slices.Clone(a.Params)
}

func (d *description) classes(key string, n *yaml.Node) {
	if d.a.Classes = d.texts(key, n); len(d.a.Classes) == 0 {
		d.fail(n, key, "it names none")
	}
}

func (d *description) architecture(key string, n *yaml.Node) {
	d.a.Name = d.text(key, n)
	if strings.ContainsFunc(d.a.Name, func(r rune) bool { return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789-_.", r) }) {
		d.fail(n, key, "%q: an architecture's name has small letters, digits, - and _", d.a.Name)
	}
}

func (d *description) rename(key string, n *yaml.Node) {
	var pairs []string
	d.each(key, n, func(from string, to *yaml.Node) {
		var is string
		d.decode(under(key, from), to, &is)
		pairs = append(pairs, from, is)
	})
	d.a.Rename = slices.Concat(pairs, d.a.Rename)
}

func (d *description) activation(key string, n *yaml.Node) {
	a, ok := activations[d.text(key, n)]
	if !ok {
		d.fail(n, key, "%s is none of %s", n.Value, strings.Join(sortedKeys(activations), ", "))
	}
	d.a.Graph.Activation = a
}

// constants sets fields that do not depend on a model.
func (d *description) constants(key string, n *yaml.Node, to reflect.Value) {
	d.each(key, n, func(name string, value *yaml.Node) {
		x := setting{path: []string{name}, value: d.formula(under(key, name), value)}
		if d.err != nil {
			return
		}
		found, err := x.apply(to, func(string) (any, bool) { return nil, false })
		if err != nil {
			d.fail(value, under(key, name), "%w", err)
		} else if !found {
			d.fail(value, under(key, name), "there is no such field")
		}
	})
}
