package forward

import "github.com/f190792d/mq/arch"

// mixer lets the positions of a sequence see each other: attention of some
// kind. x is the normalised stream [tokens, embed], y takes the result.
type mixer interface {
	mix(r *run, layer int, x, y []float32) error
	parts(p *parts, style arch.RopeStyle)
}

// linear is a matrix with an optional bias.
type linear struct {
	w    *matrix
	bias []float32
}

// to asks for the product into y.
func (l linear) to(y []float32) output { return output{l.w, y, l.bias} }

// gqa is attention in which groups of query heads share a key and value head
// (Ainslie et al. 2023, arXiv:2305.13245).
type gqa struct {
	heads
	q, k, v, o   linear
	qNorm, kNorm *norm // of each head before the rotation; nil: none
	rope         *rope // nil: positions are not embedded
	unit         *norm // of each head after the rotation; nil: none
	gated        bool  // each query head is followed by a gate of its output
}

func (a *gqa) mix(r *run, layer int, x, y []float32) error {
	n := len(r.positions)
	q := r.buffer(bufQuery, n*a.q.w.rows)
	k := r.buffer(bufKey, n*a.kv*a.dim)
	v := r.buffer(bufValue, n*a.kv*a.value)
	if err := r.multiply(x, n, a.q.to(q), a.k.to(k), a.v.to(v)); err != nil {
		return err
	}
	var gates []float32
	if a.gated {
		var err error
		if q, gates, err = a.ungate(r, q); err != nil {
			return err
		}
	}
	for _, part := range []struct {
		x    []float32
		norm *norm
	}{{q, a.qNorm}, {k, a.kNorm}} {
		if part.norm != nil {
			if err := r.normalise(*part.norm, part.x, part.x, a.dim); err != nil {
				return err
			}
		}
		if a.rope != nil {
			if err := r.rotate(a.rope, part.x, a.dim); err != nil {
				return err
			}
		}
		if a.unit != nil {
			if err := r.normalise(*a.unit, part.x, part.x, a.dim); err != nil {
				return err
			}
		}
	}
	r.remember(layer, k, v)
	mixed := r.buffer(bufHeads, n*a.query*a.value)
	if err := r.attend(a.heads, layer, q, mixed, nil); err != nil {
		return err
	}
	if a.gated {
		err := r.rows(n, func(i int) {
			row := mixed[i*a.query*a.value:][:a.query*a.value]
			for j, g := range gates[i*a.query*a.dim:][:len(row)] {
				row[j] *= logistic(g)
			}
		})
		if err != nil {
			return err
		}
	}
	return r.multiply(mixed, n, a.o.to(y))
}

// ungate parts query heads from the gates between them.
func (a *gqa) ungate(r *run, both []float32) (q, gates []float32, err error) {
	n := len(r.positions)
	q, gates = r.buffer(bufExtra, n*a.query*a.dim), r.buffer(bufGate, n*a.query*a.dim)
	err = r.rows(n*a.query, func(i int) {
		pair := both[i*2*a.dim : (i+1)*2*a.dim]
		copy(q[i*a.dim:], pair[:a.dim])
		copy(gates[i*a.dim:], pair[a.dim:])
	})
	return q, gates, err
}

// remember appends the keys and values of a batch to the state of each
// sequence.
func (r *run) remember(layer int, k, v []float32) {
	n := len(r.positions)
	for _, s := range r.spans {
		st := s.layer(layer)
		st.k = place(st.k, k, s, len(k)/n)
		st.v = place(st.v, v, s, len(v)/n)
	}
}

// place copies the rows of a span behind those of the positions before it.
func place(kept, batch []float32, s span, line int) []float32 {
	if s.past == 0 {
		kept = kept[:0]
	}
	return append(kept[:s.past*line], batch[s.first*line:(s.first+s.tokens)*line]...)
}
