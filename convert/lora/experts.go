package lora

import (
	"fmt"
	"slices"
	"strings"

	"github.com/f190792d/mq/convert/unpack"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/hf"
)

// stacked are the factors of all experts, one below the other: a is
// [experts·rank, in] and b [out, rank·experts], with the experts in turn.
type stacked struct {
	experts int64
	first   int64 // rows of the stack before those of the tensor
	side    bool  // the tensor is [experts, in, out]
	shared  *factors
}

// numbered are what the parts of a parameter are called where each expert has
// its own matrices, from the first row on.
var numbered = map[string][][]string{
	"gate_up_proj": {{"gate_proj", "up_proj"}, {"w1", "w3"}},
	"down_proj":    {{"down_proj"}, {"w2"}},
}

// parameters lists the changes of an adapter with those of parameters
// (target_parameters) as ones of the tensors that hold them. PEFT does not
// write which parameter of a module factors belong to; their shapes tell.
func parameters(list []*change, tensors []unpack.Tensor, from hf.Adapter, m Model) ([]*change, error) {
	v, _ := from.Config().Value("target_parameters")
	targets, _ := v.([]any)
	if len(targets) == 0 {
		return list, nil
	}
	index := newIndex(tensors)
	var all []*change
	for _, c := range list {
		module, _ := strings.CutSuffix(c.name, ".weight")
		for strings.HasSuffix(module, ".base_layer") {
			module = strings.TrimSuffix(module, ".base_layer")
		}
		var fits [][]*change
		plain := !c.low
		for _, target := range targets {
			name, _ := target.(string)
			owner, parameter := "", name
			if dot := strings.LastIndexByte(name, '.'); dot >= 0 {
				owner, parameter = name[:dot], name[dot+1:]
			}
			if !c.low || owner != "" && !isNamed(module, owner) {
				continue
			}
			if parameter == "weight" {
				plain = true
				c.key = c.name // the name of the parameter, not of its module
			} else if some := c.spread(module, parameter, index, tensors, m); some != nil {
				fits = append(fits, some)
			}
		}
		if at, err := index.find(c.name); len(fits) == 0 && (plain || err == nil && at >= 0) {
			all = append(all, c)
			continue
		}
		if len(fits) != 1 {
			return nil, fault.Op("lora").Folder(from.Name()).Tensor(c.name).Unsupported("factors of shape %v and %v fit %d of the parameters that adapter_config.json names in target_parameters; merge the adapter with PEFT's merge_and_unload and convert that", c.a.Shape, c.b.Shape, len(fits))
		}
		all = append(all, fits[0]...)
	}
	return all, nil
}

// spread finds the tensors that hold a parameter and gives each its change;
// none where the factors do not fit it.
func (c *change) spread(module, parameter string, index index, tensors []unpack.Tensor, m Model) []*change {
	if len(c.a.Shape) != 2 || len(c.b.Shape) != 2 || c.a.Shape[0] != c.b.Shape[1] {
		return nil
	}
	out, in := c.b.Shape[0], c.a.Shape[1]
	shared := &factors{}
	part := func(at int, experts, first int64) *change {
		own := *c
		own.name, own.key = tensors[at].Name, module+"."+parameter
		own.stacked = stacked{experts: experts, first: first, shared: shared}
		return &own
	}
	for _, end := range []string{"", "_blocks"} {
		at, err := index.find(module + "." + parameter + end)
		if err != nil || at < 0 || len(tensors[at].Shape) != 3 {
			continue
		}
		shape := tensors[at].Shape
		own := part(at, shape[0], 0)
		straight, turned := shape[1] == out && shape[2] == in, shape[1] == in && shape[2] == out
		if own.side = turned && (!straight || m.Turned != nil && m.Turned(own.name)); (straight || turned) && c.a.Shape[0]%shape[0] == 0 {
			return []*change{own}
		}
		return nil
	}
	for _, names := range numbered[parameter] {
		if list := c.each(module, names, index, tensors, part); list != nil {
			return list
		}
	}
	return nil
}

// each finds the matrices of numbered experts.
func (c *change) each(module string, names []string, index index, tensors []unpack.Tensor, part func(at int, experts, first int64) *change) []*change {
	var found []int
	prefix := ""
	if at, err := index.find(module + ".0." + names[0] + ".weight"); err == nil && at >= 0 {
		prefix = strings.TrimSuffix(tensors[at].Name, ".0."+names[0]+".weight")
	}
	for prefix != "" {
		at, ok := index.byName[fmt.Sprintf("%s.%d.%s.weight", prefix, len(found)/len(names), names[len(found)%len(names)])]
		if !ok {
			break
		}
		found = append(found, at)
	}
	experts := int64(len(found) / len(names))
	if experts == 0 || len(found)%len(names) != 0 || c.a.Shape[0]%experts != 0 {
		return nil
	}
	var list []*change
	first := int64(0)
	for _, at := range found {
		if shape := tensors[at].Shape; len(shape) != 2 || shape[1] != c.a.Shape[1] {
			return nil
		}
		list = append(list, part(at, experts, first))
		first += tensors[at].Shape[0]
	}
	if first != experts*c.b.Shape[0] {
		return nil
	}
	return slices.Clip(list)
}

// stack puts factors of all experts in the order of the rows: [experts·rows,
// rank] and [experts·rank, columns].
func (c *change) stack(a, b []float32) (left, right []float32) {
	n := c.experts
	rank, out, in := c.a.Shape[0]/n, c.b.Shape[0], c.a.Shape[1]
	left, right = make([]float32, 0, len(b)), a
	for e := range n {
		for o := range out {
			for r := range rank {
				left = append(left, b[(o*rank+r)*n+e])
			}
		}
	}
	if !c.side {
		return left, right
	}
	l, r := make([]float32, 0, len(a)), make([]float32, 0, len(b))
	for e := range n {
		l = append(l, transposed(a[e*rank*in:(e+1)*rank*in], rank)...)
		r = append(r, transposed(left[e*out*rank:(e+1)*out*rank], out)...)
	}
	return l, r
}
