package arch

import (
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// tensors changes, drops and adds templates.
func (d *description) tensors(key string, n *yaml.Node) {
	d.each(key, n, func(pattern string, value *yaml.Node) {
		key := under(key, pattern)
		matches := func(t Tensor) bool { return t.Source == pattern || glob(pattern, t.Source) }
		known := slices.ContainsFunc(d.a.Tensors, matches)
		dropped := value.Kind == yaml.ScalarNode && value.Value == "none"
		switch {
		case !known && (dropped || strings.Contains(pattern, "*")):
			d.fail(value, key, "the parent has no such tensor")
		case dropped:
			d.a.Tensors = slices.DeleteFunc(d.a.Tensors, matches)
		case !known:
			t := Tensor{Source: pattern, Target: pattern}
			d.tensor(key, value, &t)
			if t.Shape == nil {
				d.fail(value, key, "a tensor that the parent does not have needs a shape")
			}
			d.a.Tensors = append(d.a.Tensors, t)
		default:
			for i := range d.a.Tensors {
				if matches(d.a.Tensors[i]) {
					d.tensor(key, value, &d.a.Tensors[i])
				}
			}
		}
	})
}

// operations are what descriptions may have done to a tensor.
var operations = map[string]Op{
	"permute_queries": {Kind: RopePermute, Heads: QueryHeads}, "permute_keys": {Kind: RopePermute, Heads: KVHeads}, "add_one": {Kind: AddOne}, "squeeze": {Kind: Squeeze},
}

// tensor reads what is said of one template.
func (d *description) tensor(key string, n *yaml.Node, t *Tensor) {
	d.each(key, n, func(name string, value *yaml.Node) {
		key := under(key, name)
		switch name {
		case "target":
			before := t.Target
			t.Target = d.text(key, value)
			for i, v := range d.a.Views {
				if v.Matrix == before && v.Source == t.Source {
					d.a.Views[i].Matrix = t.Target
				}
			}
		case "shape":
			t.Shape = d.shape(key, value)
		case "ops":
			t.Ops = nil
			for _, word := range d.texts(key, value) {
				op, ok := operations[word]
				if !ok {
					d.fail(value, key, "%s is none of %s", word, strings.Join(sortedKeys(operations), ", "))
				}
				t.Ops = append(t.Ops, op)
			}
		case "layers":
			where := d.dimension(key, value)
			t.Where = func(h Hyper, layer int) bool { return where(h, layer) != 0 }
		case "optional":
			d.decode(key, value, &t.Optional)
		case "f32":
			d.decode(key, value, &t.F32)
		default:
			d.fail(value, key, "a tensor has target, shape, ops, layers, optional and f32")
		}
	})
	if strings.Contains(t.Source, "{i}") != strings.Contains(t.Target, "{i}") {
		d.fail(n, key, "one of %s and %s has {i}, the layer, and the other has not", t.Source, t.Target)
	}
}

func (d *description) shape(key string, n *yaml.Node) []Dim {
	if n.Kind != yaml.SequenceNode || len(n.Content) == 0 {
		d.fail(n, key, "it is a list of lengths, the outermost first")
		return nil
	}
	var shape []Dim
	for _, length := range n.Content {
		shape = append(shape, d.dimension(key, length))
	}
	return shape
}

// dimension is a number of each layer.
func (d *description) dimension(key string, n *yaml.Node) Dim {
	f := d.formula(key, n)
	d.dimensions = append(d.dimensions, spot{setting{value: f}, key, n.Line})
	return func(h Hyper, layer int) int {
		x, err := f.number(scopeOf(h, layer))
		if err != nil {
			return 0 // the hook reports it
		}
		return int(x)
	}
}
