package forward

import "github.com/f190792d/mq/eval/kernel"

// mlp is the part of a layer that treats each position by itself.
type mlp interface {
	feed(r *run, x, y []float32) error
}

// swiglu is down(silu(gate(x))·up(x)) (Shazeer 2020, arXiv:2002.05202).
type swiglu struct {
	gate, up, down linear
}

func (f *swiglu) feed(r *run, x, y []float32) error {
	return f.compute(r, x, y, len(r.positions))
}

// compute feeds n rows.
func (f *swiglu) compute(r *run, x, y []float32, n int) error {
	width := f.gate.w.rows
	gate, up := r.buffer(bufGate, n*width), r.buffer(bufUp, n*width)
	if err := r.multiply(x, n, f.gate.to(gate), f.up.to(up)); err != nil {
		return err
	}
	err := r.rows(n, func(i int) {
		kernel.SwiGLU(gate[i*width:(i+1)*width], up[i*width:(i+1)*width])
	})
	if err != nil {
		return err
	}
	return r.multiply(gate, n, f.down.to(y))
}
