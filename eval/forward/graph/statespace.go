package graph

import (
	"math"

	"github.com/f190792d/mq/eval/forward/compute"
)

// mamba2 is a selective state-space layer whose heads decay as a whole (Dao
// and Gu 2024, arXiv:2405.21060).
type mamba2 struct {
	heads, groups, state, inner int // inner is the width of all heads

	in, out        linear    // in gives gate, inputs, B, C and time steps
	conv           conv      // of inputs, B and C
	bias           []float32 // of the time steps, by head
	rate, skip     []float32 // A, negative, and D, by head
	from, to       float64   // limits of the time steps; to 0: none
	norm           *norm     // of each group's part of the result; nil: none
	normBeforeGate bool
}

func (m *mamba2) channels() int { return m.inner + 2*m.groups*m.state }

func (m *mamba2) mix(r *run, layer int, x, y []float32) error {
	n, channels, all := len(r.positions), m.channels(), m.in.w.Rows
	projected := r.buffer(bufQuery, n*all)
	if err := r.multiply(x, n, m.in.to(projected)); err != nil {
		return err
	}
	before, mixed := r.buffer(bufGathered, n*channels), r.buffer(bufExpert, n*channels)
	if err := r.perRow(n, func(i int) { copy(before[i*channels:(i+1)*channels], projected[i*all+m.inner:]) }); err != nil {
		return err
	}
	if err := m.conv.run(r, layer, before, mixed, channels); err != nil {
		return err
	}
	if err := r.perRow(n, func(i int) { silu(mixed[i*channels : (i+1)*channels]) }); err != nil {
		return err
	}
	result := r.buffer(bufShared, n*m.inner)
	if err := m.scan(r, layer, mixed, projected, result); err != nil {
		return err
	}
	if err := r.perRow(n, func(i int) { m.gate(result[i*m.inner:(i+1)*m.inner], projected[i*all:]) }); err != nil {
		return err
	}
	return r.multiply(result, n, m.out.to(y))
}

// scan runs the state of every head over the positions of its sequence.
func (m *mamba2) scan(r *run, layer int, mixed, projected, result []float32) error {
	dim, channels, all := m.inner/m.heads, m.channels(), m.in.w.Rows
	for _, s := range r.spans {
		st := s.kept(layer)
		st.memory = blank(st.memory, s, m.inner*m.state)
	}
	return compute.Parallel(r.ctx, r.workers, len(r.spans)*m.heads, func(_, i int) error {
		s, h := r.spans[i/m.heads], i%m.heads
		memory := s.kept(layer).memory[h*dim*m.state:][:dim*m.state]
		group := h / (m.heads / m.groups)
		for t := s.first; t < s.first+s.tokens; t++ {
			row := mixed[t*channels : (t+1)*channels]
			b := row[m.inner+group*m.state:][:m.state]
			c := row[m.inner+(m.groups+group)*m.state:][:m.state]
			step := max(softplus(float64(projected[t*all+m.inner+channels+h]+m.bias[h])), m.from)
			if m.to > 0 {
				step = min(step, m.to)
			}
			decay := float32(math.Exp(step * float64(m.rate[h])))
			for p, v := range row[h*dim : (h+1)*dim] {
				cells, gain, sum := memory[p*m.state:][:m.state], float32(step)*v, float32(0)
				for j := range cells {
					cells[j] = float32(cells[j]*decay) + float32(gain*b[j])
					sum += float32(cells[j] * c[j])
				}
				result[t*m.inner+h*dim+p] = sum + float32(m.skip[h]*v)
			}
		}
		return nil
	})
}

// gate normalizes the result of one position by groups and gates it.
func (m *mamba2) gate(row, gate []float32) {
	normalize := func() {
		if m.norm == nil {
			return
		}
		for at, width := 0, m.inner/m.groups; at < m.inner; at += width {
			m.norm.part(at, width).apply(row[at:at+width], row[at:at+width])
		}
	}
	if m.normBeforeGate {
		normalize()
	}
	for j := range row {
		row[j] *= gate[j] * logistic(gate[j])
	}
	if !m.normBeforeGate {
		normalize()
	}
}

func (m *mamba2) parts(p *parts) {
	bc := m.groups * m.state
	p.split("ssm_in", m.in, []segment{{"the gate", m.inner}, {"inputs", m.inner}, {"B", bc}, {"C", bc}, {"time steps", m.heads}})
	p.linear("ssm_out", m.out)
	p.conv("ssm_conv1d", &m.conv)
	p.vector("ssm_dt.bias", m.bias)
	p.vector("ssm_a", m.rate)
	p.vector("ssm_d", m.skip)
	p.norm("ssm_norm", m.norm)
	p.numbers("the heads and groups of the state", float64(m.heads), float64(m.groups), float64(m.state), flag(m.normBeforeGate))
	p.numbers("the limits of time steps", m.from, m.to)
}

