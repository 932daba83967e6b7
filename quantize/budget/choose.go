package budget

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/quantize"
)

// Target is the requested size; exactly one field is set.
type Target struct {
	Bits  float64 // per weight, over all tensors' data
	Bytes int64   // of the whole file
}

// Choice is a mixture of types.
type Choice struct {
	Overrides []quantize.Override // one for each open tensor
	Recipe    quantize.Recipe     // of the type in the middle of all weights
	Cost      float64             // expected divergence, in nats where the profile comes from a model
}

// Choose finds the types that keep a model within its target at the least
// cost. The recipe of o counts for nothing.
func Choose(kvs gguf.KVs, tensors []gguf.TensorInfo, o quantize.Options, p *Profile, target Target) (*Choice, error) {
	free, err := quantize.Free(tensors, o)
	if err != nil {
		return nil, err
	}
	if len(free) == 0 {
		return nil, fault.Op("budget").Invalid("no tensor is left whose type could be chosen")
	}
	profiles := map[string]Tensor{}
	for _, t := range p.Tensors {
		profiles[t.Name] = t
	}
	types, err := usable(free, profiles)
	if err != nil {
		return nil, err
	}
	chosen := make([]gguf.Type, len(free)) // the smallest, for now
	for i, list := range types {
		chosen[i] = slices.MinFunc(list, func(a, b gguf.Type) int { return cmp.Compare(size(free[i], a), size(free[i], b)) })
	}
	smallest, err := plan(kvs, tensors, o, free, chosen)
	if err != nil {
		return nil, err
	}
	// What the other tensors and the header take is not to be spent.
	fixed, limit, alignment := smallest.Summary.FileBytes, target.Bytes, int64(smallest.Files[0].Alignment)
	if target.Bytes == 0 {
		fixed, limit, alignment = smallest.Summary.DataBytes, int64(target.Bits*float64(smallest.Summary.Elements)/8), 1
	}
	padded := func(c quantize.Choice, t gguf.Type) int64 {
		return (size(c, t) + alignment - 1) / alignment * alignment
	}
	items := make([][]Option, len(free))
	for i, c := range free {
		fixed -= padded(c, chosen[i])
		for _, t := range types[i] {
			cost, _ := profiles[c.Info.Name].Cost(t)
			items[i] = append(items[i], Option{padded(c, t), cost})
		}
	}
	solution, ok := Solve(items, limit-fixed)
	if !ok {
		return nil, target.impossible(smallest.Summary, o.Importance != nil)
	}
	choice := &Choice{}
	for i, j := range solution {
		chosen[i] = types[i][j]
		choice.Cost += items[i][j].Cost
	}
	choice.Overrides, choice.Recipe = overrides(free, chosen)
	return choice, nil
}

// Check reports, before anything is measured, whether a target can be met with
// some of the types; nil stands for Candidates().
func Check(kvs gguf.KVs, tensors []gguf.TensorInfo, o quantize.Options, types []gguf.Type, target Target) error {
	free, err := quantize.Free(tensors, o)
	if err != nil {
		return err
	}
	if types == nil {
		types = Candidates()
	}
	p := &Profile{}
	for _, c := range free {
		t := Tensor{Name: c.Info.Name, Errors: map[string]float64{c.From.String(): 0}}
		for _, id := range types {
			t.Errors[id.String()] = 0
		}
		p.Tensors = append(p.Tensors, t)
	}
	_, err = Choose(kvs, tensors, o, p, target)
	return err
}

// usable lists for each tensor the types that were measured and fit.
func usable(free []quantize.Choice, profiles map[string]Tensor) ([][]gguf.Type, error) {
	types := make([][]gguf.Type, len(free))
	for i, c := range free {
		t, ok := profiles[c.Info.Name]
		if !ok {
			return nil, fault.Op("budget").Tensor(c.Info.Name).Corrupt(" is not among the sensitivities: they were measured on another model")
		}
		for _, id := range gguf.Types() {
			if _, measured := t.Errors[id.String()]; measured && (id == c.From || c.Takes(id)) {
				types[i] = append(types[i], id)
			}
		}
		if len(types[i]) == 0 {
			return nil, fault.Op("budget").Tensor(c.Info.Name).Unsupported("none of the types to choose from fits its rows of %d values", c.Info.Columns())
		}
	}
	return types, nil
}

func (t Target) impossible(s quantize.Summary, weighted bool) error {
	hint := ""
	if !weighted {
		hint = "; an importance matrix permits smaller types"
	}
	if t.Bytes == 0 {
		return fault.Op("budget").Invalid("%g bits per weight are too few: the smallest that is possible has %.3f (%d bytes)%s", t.Bits, s.Bits, s.FileBytes, hint)
	}
	return fault.Op("budget").Invalid("%d bytes are too few: the smallest file that is possible has %d (%.3f bits per weight)%s", t.Bytes, s.FileBytes, s.Bits, hint)
}

// size is what a tensor takes in a type, in bytes.
func size(c quantize.Choice, t gguf.Type) int64 {
	c.Info.Type = t
	return c.Info.Size()
}

func plan(kvs gguf.KVs, tensors []gguf.TensorInfo, o quantize.Options, free []quantize.Choice, types []gguf.Type) (*quantize.Plan, error) {
	list, recipe := overrides(free, types)
	o.Overrides = append(o.Overrides[:len(o.Overrides):len(o.Overrides)], list...)
	o.Recipe = recipe
	return quantize.NewPlan(kvs, tensors, o)
}

// overrides expresses types as options: an override for each tensor, and the
// recipe of the type in the middle of all weights, ordered by bits.
func overrides(free []quantize.Choice, types []gguf.Type) ([]quantize.Override, quantize.Recipe) {
	var list []quantize.Override
	elements := map[gguf.Type]int64{}
	total := int64(0)
	for i, c := range free {
		list = append(list, quantize.Exactly(c.Info.Name, types[i]))
		elements[types[i]] += c.Info.Elements()
		total += c.Info.Elements()
	}
	order := slices.SortedFunc(maps.Keys(elements), func(a, b gguf.Type) int {
		return cmp.Or(cmp.Compare(a.BitsPerWeight(), b.BitsPerWeight()), cmp.Compare(a, b))
	})
	middle := order[len(order)-1]
	below := int64(0)
	for _, t := range order {
		if below += elements[t]; 2*below >= total {
			middle = t
			break
		}
	}
	recipe, err := quantize.ParseRecipe(middle.String())
	if err != nil || !recipe.Default.Quantized() {
		// Recipes of floats leave no room for overrides.
		fileType := recipe.FileType
		recipe, _ = quantize.ParseRecipe("Q8_0")
		if err == nil {
			recipe.FileType = fileType
		}
	}
	return list, recipe
}

// TypeFile is the choice in the form that --tensor-type-file reads.
func (c *Choice) TypeFile() string {
	var b strings.Builder
	for _, o := range c.Overrides {
		fmt.Fprintf(&b, "%s=%s\n", o.Pattern, strings.ToLower(o.Type.String()))
	}
	return b.String()
}
