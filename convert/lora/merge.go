package lora

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/f190792d/mq/convert/transform"
	"github.com/f190792d/mq/convert/unpack"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/hf"
)

// Merge returns the tensors of a checkpoint with adapters merged into them, in
// the order given. Every tensor of an adapter must find its own.
func Merge(ctx context.Context, base []unpack.Tensor, m Model, adapters []hf.Adapter) ([]unpack.Tensor, error) {
	out, held := slices.Clone(base), &keeper{}
	for _, from := range adapters {
		list, err := changes(ctx, out, m, from)
		if err != nil {
			return nil, err
		}
		if out, list, err = m.part(out, list, from); err != nil {
			return nil, err
		}
		index := newIndex(out)
		var lost []string
		for _, c := range list {
			at, err := index.find(c.name)
			if err != nil {
				return nil, fault.Op("lora").Folder(from.Name()).Corrupt("%w", err)
			}
			if at < 0 {
				lost = append(lost, c.name)
				continue
			}
			if out[at], err = c.apply(out[at], from, held); err != nil {
				return nil, err
			}
		}
		if lost != nil {
			return nil, fault.Op("lora").Folder(from.Name()).Corrupt("the adapter changes %d tensors that the model does not have: %s; it was trained on another model", len(lost), strings.Join(lost[:min(len(lost), 8)], ", "))
		}
	}
	return out, nil
}

// index finds tensors by what an adapter calls them: libraries differ in what
// they put before the name of a layer.
type index struct {
	byName map[string]int
	names  []string
}

func newIndex(tensors []unpack.Tensor) index {
	x := index{byName: make(map[string]int, len(tensors))}
	for i, t := range tensors {
		x.byName[t.Name] = i
		x.names = append(x.names, t.Name)
	}
	return x
}

// find returns the place of a tensor, -1 where there is none.
func (x index) find(name string) (int, error) {
	if at, ok := x.byName[name]; ok {
		return at, nil
	}
	found := -1
	for at, other := range x.names {
		if !strings.HasSuffix(other, "."+name) && !strings.HasSuffix(name, "."+other) {
			continue
		}
		if found >= 0 {
			return 0, fmt.Errorf("%q may be %q or %q of the model", name, x.names[found], other)
		}
		found = at
	}
	if now := strings.Replace(name, ".mlp.", ".block_sparse_moe.", 1); found < 0 && now != name { // which transformers renamed
		return x.find(now)
	}
	return found, nil
}

// Pair is the change of one matrix as two factors.
type Pair struct {
	Name      string         // of the matrix in the checkpoint
	A, B      transform.Rows // [rank, in] and [out, rank]; of an embedding [rows, rank] and [columns, rank]
	Rank      int64
	Scale     float64 // of the product
	Embedding bool
}

// Pairs returns the changes of an adapter that consists of factors alone, for
// a file that holds them. Other changes can only be merged.
func Pairs(ctx context.Context, base []unpack.Tensor, m Model, from hf.Adapter) ([]Pair, error) {
	list, err := changes(ctx, base, m, from)
	if err != nil {
		return nil, err
	}
	merged, err := Merge(ctx, base, m, []hf.Adapter{from}) // which checks all shapes
	if err != nil {
		return nil, err
	}
	index := newIndex(merged)
	var pairs []Pair
	for _, c := range list {
		if !c.low || c.dora || c.rebase || c.turned || c.experts > 0 {
			return nil, fault.Op("lora").Folder(from.Name()).Tensor(c.name).Unsupported("the adapter does more than add a product of two factors, which its own file cannot hold; merge it into its base model")
		}
		at, err := index.find(c.name)
		if err != nil {
			return nil, err
		}
		p := Pair{Name: merged[at].Name, A: unpack.RowsOf(c.a), B: unpack.RowsOf(c.b), Rank: c.a.Shape[0], Scale: float64(c.scale), Embedding: c.embedding}
		if c.embedding {
			p.A = transform.Transpose(p.A, p.Rank)
		}
		pairs = append(pairs, p)
	}
	return pairs, nil
}
