package forward

import (
	"math"

	"github.com/f190792d/mq/eval/kernel"
)

// delta is a gated delta network (Yang et al. 2024, arXiv:2412.06464): linear
// attention whose memory decays, and forgets what a key held before it stores
// the new value.
type delta struct {
	width                int // of the convolution over time
	keyHeads, valueHeads int
	keyDim, valueDim     int
	keyOf                func(valueHead int) int

	in   []linear // projections, in the order that arrange expects
	out  linear
	conv []float32 // [channels, width]
	bias []float32 // of the time step, by value head
	rate []float32 // of the decay, negative, by value head
	norm norm      // of each value head

	// tiled names the output matrix where a file has its value heads in
	// another order: key heads take turns.
	tiled Weight

	// arrange puts one row of each projection into its parts: queries, keys
	// and values before the convolution; gates of the output; strength and
	// time step of each value head.
	arrange func(rows [][]float32, to deltaParts)
}

// deltaParts is what the projections of one position give.
type deltaParts struct {
	channels, gate, strength, step []float32
}

func (d *delta) keys() int     { return d.keyHeads * d.keyDim }
func (d *delta) values() int   { return d.valueHeads * d.valueDim }
func (d *delta) channels() int { return 2*d.keys() + d.values() }

func (d *delta) mix(r *run, layer int, x, y []float32) error {
	n := len(r.positions)
	slots := []int{bufQuery, bufKey, bufValue, bufHeads}
	var outs []output
	for i, l := range d.in {
		outs = append(outs, l.to(r.buffer(slots[i], n*l.w.rows)))
	}
	if err := r.multiply(x, n, outs...); err != nil {
		return err
	}
	channels, values := d.channels(), d.values()
	parts := deltaParts{
		r.buffer(bufGathered, n*channels), r.buffer(bufGate, n*values),
		r.buffer(bufUp, n*d.valueHeads), r.buffer(bufRouter, n*d.valueHeads),
	}
	err := r.rows(n, func(i int) {
		rows := make([][]float32, len(outs))
		for j, o := range outs {
			rows[j] = o.y[i*o.w.rows : (i+1)*o.w.rows]
		}
		d.arrange(rows, parts.row(i, channels, values, d.valueHeads))
	})
	if err != nil {
		return err
	}
	mixed := r.buffer(bufExpert, n*channels)
	if err := d.convolve(r, layer, parts.channels, mixed); err != nil {
		return err
	}
	result := r.buffer(bufShared, n*values)
	if err := d.scan(r, layer, mixed, parts, result); err != nil {
		return err
	}
	d.report(r, result)
	return r.multiply(result, n, d.out.to(y))
}

// report shows an observer the input of the output matrix as a file has it.
func (d *delta) report(r *run, result []float32) {
	if r.observe == nil || d.tiled.Name == "" {
		return
	}
	group := d.valueHeads / d.keyHeads
	turned := make([]float32, len(result))
	for row := 0; row < len(result); row += d.values() {
		for h := range d.valueHeads {
			to := h%group*d.keyHeads + h/group
			copy(turned[row+to*d.valueDim:][:d.valueDim], result[row+h*d.valueDim:])
		}
	}
	r.observe([]Weight{d.tiled}, turned, d.values())
}

func (p deltaParts) row(i, channels, values, heads int) deltaParts {
	return deltaParts{p.channels[i*channels : (i+1)*channels], p.gate[i*values : (i+1)*values],
		p.strength[i*heads : (i+1)*heads], p.step[i*heads : (i+1)*heads]}
}

