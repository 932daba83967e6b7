package graph

import (
	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/eval/forward/compute"
	"github.com/f190792d/mq/eval/forward/rotary"
)

// attention is attention in which groups of query heads share a key and value
// head (Ainslie et al. 2023, arXiv:2305.13245).
type attention struct {
	compute.Attention
	q, k, v, o   linear // v.w nil: the keys' projection gives the values too; k.w nil: another layer's
	keysOf       int    // the layer whose keys and values are used, where k.w is nil
	clamp        float32
	qNorm, kNorm *headNorm         // nil: none
	normAfter    bool              // the rotation, not before it
	rope         *rotary.Embedding // nil: positions are not rotated
	style        arch.RopeStyle    // in which rows of queries and keys pair, rotated or not
	unit         *norm             // of each head after the rotation; nil: none
	valueNorm    *norm             // of each value head; nil: none
	valueScale   float32
	gate         arch.Gate
	gateBy       linear // of gates that do not stand after the queries
}

// headNorm is a normalization of queries or keys.
type headNorm struct {
	norm
	width int  // elements that are normalized together
	own   bool // each head has weights of its own
}

// row normalizes the heads of one position.
func (n *headNorm) row(x []float32) {
	for at := 0; at < len(x); at += n.width {
		head, of := x[at:at+n.width], &n.norm
		if n.own {
			of = n.part(at, n.width)
		}
		of.apply(head, head)
	}
}

func (a *attention) mix(r *run, layer int, x, y []float32) error {
	n := len(r.positions)
	q, k, v, gates, err := a.project(r, x, n)
	if err != nil {
		return err
	}
	if err := a.prepare(r, q, a.qNorm); err != nil {
		return err
	}
	from := a.keysOf
	if a.k.w != nil {
		from = layer
		if a.valueNorm != nil {
			if err := r.normalize(a.valueNorm, v, v, a.ValueDim); err != nil {
				return err
			}
		}
		if err := a.prepare(r, k, a.kNorm); err != nil {
			return err
		}
		r.append(layer, k, v)
	}
	mixed := r.buffer(bufHeads, n*a.Heads*a.ValueDim)
	if err := r.attend(&a.Attention, from, compute.Queries{Q: q, Out: mixed}); err != nil {
		return err
	}
	if gates != nil {
		if err := a.applyGates(r, mixed, gates); err != nil {
			return err
		}
	}
	if a.valueScale != 1 {
		for i := range mixed {
			mixed[i] *= a.valueScale
		}
	}
	return r.multiply(mixed, n, a.o.to(y))
}

// project computes queries, keys, values and gates.
func (a *attention) project(r *run, x []float32, n int) (q, k, v, gates []float32, err error) {
	q = r.buffer(bufQuery, n*a.q.w.Rows)
	products := []compute.Product{a.q.to(q)}
	if a.k.w != nil {
		k, v = r.buffer(bufKey, n*a.KVHeads*a.Dim), r.buffer(bufValue, n*a.KVHeads*a.ValueDim)
		products = append(products, a.k.to(k))
	}
	if a.v.w != nil {
		products = append(products, a.v.to(v))
	}
	if a.gateBy.w != nil {
		gates = r.buffer(bufGate, n*a.gateBy.w.Rows)
		products = append(products, a.gateBy.to(gates))
	}
	if err = r.multiply(x, n, products...); err != nil {
		return nil, nil, nil, nil, err
	}
	if a.k.w != nil && a.v.w == nil {
		copy(v, k)
	}
	if a.gate == arch.QueryGate {
		if q, gates, err = a.ungate(r, q); err != nil {
			return nil, nil, nil, nil, err
		}
	}
	if a.clamp > 0 {
		for _, part := range [][]float32{q, k, v} {
			err := r.perRow(n, func(i int) {
				row := part[i*(len(part)/n) : (i+1)*(len(part)/n)]
				for j, x := range row {
					row[j] = max(min(x, a.clamp), -a.clamp)
				}
			})
			if err != nil {
				return nil, nil, nil, nil, err
			}
		}
	}
	return q, k, v, gates, nil
}

// prepare normalizes and rotates queries or keys.
func (a *attention) prepare(r *run, x []float32, n *headNorm) error {
	normalize := func() error {
		cols := len(x) / len(r.positions)
		if n == nil {
			return nil
		}
		return r.perRow(len(r.positions), func(i int) { n.row(x[i*cols : (i+1)*cols]) })
	}
	if !a.normAfter {
		if err := normalize(); err != nil {
			return err
		}
	}
	if a.rope != nil {
		if err := r.rotate(a.rope, x, a.Dim); err != nil {
			return err
		}
	}
	if a.normAfter {
		if err := normalize(); err != nil {
			return err
		}
	}
	if a.unit != nil {
		return r.normalize(a.unit, x, x, a.Dim)
	}
	return nil
}

// ungate parts query heads from the gates between them.
func (a *attention) ungate(r *run, both []float32) (q, gates []float32, err error) {
	n := len(r.positions)
	q, gates = r.buffer(bufExtra, n*a.Heads*a.Dim), r.buffer(bufGate, n*a.Heads*a.Dim)
	err = r.perRow(n*a.Heads, func(i int) {
		pair := both[i*2*a.Dim : (i+1)*2*a.Dim]
		copy(q[i*a.Dim:], pair[:a.Dim])
		copy(gates[i*a.Dim:], pair[a.Dim:])
	})
	return q, gates, err
}

// applyGates scales the heads' results by the sigmoids of their gates.
func (a *attention) applyGates(r *run, mixed, gates []float32) error {
	n, width := len(r.positions), a.Heads*a.ValueDim
	per := len(gates) / n
	return r.perRow(n, func(i int) {
		row := mixed[i*width : (i+1)*width]
		its := gates[i*per : (i+1)*per]
		if a.gate == arch.PerHeadGate {
			for j := range row {
				row[j] *= logistic(its[j/a.ValueDim])
			}
			return
		}
		for j := range row {
			row[j] *= logistic(its[j])
		}
	})
}

func (a *attention) parts(p *parts) {
	if a.gate == arch.QueryGate {
		p.linear("attn_q", a.q)
	} else {
		p.inHeads("attn_q", a.q, a.Dim, a.style)
	}
	p.inHeads("attn_k", a.k, a.Dim, a.style)
	p.linear("attn_v", a.v)
	p.linear("attn_gate", a.gateBy)
	p.linear("attn_output", a.o)
	p.headNorm("attn_q_norm", a.qNorm)
	p.headNorm("attn_k_norm", a.kNorm)
	p.numbers("the attention's clamp, gate and source of keys", float64(a.clamp), float64(a.gate), float64(a.keysOf), flag(a.normAfter), flag(a.unit != nil), flag(a.valueNorm != nil), float64(a.valueScale))
	p.attention(&a.Attention)
	p.rotation(a.rope)
}

func (p *parts) headNorm(name string, n *headNorm) {
	if n != nil {
		p.norm(name, &n.norm)
		p.numbers("the width of "+name, float64(n.width), flag(n.own))
	}
}
