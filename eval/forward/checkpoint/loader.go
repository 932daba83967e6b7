package checkpoint

import (
	"context"
	"encoding/binary"
	"math"
	"slices"
	"strings"

	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/eval/decode"
	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/hf"
)

// tensor is a tensor of a checkpoint.
type tensor = hf.Tensor

// Loader gives the tensors of a checkpoint by their names in GGUF files.
type Loader struct {
	files   *hf.Checkpoint
	h       arch.Hyper
	a       arch.Arch
	tensors map[string]tensor // by canonical name
	taken   map[string]bool   // names in the checkpoint of those that were asked for
}

// New returns the loader of an open checkpoint with adapters, of an
// architecture whose hyperparameters h are.
func New(ctx context.Context, files *hf.Checkpoint, adapters []hf.Adapter, a arch.Arch, h arch.Hyper) (*Loader, error) {
	c := &Loader{files: files, h: h, a: a, tensors: map[string]tensor{}, taken: map[string]bool{}}
	all, err := decode.Tensors(ctx, files)
	if err == nil {
		all, err = decode.WithAdapters(all, adapters, baseOf(all, a, h))
	}
	var vectors []tensor // which are read at once
	for _, t := range all {
		c.tensors[a.Canonical(t.Name, h)] = t
		if len(t.Shape) == 1 {
			vectors = append(vectors, t)
		}
	}
	files.ReadAhead(vectors)
	return c, err
}

// baseOf is what adapters ask of a model.
func baseOf(all []tensor, a arch.Arch, h arch.Hyper) decode.Base {
	base := decode.Base{Turned: func(name string) bool {
		template, _, _ := arch.Template(a.Canonical(name, h))
		return slices.ContainsFunc(a.Views, func(v arch.View) bool { return v.Turned && v.Source == template })
	}}
	if !h.Tied {
		return base
	}
	embedding, head := a.TiedNames()
	for _, t := range all {
		if a.Canonical(t.Name, h) == embedding {
			base.Embedding, base.Head = t.Name, head
		}
	}
	return base
}

// at is the place of an error about a tensor.
func (c *Loader) at(t tensor) fault.Place {
	return fault.Op("forward").Folder(c.files.Name()).Tensor(t.Name)
}

// find looks up the tensor that holds a tensor of the file, and where.
func (c *Loader) find(name string, layer, expert int) (tensor, arch.View, bool) {
	for _, view := range c.a.ViewsOf(name) {
		if t, ok := c.tensors[arch.Place{Layer: layer, Expert: expert, Part: expert}.Fill(view.Source)]; ok {
			c.taken[t.Name] = true
			return t, view, true
		}
	}
	return tensor{}, arch.View{}, false
}

// Vector implements the graph's Weights.
func (c *Loader) Vector(ctx context.Context, name string, layer int, shape ...int) ([]float32, error) {
	t, view, ok := c.find(name, layer, 0)
	if !ok {
		return nil, nil
	}
	if strings.Contains(view.Source, "{j}") {
		return c.gathered(ctx, view.Source, layer, shape)
	}
	var got, want []int64 // without lengths of 1
	for _, n := range t.Shape {
		if n != 1 {
			got = append(got, n)
		}
	}
	all := int64(1)
	for _, n := range shape {
		if all *= int64(n); n != 1 {
			want = append(want, int64(n))
		}
	}
	if len(got) == 1 && len(want) > 1 && got[0] == all { // groups that stand one after the other
		want = got
	}
	if view.Rows != nil && len(got) == len(want) && len(got) > 0 && slices.Equal(got[:len(got)-1], want[:len(want)-1]) {
		n := 1
		for _, length := range shape {
			n *= length
		}
		return c.someOf(ctx, t, view.Rows(c.h, layer), n)
	}
	if !slices.Equal(got, want) || !t.DType.Float() {
		return nil, c.at(t).Corrupt("shape %v and type %s should be numbers of shape %v", t.Shape, t.DType, shape)
	}
	v, err := c.values(ctx, t)
	if view.Times != nil {
		for i := range v {
			v[i] *= float32(view.Times(c.h, layer, i))
		}
	}
	return v, err
}

// gathered joins tensors that have a number more in their names than what is
// made of them.
func (c *Loader) gathered(ctx context.Context, template string, layer int, shape []int) ([]float32, error) {
	var all []float32
	for part := range shape[0] {
		name := arch.Place{Layer: layer, Part: part}.Fill(template)
		t, ok := c.tensors[name]
		if !ok {
			return nil, fault.Op("forward").Folder(c.files.Name()).Tensor(name).Corrupt("is missing")
		}
		if len(shape) != 2 || len(t.Shape) != 1 || t.Shape[0] != int64(shape[1]) || !t.DType.Float() {
			return nil, c.at(t).Corrupt("shape %v and type %s should be one of %v numbers", t.Shape, t.DType, shape)
		}
		c.taken[t.Name] = true
		some, err := c.values(ctx, t)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}

// someOf reads the elements of a vector that some sets select.
func (c *Loader) someOf(ctx context.Context, t tensor, sets []arch.RowSet, n int) ([]float32, error) {
	if !t.DType.Float() {
		return nil, c.at(t).Unsupported("numbers of type %s", t.DType)
	}
	all, err := c.values(ctx, t)
	if err != nil {
		return nil, err
	}
	var some []float32
	for _, s := range sets {
		if s.Period < 1 || len(all)%s.Period != 0 || s.First+s.Count > s.Period {
			return nil, c.at(t).Corrupt("%d numbers are not a multiple of %d", len(all), s.Period)
		}
		for at := s.First; at < len(all); at += s.Period {
			some = append(some, all[at:at+s.Count]...)
		}
	}
	if len(some) != n {
		return nil, c.at(t).Corrupt("%d numbers should be %d", len(some), n)
	}
	return some, nil
}

// values reads a whole tensor.
func (c *Loader) values(ctx context.Context, t tensor) ([]float32, error) {
	raw := make([]byte, t.Size)
	if _, err := t.ReadAt(ctx, raw, 0); err != nil {
		return nil, err
	}
	n := int64(1)
	for _, length := range t.Shape {
		n *= length
	}
	v := make([]float32, n)
	return v, dtype.ToFloat32(v, raw, t.DType)
}

// Integers implements the graph's Weights.
func (c *Loader) Integers(ctx context.Context, name string, layer, n int) ([]int32, error) {
	t, _, ok := c.find(name, layer, 0)
	if !ok {
		return nil, nil
	}
	size := t.DType.Bits() / 8
	if t.DType != dtype.I32 && t.DType != dtype.I64 || t.Size != int64(n)*int64(size) {
		return nil, c.at(t).Corrupt("shape %v and type %s should be %d integers", t.Shape, t.DType, n)
	}
	raw := make([]byte, t.Size)
	if _, err := t.ReadAt(ctx, raw, 0); err != nil {
		return nil, err
	}
	v := make([]int32, n)
	for i := range v {
		if size == 4 {
			v[i] = int32(binary.LittleEndian.Uint32(raw[4*i:]))
		} else if wide := int64(binary.LittleEndian.Uint64(raw[8*i:])); wide >= 0 && wide <= math.MaxInt32 {
			v[i] = int32(wide)
		} else {
			v[i] = -1 // no valid index
		}
	}
	return v, nil
}
