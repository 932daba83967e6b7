package forward

import "github.com/f190792d/mq/eval/kernel"

// mlp is the part of a layer that treats each position by itself.
type mlp interface {
	feed(r *run, x, y []float32) error
	parts(p *parts, suffix string)
}

// swiglu is down(silu(gate(x))·up(x)) (Shazeer 2020, arXiv:2002.05202).
type swiglu struct {
	gate, up, down linear
	limit          float32 // of gates above and of the rest on both sides; 0: none
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
		f.clamp(gate[i*width:(i+1)*width], up[i*width:(i+1)*width])
		kernel.SwiGLU(gate[i*width:(i+1)*width], up[i*width:(i+1)*width])
	})
	if err != nil {
		return err
	}
	return r.multiply(gate, n, f.down.to(y))
}

// clamp keeps gate and up projection within the limit.
func (f *swiglu) clamp(gate, up []float32) {
	if f.limit == 0 {
		return
	}
	for i := range gate {
		gate[i] = min(gate[i], f.limit)
		up[i] = max(min(up[i], f.limit), -f.limit)
	}
}
