package graph

import (
	"math"

	"github.com/f190792d/mq/arch"
)

// dense is down(act(gate(x))·up(x)) (Shazeer 2020, arXiv:2002.05202), or
// down(act(up(x))) where gate.w is nil.
type dense struct {
	suffix         string
	gate, up, down linear
	activation     activation

	sparse bool
	cut    float64 // of sparse gates: see [arch.Dense.Cut]
}

func (f *dense) feed(r *run, x, y []float32) error {
	return f.compute(r, x, y, len(r.positions))
}

// compute feeds n rows.
func (f *dense) compute(r *run, x, y []float32, n int) error {
	width := f.up.w.Rows
	up := r.buffer(bufUp, n*width)
	if f.gate.w == nil {
		if err := r.multiply(x, n, f.up.to(up)); err != nil {
			return err
		}
		if err := r.perRow(n, func(i int) { f.activation.plain(up[i*width : (i+1)*width]) }); err != nil {
			return err
		}
		return r.multiply(up, n, f.down.to(y))
	}
	gate := r.buffer(bufGate, n*width)
	if err := r.multiply(x, n, f.gate.to(gate), f.up.to(up)); err != nil {
		return err
	}
	err := r.perRow(n, func(i int) {
		if f.sparse {
			cutOff(gate[i*width:(i+1)*width], f.cut)
		}
		f.activation.gate(gate[i*width:(i+1)*width], up[i*width:(i+1)*width])
	})
	if err != nil {
		return err
	}
	return r.multiply(gate, n, f.down.to(y))
}

// cutOff counts gates from their mean and so many standard deviations on.
func cutOff(g []float32, deviations float64) {
	mean, variance := moments(g)
	from := float32(mean + float64(math.Sqrt(variance)*deviations))
	for i, v := range g {
		g[i] = max(v-from, 0)
	}
}

func (f *dense) parts(p *parts) {
	p.linear("ffn_gate"+f.suffix, f.gate)
	p.linear("ffn_up"+f.suffix, f.up)
	p.linear("ffn_down"+f.suffix, f.down)
	p.activation(&f.activation)
	if f.sparse {
		p.numbers("the gates that are cut off", f.cut)
	}
}

func (p *parts) activation(a *activation) {
	p.numbers("the activation and its limit", float64(a.kind), float64(a.limit))
	if a.kind == arch.XIELU {
		p.numbers("the parameters of the activation", a.xielu.positive, a.xielu.negative, a.xielu.beta, a.xielu.eps)
	}
}