// mamba1 is a selective state-space layer whose channels each have decays of
// their own (Gu and Dao 2023, arXiv:2312.00752).
type mamba1 struct {
	inner, state, rank int

	in, x, step, out linear // in gives inputs and gate; x low-rank time steps, B and C; step the time steps
	conv             conv
	rate             []float32 // A, negative: [inner, state]
	skip             []float32 // D: [inner]
	norm             *norm     // of low-rank time steps, B and C, without weights; nil: none
}

func (m *mamba1) mix(r *run, layer int, x, y []float32) error {
	n, inner := len(r.positions), m.inner
	both := r.buffer(bufQuery, n*2*inner)
	if err := r.multiply(x, n, m.in.to(both)); err != nil {
		return err
	}
	before, mixed := r.buffer(bufGathered, n*inner), r.buffer(bufExpert, n*inner)
	if err := r.perRow(n, func(i int) { copy(before[i*inner:(i+1)*inner], both[i*2*inner:]) }); err != nil {
		return err
	}
	if err := m.conv.run(r, layer, before, mixed, inner); err != nil {
		return err
	}
	if err := r.perRow(n, func(i int) { silu(mixed[i*inner : (i+1)*inner]) }); err != nil {
		return err
	}
	width := m.rank + 2*m.state
	selected, low, steps := r.buffer(bufKey, n*width), r.buffer(bufValue, n*m.rank), r.buffer(bufUp, n*inner)
	if err := r.multiply(mixed, n, m.x.to(selected)); err != nil {
		return err
	}
	err := r.perRow(n, func(i int) {
		row := selected[i*width : (i+1)*width]
		if m.norm != nil {
			for _, part := range [][]float32{row[:m.rank], row[m.rank : m.rank+m.state], row[m.rank+m.state:]} {
				m.norm.apply(part, part)
			}
		}
		copy(low[i*m.rank:(i+1)*m.rank], row)
	})
	if err != nil {
		return err
	}
	if err := r.multiply(low, n, m.step.to(steps)); err != nil {
		return err
	}
	result := r.buffer(bufShared, n*inner)
	if err := m.scan(r, layer, mixed, selected, steps, both, result); err != nil {
		return err
	}
	return r.multiply(result, n, m.out.to(y))
}

// scan runs the state of every channel over the positions of its sequence,
// and gates the result.
func (m *mamba1) scan(r *run, layer int, mixed, selected, steps, both, result []float32) error {
	width := m.rank + 2*m.state
	for _, s := range r.spans {
		st := s.kept(layer)
		st.memory = blank(st.memory, s, m.inner*m.state)
	}
	return compute.Parallel(r.ctx, r.workers, len(r.spans)*m.inner, func(_, i int) error {
		s, k := r.spans[i/m.inner], i%m.inner
		cells, rate := s.kept(layer).memory[k*m.state:][:m.state], m.rate[k*m.state:][:m.state]
		for t := s.first; t < s.first+s.tokens; t++ {
			b, c := selected[t*width+m.rank:][:m.state], selected[t*width+m.rank+m.state:][:m.state]
			v, step := mixed[t*m.inner+k], softplus(float64(steps[t*m.inner+k]))
			sum := float32(0)
			for j := range cells {
				cells[j] = float32(cells[j]*float32(math.Exp(step*float64(rate[j])))) + float32(float32(step)*v*b[j])
				sum += float32(cells[j] * c[j])
			}
			gate := both[t*2*m.inner+m.inner+k]
			result[t*m.inner+k] = (sum + float32(m.skip[k]*v)) * gate * logistic(gate)
		}
		return nil
	})
}

func (m *mamba1) parts(p *parts) {
	p.split("ssm_in", m.in, []segment{{"inputs", m.inner}, {"the gate", m.inner}})
	p.split("ssm_x", m.x, []segment{{"time steps", m.rank}, {"B", m.state}, {"C", m.state}})
	p.linear("ssm_dt", m.step)
	p.linear("ssm_out", m.out)
	p.conv("ssm_conv1d", &m.conv)
	p.vector("ssm_a", m.rate)
	p.vector("ssm_d", m.skip)
	p.numbers("the norms within the state space", flag(m.norm != nil))
}
