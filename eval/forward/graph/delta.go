package graph

import (
	"math"

	"github.com/f190792d/mq/eval/forward/compute"
	"github.com/f190792d/mq/eval/kernel"
)

// delta is a gated delta network (Yang et al. 2024, arXiv:2412.06464): linear
// attention whose memory decays, and forgets what a key held before it stores
// the new value.
type delta struct {
	keyHeads, valueHeads int
	keyDim, valueDim     int
	tiled                bool // key heads take turns over the value heads; else those of a key head stand together

	qkv, gate      linear
	strength, step linear    // a row for each value head
	conv           conv      // of queries, keys and values
	bias           []float32 // of the time step, by value head
	rate           []float32 // of the decay, negative, by value head
	norm           *norm     // of each value head
	out            linear

	// reports, where it is not nil, names to observers the output matrix of a
	// file, in which key heads take turns over the value heads.
	reports *compute.Weight
}

// deltaParts is what the projections of a batch give.
type deltaParts struct {
	channels, gate, strength, step []float32
}

func (d *delta) keys() int     { return d.keyHeads * d.keyDim }
func (d *delta) values() int   { return d.valueHeads * d.valueDim }
func (d *delta) channels() int { return 2*d.keys() + d.values() }

// keyOf returns the key head that serves a value head.
func (d *delta) keyOf(h int) int {
	if d.tiled {
		return h % d.keyHeads
	}
	return h / (d.valueHeads / d.keyHeads)
}

func (d *delta) mix(r *run, layer int, x, y []float32) error {
	n, channels, values := len(r.positions), d.channels(), d.values()
	parts := deltaParts{
		r.buffer(bufGathered, n*channels), r.buffer(bufGate, n*values),
		r.buffer(bufUp, n*d.valueHeads), r.buffer(bufRouter, n*d.valueHeads),
	}
	err := r.multiply(x, n, d.qkv.to(parts.channels), d.gate.to(parts.gate), d.strength.to(parts.strength), d.step.to(parts.step))
	if err != nil {
		return err
	}
	mixed := r.buffer(bufExpert, n*channels)
	if err := d.conv.run(r, layer, parts.channels, mixed, channels); err != nil {
		return err
	}
	if err := r.perRow(n, func(i int) { silu(mixed[i*channels : (i+1)*channels]) }); err != nil {
		return err
	}
	result := r.buffer(bufShared, n*values)
	if err := d.scan(r, layer, mixed, parts, result); err != nil {
		return err
	}
	if err := d.report(r, result, y); err != nil {
		return err
	}
	return r.multiply(result, n, d.out.to(y))
}

// report shows an observer the input of the output matrix as a file has it.
func (d *delta) report(r *run, result, y []float32) error {
	if !r.watched() || d.reports == nil {
		return nil
	}
	group := d.valueHeads / d.keyHeads
	turned := make([]float32, len(result))
	for row := 0; row < len(result); row += d.values() {
		for h := range d.valueHeads {
			to := h%group*d.keyHeads + h/group
			copy(turned[row+to*d.valueDim:][:d.valueDim], result[row+h*d.valueDim:])
		}
	}
	in := Input{Weights: []compute.Weight{*d.reports}, X: turned, Cols: d.values()}
	r.sum.of(&in, compute.Product{Y: y})
	return r.tell(in)
}

// scan runs the memory of every value head over the positions of its
// sequence, then normalizes and gates what it gives.
func (d *delta) scan(r *run, layer int, mixed []float32, parts deltaParts, result []float32) error {
	size := d.keyDim * d.valueDim
	for _, s := range r.spans {
		st := s.kept(layer)
		st.memory = blank(st.memory, s, d.valueHeads*size)
	}
	return compute.Parallel(r.ctx, r.workers, len(r.spans)*d.valueHeads, func(_, i int) error {
		s, h := r.spans[i/d.valueHeads], i%d.valueHeads
		memory := s.kept(layer).memory[h*size : (h+1)*size]
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
			held[j] += float32(row[j] * key)
		}
	}
	for j := range held {
		held[j] = (v[j] - held[j]) * strength
	}
	clear(to)
	for i, key := range k {
		row, query := memory[i*d.valueDim:][:d.valueDim], q[i]
		for j := range row {
			row[j] += float32(key * held[j])
			to[j] += float32(row[j] * query)
		}
	}
}

// parts has value heads in one order, those of a key head together. The output
// matrix, whose columns are in that of the source, is left to the logits.
func (d *delta) parts(p *parts) {
	keys := 2 * d.keys()
	p.norm("ssm_norm", d.norm)
	p.linear("attn_qkv of queries and keys", d.qkv.part(0, keys))
	p.matrix("attn_qkv of values", d.grouped(d.qkv.part(keys, d.values()).w, d.valueDim))
	p.matrix("attn_gate", d.grouped(d.gate.w, d.valueDim))
	p.matrix("ssm_beta", d.grouped(d.strength.w, 1))
	p.matrix("ssm_alpha", d.grouped(d.step.w, 1))
	taps := d.conv.width
	p.vector("ssm_conv1d of queries and keys", d.conv.weight[:keys*taps])
	p.vector("ssm_conv1d of values", d.groupedVector(d.conv.weight[keys*taps:], d.valueDim*taps))
	p.vector("ssm_dt.bias", d.groupedVector(d.bias, 1))
	p.vector("ssm_a", d.groupedVector(d.rate, 1))
}

// from returns which value head of the source is the h-th where those of a key
// head stand together.
func (d *delta) from(h int) int {
	if group := d.valueHeads / d.keyHeads; d.tiled {
		return h%group*d.keyHeads + h/group
	}
	return h
}

func (d *delta) grouped(m *compute.Matrix, rows int) *compute.Matrix {
	if !d.tiled {
		return m
	}
	var heads []*compute.Matrix
	for h := range d.valueHeads {
		heads = append(heads, m.Part(d.from(h)*rows, rows))
	}
	return compute.Join(heads...)
}

func (d *delta) groupedVector(v []float32, n int) []float32 {
	var ordered []float32
	for h := range d.valueHeads {
		ordered = append(ordered, v[d.from(h)*n:][:n]...)
	}
	return ordered
}
