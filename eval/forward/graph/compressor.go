package graph

import (
	"math"
	"slices"

	"github.com/f190792d/mq/eval/forward/rotary"
)

// compressor makes one key of every few positions (DeepSeek-AI 2026,
// DeepSeek-V4): the mean of their vectors, weighted element by element with a
// softmax of gates. Overlapping windows also take in the window before, with
// vectors and gates of their own, which stand first in a row.
type compressor struct {
	ratio, dim int
	overlaps   bool
	kv, gate   linear
	ape        []float32 // [ratio, columns of kv]: what a position adds to its gates
	norm       *norm
	rope       *rotary.Embedding
	nope       int // first dimensions, which are not rotated
}

// columns is the width of a position's vectors and gates.
func (c *compressor) columns() int {
	if c.overlaps {
		return 2 * c.dim
	}
	return c.dim
}

// compress adds the keys of the windows that a batch completes. Its products
// use the buffers kv and gate.
func (c *compressor) compress(r *run, x []float32, of func(span) *pool) error {
	n, columns := len(r.positions), c.columns()
	kv, gate := r.buffer(bufGate, n*columns), r.buffer(bufUp, n*columns)
	if err := r.multiply(x, n, c.kv.to(kv), c.gate.to(gate)); err != nil {
		return err
	}
	err := r.perRow(n, func(i int) {
		for j, v := range c.ape[r.positions[i]%c.ratio*columns:][:columns] {
			gate[i*columns+j] += v
		}
	})
	if err != nil {
		return err
	}
	for _, s := range r.spans {
		p := of(s)
		if s.past == 0 {
			*p = pool{keys: p.keys[:0], kv: p.kv[:0], gate: p.gate[:0]}
		}
		p.kv = append(p.kv, kv[s.first*columns:(s.first+s.tokens)*columns]...)
		p.gate = append(p.gate, gate[s.first*columns:(s.first+s.tokens)*columns]...)
		done, all := len(p.keys)/c.dim, (s.past+s.tokens)/c.ratio
		p.keys = append(p.keys, make([]float32, (all-done)*c.dim)...)
		if err := r.perRow(all-done, func(i int) { c.window(p, done+i) }); err != nil {
			return err
		}
		keep := all * c.ratio
		if c.overlaps {
			keep = max(0, keep-c.ratio)
		}
		drop := (keep - p.first) * columns
		p.kv, p.gate = slices.Delete(p.kv, 0, drop), slices.Delete(p.gate, 0, drop)
		p.first = keep
	}
	return nil
}

// window computes the key of one window.
func (c *compressor) window(p *pool, w int) {
	columns, key := c.columns(), p.keys[w*c.dim:(w+1)*c.dim]
	rows := make([]int, 0, 2*c.ratio) // where a position's vector begins
	if c.overlaps && w > 0 {
		for t := range c.ratio {
			rows = append(rows, ((w-1)*c.ratio+t-p.first)*columns)
		}
	}
	for t := range c.ratio {
		rows = append(rows, (w*c.ratio+t-p.first+1)*columns-c.dim)
	}
	for j := range key {
		peak, sum, mean := math.Inf(-1), 0.0, 0.0
		for _, at := range rows {
			peak = max(peak, float64(p.gate[at+j]))
		}
		for _, at := range rows {
			weight := math.Exp(float64(p.gate[at+j]) - peak)
			sum += weight
			mean += float64(weight * float64(p.kv[at+j]))
		}
		key[j] = float32(mean / sum)
	}
	c.norm.apply(key, key)
	cos, sin := c.rope.Table([]int{w * c.ratio}, w*c.ratio+1).Row(0)
	c.rope.Rotate(key[c.nope:], c.dim-c.nope, cos, sin)
}

func (p *parts) compressor(name string, c *compressor) {
	if c == nil {
		return
	}
	p.linear(name+"_kv", c.kv)
	p.linear(name+"_gate", c.gate)
	p.coarse(name+"_ape.weight", c.ape)
	p.norm(name+"_norm", c.norm)
}
