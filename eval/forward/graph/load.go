package graph

import (
	"fmt"

	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/eval/forward/compute"
	"github.com/f190792d/mq/eval/forward/rotary"
	"github.com/f190792d/mq/formats/fault"
)

// linear loads a matrix that must be there, and its bias where there is one.
func (b *builder) linear(name string, layer, rows, cols int) linear {
	l := b.optional(name, layer, rows, cols)
	if l.w == nil {
		b.missing(name+".weight", layer)
	}
	return l
}

// optional loads a matrix that may be absent, and its bias.
func (b *builder) optional(name string, layer, rows, cols int) linear {
	w, err := b.weights.Matrix(b.ctx, name+".weight", layer, rows, cols)
	b.keep(err)
	if w == nil {
		return linear{}
	}
	b.keep(b.Device.Keep(w))
	return linear{w, b.vector(name+".bias", layer, w.Rows)}
}

// every loads one matrix for every expert or head, which must be there.
func (b *builder) every(name string, layer, n, rows, cols int) []*compute.Matrix {
	list, err := b.weights.Experts(b.ctx, name+".weight", layer, n, rows, cols)
	b.keep(err)
	if list == nil {
		b.missing(name+".weight", layer)
	}
	for _, m := range list {
		b.keep(b.Device.Keep(m))
	}
	return list
}

// vector loads a small tensor that may be absent.
func (b *builder) vector(name string, layer int, shape ...int) []float32 {
	v, err := b.weights.Vector(b.ctx, name, layer, shape...)
	b.keep(err)
	return v
}

// numbers loads a small tensor that must be there.
func (b *builder) numbers(name string, layer int, shape ...int) []float32 {
	v := b.vector(name, layer, shape...)
	if v == nil {
		b.missing(name, layer)
	}
	return v
}

// norm loads the weights of a norm, nil where the description has none.
func (b *builder) norm(d *arch.Norm, layer, n int) *norm {
	if d == nil {
		return nil
	}
	if d.Name == "" {
		return &norm{kind: d.Kind, eps: d.Eps}
	}
	if d.Bare {
		return &norm{kind: d.Kind, weight: b.numbers(d.Name, layer, n), eps: d.Eps}
	}
	if d.Else != "" && b.vector(d.Name+".weight", layer, n) == nil {
		return b.weightedNorm(d.Else, layer, d.Kind, d.Eps, n)
	}
	return b.weightedNorm(d.Name, layer, d.Kind, d.Eps, n)
}

// weightedNorm loads a norm whose weights must be there, and the bias of a
// layer norm where it has one.
func (b *builder) weightedNorm(name string, layer int, kind arch.NormKind, eps float64, shape ...int) *norm {
	w := b.numbers(name+".weight", layer, shape...)
	for i := range w {
		w[i] += b.NormOffset
	}
	built := &norm{kind: kind, weight: w, eps: eps}
	if kind == arch.LayerNorm {
		built.bias = b.vector(name+".bias", layer, shape...)
	}
	return built
}

// rotation computes a rotary embedding, once for all layers that share it.
func (b *builder) rotation(r *arch.Rotation) *rotary.Embedding {
	if r == nil {
		return nil
	}
	key := fmt.Sprint(*r)
	if kept, ok := b.ropes[key]; ok {
		return kept
	}
	var by rotary.Divisors
	if r.Factors != "" {
		by.All = b.divisors(r.Factors, r.Dim/2, max(r.Divisors, r.Dim/2))
	}
	if r.Scaling == arch.LongRoPEScaling && r.Short == nil {
		by.Short, by.Long = b.divisors("rope_factors_short.weight", r.Dim/2, r.Dim/2), b.divisors("rope_factors_long.weight", r.Dim/2, r.Dim/2)
	}
	b.ropes[key] = rotary.New(*r, b.Rope, by)
	return b.ropes[key]
}

// divisors loads what divides frequencies, nil where there is nothing: one
// for each pair, the first of those that are stored.
func (b *builder) divisors(name string, pairs, stored int) []float32 {
	v := b.vector(name, 0, stored)
	for j, f := range v {
		if f == 0 {
			b.keep(fault.Op("forward").File(b.Name).Tensor(name).Corrupt("factor %d is 0", j))
		}
	}
	return v[:min(len(v), pairs)]
}

// split loads matrices from one tensor in which their rows follow each other,
// or, where that is absent, from tensors of their own.
func (b *builder) split(whole string, names []string, layer int, rows []int, cols int) []linear {
	sum := 0
	for _, n := range rows {
		sum += n
	}
	all := b.optional(whole, layer, sum, cols)
	if all.w == nil {
		var own []linear
		for i, name := range names {
			own = append(own, b.linear(name, layer, rows[i], cols))
		}
		return own
	}
	var parts []linear
	for at, i := 0, 0; i < len(rows); i++ {
		parts = append(parts, all.part(at, rows[i]))
		at += rows[i]
	}
	return parts
}

// epsOf returns the epsilon of a norm, 0 where there is none.
func epsOf(n *arch.Norm) float64 {
	if n == nil {
		return 0
	}
	return n.Eps
}