// convolve filters each channel over time and applies silu. The inputs that
// the next tokens need stay in the state.
func (d *delta) convolve(r *run, layer int, in, out []float32) error {
	channels, before := d.channels(), d.width-1
	for _, s := range r.spans {
		st := s.layer(layer)
		st.conv = grow(st.conv, before*channels)
		if s.past == 0 {
			clear(st.conv)
		}
		at := func(t int) []float32 {
			if t < 0 {
				return st.conv[(t+before)*channels:][:channels]
			}
			return in[(s.first+t)*channels:][:channels]
		}
		err := r.rows(s.tokens, func(t int) {
			to := out[(s.first+t)*channels:][:channels]
			clear(to)
			for j := range d.width {
				for c, v := range at(t - before + j) {
					to[c] += d.conv[c*d.width+j] * v
				}
			}
			silu(to)
		})
		if err != nil {
			return err
		}
		kept := make([]float32, before*channels)
		for j := range before {
			copy(kept[j*channels:], at(s.tokens-before+j))
		}
		copy(st.conv, kept)
	}
	return nil
}

// silu replaces x by x / (1 + e^-x).
func silu(row []float32) {
	for i, v := range row {
		row[i] = v * logistic(v)
	}
}

// logistic returns 1 / (1 + e^-x).
func logistic(x float32) float32 { return float32(1 / (1 + math.Exp(-float64(x)))) }

// scan runs the memory of every value head over the positions of its
// sequence, then normalises and gates what it gives.
func (d *delta) scan(r *run, layer int, mixed []float32, parts deltaParts, result []float32) error {
	size := d.keyDim * d.valueDim
	for _, s := range r.spans {
		st := s.layer(layer)
		st.memory = grow(st.memory, d.valueHeads*size)
		if s.past == 0 {
			clear(st.memory)
		}
	}
	return parallel(r.ctx, r.workers, len(r.spans)*d.valueHeads, func(_, i int) error {
		s, h := r.spans[i/d.valueHeads], i%d.valueHeads
		memory := s.layer(layer).memory[h*size : (h+1)*size]
		key := d.keyOf(h) * d.keyDim
		q, k := make([]float32, d.keyDim), make([]float32, d.keyDim)
		for t := s.first; t < s.first+s.tokens; t++ {
			row := mixed[t*d.channels():][:d.channels()]
			unitRow(q, row[key:], float32(1/math.Sqrt(float64(d.keyDim))))
			unitRow(k, row[d.keys()+key:], 1)
			v := row[2*d.keys()+h*d.valueDim:][:d.valueDim]
			step := float64(parts.step[t*d.valueHeads+h] + d.bias[h])
			decay := float32(math.Exp(float64(d.rate[h]) * softplus(step)))
			to := result[(t*d.valueHeads+h)*d.valueDim:][:d.valueDim]
			d.update(memory, q, k, v, to, decay, logistic(parts.strength[t*d.valueHeads+h]))
			d.norm.apply(to, to)
			gate := parts.gate[(t*d.valueHeads+h)*d.valueDim:][:d.valueDim]
			kernel.SwiGLU(gate, to)
			copy(to, gate)
		}
		return nil
	})
}

// update takes one step of the memory [keyDim, valueDim] and reads it.
func (d *delta) update(memory, q, k, v, to []float32, decay, strength float32) {
	held := make([]float32, d.valueDim)
	for i, key := range k {
		row := memory[i*d.valueDim:][:d.valueDim]
		for j := range row {
			row[j] *= decay
			held[j] += row[j] * key
		}
	}
	for j := range held {
		held[j] = (v[j] - held[j]) * strength
	}
	clear(to)
	for i, key := range k {
		row, query := memory[i*d.valueDim:][:d.valueDim], q[i]
		for j := range row {
			row[j] += key * held[j]
			to[j] += row[j] * query
		}
	}
}

// softplus returns ln(1 + e^x).
func softplus(x float64) float64 {
	if x > 20 {
		return x
	}
	return math.Log1p(math.Exp(x))
}

// unitRow writes src scaled to length scale.
func unitRow(dst, src []float32, scale float32) {
	sum := 0.0
	for _, v := range src[:len(dst)] {
		sum += float64(v) * float64(v)
	}
	scale *= float32(1 / math.Sqrt(sum+1e-6))
	for i, v := range src[:len(dst)] {
		dst[i] = v * scale
	}
}
