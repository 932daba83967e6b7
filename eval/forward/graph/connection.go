package graph

import "math"

// connection is a manifold-constrained hyper-connection (Xie et al. 2025,
// arXiv:2512.24880): several residual streams lie side by side in a row of the
// batch, [streams·width]. A part of a layer reads one mixture of them and adds
// its result to all, and the streams mix among themselves; the mixtures follow
// from the streams.
type connection struct {
	streams, width int
	iterations     int     // of Sinkhorn and Knopp
	eps            float64 // of the mixtures
	flat           *norm   // of all streams together
	fn             linear  // [mixtures, streams·width]
	scale, base    []float32
}

// read computes the mixtures of all rows and the first of them into y.
func (c *connection) read(r *run, x, mixtures, y []float32) error {
	n, wide := len(r.positions), c.streams*c.width
	count := c.fn.w.Rows
	flat := r.buffer(bufGathered, n*wide)
	if err := r.normalize(c.flat, flat, x, wide); err != nil {
		return err
	}
	if err := r.multiply(flat, n, c.fn.to(mixtures)); err != nil {
		return err
	}
	return r.perRow(n, func(i int) {
		m, s := mixtures[i*count:(i+1)*count], c.streams
		c.adjust(m[:s], 0, 0)
		for j, v := range m[:s] {
			m[j] = logistic(v) + float32(c.eps)
		}
		if count > s {
			c.adjust(m[s:2*s], 1, s)
			for j, v := range m[s : 2*s] {
				m[s+j] = 2 * logistic(v)
			}
			c.adjust(m[2*s:], 2, 2*s)
			c.balance(m[2*s:])
		}
		row := y[i*c.width : (i+1)*c.width]
		clear(row)
		for j, w := range m[:s] {
			for k, v := range x[i*wide+j*c.width:][:c.width] {
				row[k] += float32(w * v)
			}
		}
	})
}

// adjust applies the learned scale and offset to one kind of mixtures.
func (c *connection) adjust(m []float32, kind, from int) {
	for j := range m {
		m[j] = float32(m[j]*c.scale[kind]) + c.base[from+j]
	}
}

// balance makes a matrix [from stream, to stream] nearly doubly stochastic:
// the softmax of its rows, then columns and rows divided by their sums in turn
// (Sinkhorn and Knopp 1967).
func (c *connection) balance(m []float32) {
	s := c.streams
	at := make([]float64, s*s)
	for i := range s {
		peak, sum := math.Inf(-1), 0.0
		for j := range s {
			peak = max(peak, float64(m[i*s+j]))
		}
		for j := range s {
			at[i*s+j] = math.Exp(float64(m[i*s+j]) - peak)
			sum += at[i*s+j]
		}
		for j := range s {
			at[i*s+j] = at[i*s+j]/sum + c.eps
		}
	}
	divide := func(line, along int) {
		for i := range s {
			sum := c.eps
			for j := range s {
				sum += at[i*line+j*along]
			}
			for j := range s {
				at[i*line+j*along] /= sum
			}
		}
	}
	divide(1, s)
	for range c.iterations - 1 {
		divide(s, 1)
		divide(1, s)
	}
	for i, v := range at {
		m[i] = float32(v)
	}
}

// write mixes the streams and adds a part's result to each, into next.
func (c *connection) write(r *run, x, mixtures, y, next []float32) error {
	n, s, wide := len(r.positions), c.streams, c.streams*c.width
	count := c.fn.w.Rows
	return r.perRow(n, func(i int) {
		post, comb := mixtures[i*count+s:][:s], mixtures[i*count+2*s:][:s*s]
		from, out := x[i*wide:(i+1)*wide], y[i*c.width:(i+1)*c.width]
		for to := range s {
			row := next[i*wide+to*c.width:][:c.width]
			for k, v := range out {
				row[k] = post[to] * v
			}
			for j := range s {
				w := comb[j*s+to]
				for k, v := range from[j*c.width:][:c.width] {
					row[k] += float32(w * v)
				}
			}
		}
	})
}

func (p *parts) connection(name string, c *connection) {
	if c == nil {
		return
	}
	p.linear(name+"_fn", c.fn)
	p.vector(name+"_scale.weight", c.scale)
	p.vector(name+"_base.weight", c.base)
	p.numbers("the mixing of residual streams", float64(c.iterations), c.eps)
}
