package arch

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// parameters changes, drops and adds key-values.
func (d *description) parameters(key string, n *yaml.Node) {
	d.each(key, n, func(name string, value *yaml.Node) {
		key := under(key, name)
		at := slices.IndexFunc(d.a.Params, func(p Param) bool { return p.Key == name })
		if value.Kind == yaml.ScalarNode && value.Value == "none" {
			if at < 0 {
				d.fail(value, key, "the parent has no such parameter")
				return
			}
			d.a.Params = slices.Delete(d.a.Params, at, at+1)
			d.a.Common = slices.DeleteFunc(slices.Clone(d.a.Common), func(k string) bool { return k == name })
			return
		}
		p := d.parameter(key, name, value)
		switch {
		case slices.ContainsFunc(common, func(p Param) bool { return p.Key == name }):
			d.fail(value, key, "every architecture has this key-value, as config.json says")
		case at >= 0:
			d.a.Params[at] = p
		default:
			d.a.Params = append(d.a.Params, p)
		}
	})
}

// parameter is an expression over config.json, or a mapping with more.
func (d *description) parameter(key, name string, n *yaml.Node) Param {
	value, kind, implied := n, "number", 0.0
	if n.Kind == yaml.MappingNode {
		value = nil
		d.each(key, n, func(part string, v *yaml.Node) {
			switch part {
			case "value":
				value = v
			case "type":
				kind = d.text(under(key, part), v)
			case "implied":
				d.decode(under(key, part), v, &implied)
			default:
				d.fail(v, under(key, part), "a parameter has value, type and implied")
			}
		})
	}
	if value == nil {
		d.fail(n, key, "a parameter needs a value")
		return Param{}
	}
	var p Param
	switch kind {
	case "number":
		p = number(name, 0)
	case "count":
		p = whole(name)
	case "truth":
		p = truth(name, false)
	default:
		d.fail(n, key, "its type is one of number, count and truth, not %s", kind)
	}
	f := d.formula(key, value)
	p.Implied = implied
	p.compute = func(c *reader, h Hyper) float64 {
		x, err := f.number(func(name string) (any, bool) {
			if size, ok := quantities[name]; ok && !c.has(name) {
				return float64(size(h, 0)), true
			}
			return c.given(name)
		})
		if err != nil {
			c.keep(d.at(value.Line, key).Invalid("%w; config.json does not say it, and no default", err))
		}
		return x
	}
	return p
}

// graph reads what the layers compute otherwise.
func (d *description) graph(key string, n *yaml.Node) {
	d.each(key, n, func(name string, value *yaml.Node) {
		key := under(key, name)
		x := setting{path: strings.Split(name, "."), value: d.formula(key, value)}
		switch x.path[0] {
		case "layer":
			x.base = "blk.{i}."
		case "input", "output":
		default:
			d.fail(value, key, "a graph has input, layer and output")
		}
		d.settings = append(d.settings, spot{x, key, value.Line})
	})
}

// change does to a model what the description says otherwise.
func (d *description) change(h Hyper, m *Model) error {
	for _, p := range d.settings {
		x := p.setting
		x.path = x.path[1:]
		found := false
		apply := func(v any, layer int) error {
			one, err := x.apply(reflect.ValueOf(v), scopeOf(h, layer))
			found = found || one
			return err
		}
		var err error
		switch p.path[0] {
		case "input":
			err = apply(&m.Input, -1)
		case "output":
			err = apply(&m.Output, -1)
		default:
			for i := range m.Layers {
				if err == nil {
					err = apply(&m.Layers[i], i)
				}
			}
		}
		if err == nil && !found && len(m.Layers) > 0 {
			err = fmt.Errorf("the model has no such field")
		}
		if err != nil {
			return d.misread(p, h, err)
		}
	}
	return nil
}

// misread says of a formula what is wrong with its value in a model.
func (d *description) misread(p spot, h Hyper, err error) error {
	if h.Class == "" {
		return d.at(p.line, p.key).Invalid("%w: a file says of config.json nothing but the parameters; make it one", err)
	}
	return d.at(p.line, p.key).Invalid("%w", err)
}

// hook makes the readers keep what formulas of the graph and of shapes read.
func (d *description) hook() {
	fromConfig, fromFile := d.a.fromConfig, d.a.fromFile
	check := func(h Hyper, keep func(error)) {
		for _, p := range d.dimensions {
			if _, err := p.value.number(scopeOf(h, 0)); err != nil {
				keep(d.misread(p, h, err))
			}
		}
	}
	d.a.fromConfig = func(c *reader, h *Hyper) {
		if fromConfig != nil {
			fromConfig(c, h)
		}
		h.Stated = map[string]any{}
		for _, p := range slices.Concat(d.settings, d.dimensions) {
			p.value.names(func(name string) {
				if value, ok := c.given(name); ok {
					h.Stated[name] = value
				}
			})
		}
		check(*h, c.keep)
	}
	d.a.fromFile = func(g *fileReader, h *Hyper) {
		if fromFile != nil {
			fromFile(g, h)
		}
		check(*h, g.keep)
	}
}
