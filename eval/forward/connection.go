package forward

import (
	"math"

	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/formats/fault"
)

// connection is a manifold-constrained hyper-connection (Xie et al. 2025,
// arXiv:2512.24880): several residual streams lie side by side in a row of the
// batch, [streams·width]. A part of a layer reads one mixture of them and adds
// its result to all, and the streams mix among themselves; the mixtures follow
// from the streams.
type connection struct {
	streams, width int
	iterations     int     // of Sinkhorn and Knopp
	eps            float64 // of the mixtures
	flat           norm    // of all streams together
	fn             linear  // [mixtures, streams·width]
	scale, base    []float32
}

// enter computes the mixtures of all rows and the first of them into y.
func (c *connection) enter(r *run, x, mixtures, y []float32) error {
	n, wide := len(r.positions), c.streams*c.width
	count := c.fn.w.rows
	flat := r.buffer(bufGathered, n*wide)
	if err := r.normalise(c.flat, flat, x, wide); err != nil {
		return err
	}
	if err := r.multiply(flat, n, c.fn.to(mixtures)); err != nil {
		return err
	}
	return r.rows(n, func(i int) {
		m, s := mixtures[i*count:(i+1)*count], c.streams
		c.weigh(m[:s], 0, 0)
		for j, v := range m[:s] {
			m[j] = logistic(v) + float32(c.eps)
		}
		if count > s {
			c.weigh(m[s:2*s], 1, s)
			for j, v := range m[s : 2*s] {
				m[s+j] = 2 * logistic(v)
			}
			c.weigh(m[2*s:], 2, 2*s)
			c.balance(m[2*s:])
		}
		row := y[i*c.width : (i+1)*c.width]
		clear(row)
		for j, w := range m[:s] {
			for k, v := range x[i*wide+j*c.width:][:c.width] {
				row[k] += w * v
			}
		}
	})
}

// weigh applies the learned scale and offset to one kind of mixtures.
func (c *connection) weigh(m []float32, kind, from int) {
	for j := range m {
		m[j] = m[j]*c.scale[kind] + c.base[from+j]
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

// leave mixes the streams and adds a part's result to each, into next.
func (c *connection) leave(r *run, x, mixtures, y, next []float32) error {
	n, s, wide := len(r.positions), c.streams, c.streams*c.width
	count := c.fn.w.rows
	return r.rows(n, func(i int) {
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
					row[k] += w * v
				}
			}
		}
	})
}

// streamsOf runs tokens through all layers of a model with hyper-connections
// and returns the mixture that the output sees.
func (m *Model) streamsOf(r *run, x []float32) ([]float32, error) {
	n, width, streams := len(r.positions), m.hyper.Embed, m.head.streams
	wide := r.buffer(bufStreams, n*width*streams)
	next := r.buffer(bufStreamsToo, n*width*streams)
	for i := range n * streams {
		copy(wide[i*width:(i+1)*width], x[i/streams*width:])
	}
	normed, y := r.buffer(bufNormed, n*width), r.buffer(bufMixed, n*width)
	part := func(c *connection, before norm, compute func() error) error {
		mixtures := r.buffer(bufMixtures, n*c.fn.w.rows)
		if err := c.enter(r, wide, mixtures, normed); err != nil {
			return err
		}
		if err := r.normalise(before, normed, normed, width); err != nil {
			return err
		}
		if err := compute(); err != nil {
			return err
		}
		err := c.leave(r, wide, mixtures, y, next)
		wide, next = next, wide
		return err
	}
	for l, layer := range m.layers {
		if err := part(layer.mixStreams, layer.mixNorm, func() error { return layer.mix.mix(r, l, normed, y) }); err != nil {
			return nil, err
		}
		if err := part(layer.feedStreams, layer.feedNorm, func() error { return layer.feed.feed(r, normed, y) }); err != nil {
			return nil, err
		}
	}
	return x, m.head.enter(r, wide, r.buffer(bufMixtures, n*streams), x)
}

// connection loads a hyper-connection, that of the head where it only reads;
// nil where the model has none.
func (b *builder) connection(name string, l int, reads bool) *connection {
	s := b.h.Streams
	if s.Count == 0 || b.err != nil {
		return nil
	}
	count, kinds := (2+s.Count)*s.Count, 3
	if reads {
		count, kinds = s.Count, 1
	}
	c := &connection{
		streams: s.Count, width: b.h.Embed, iterations: s.Iterations, eps: s.Eps, flat: norm{eps: b.h.Eps},
		fn:    b.optional(name+"_fn.weight", l, count, s.Count*b.h.Embed),
		scale: b.required(name+"_scale.weight", l, kinds),
		base:  b.required(name+"_base.weight", l, count),
	}
	if c.fn.w == nil {
		b.keep(fault.Corrupt("forward: tensor %q is missing", arch.Fill(name+"_fn.weight", l, 0)))
	}
	return c
}
