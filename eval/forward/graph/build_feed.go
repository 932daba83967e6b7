package graph

import (
	"strings"

	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/eval/forward/compute"
	"github.com/f190792d/mq/formats/fault"
)

// dense loads a feed-forward network; the suffix tells a shared expert from a
// layer's only one.
func (b *builder) dense(d *arch.Dense, l int) *dense {
	f := &dense{suffix: d.Suffix, sparse: d.Sparse, cut: d.Cut, activation: b.activation(d.Activation, d.Limit, d.LimitAfter, l)}
	gate, up := "blk.{i}.ffn_gate"+d.Suffix, "blk.{i}.ffn_up"+d.Suffix
	switch {
	case d.Gated && d.Fused:
		parts := b.split(up, []string{gate, up}, l, []int{d.Width, d.Width}, b.Embed)
		f.gate, f.up = parts[0], parts[1]
	case d.Gated:
		f.gate, f.up = b.linear(gate, l, d.Width, b.Embed), b.linear(up, l, d.Width, b.Embed)
	default:
		f.up = b.linear(up, l, d.Width, b.Embed)
	}
	f.down = b.linear("blk.{i}.ffn_down"+d.Suffix, l, b.Embed, d.Width)
	return f
}

// activation loads the parameters that an activation function has.
func (b *builder) activation(kind arch.Activation, limit float64, after bool, l int) activation {
	a := activation{kind: kind, limit: float32(limit), after: after}
	if kind == arch.XIELU {
		one := func(name string) float64 {
			if v := b.numbers("blk.{i}.xielu."+name, l, 1); len(v) == 1 {
				return float64(v[0])
			}
			return 0
		}
		a.xielu = newXIELU(one("alpha_p"), one("alpha_n"), one("beta"), one("eps"))
	}
	return a
}

// experts loads a layer of experts.
func (b *builder) experts(d *arch.Experts, l int) *experts {
	f := &experts{router: router{Router: d.Router}}
	r := &f.router
	if r.Used < 1 || r.Used > d.Count || r.Groups > 0 && (d.Count%r.Groups != 0 || r.GroupsUsed < 1 || r.GroupsUsed > r.Groups) {
		b.invalid(l, "%d of %d experts in %d of %d groups cannot be chosen", r.Used, d.Count, r.GroupsUsed, r.Groups)
		return nil
	}
	r.by = b.linear("blk.{i}.ffn_gate_inp", l, d.Count, b.Embed)
	r.bias = b.vector("blk.{i}.exp_probs_b.bias", l, d.Count)
	if r.Unit != 0 {
		r.elements = b.numbers("blk.{i}.ffn_gate_inp.scale", l, b.Embed)
	}
	if r.ByExpert {
		r.byExpert = b.numbers("blk.{i}.ffn_down_exps.scale", l, d.Count)
	}
	f.norm, f.normName = b.norm(d.Norm, l, b.Embed), nameOf(d.Norm)
	b.expertsOf(f, d, l)
	if d.Hashed {
		f.table = b.table(l, d)
	}
	if d.Shared != nil {
		f.shared = b.dense(d.Shared, l)
	}
	if d.SharedGate {
		f.sharedGate = b.linear("blk.{i}.ffn_gate_inp_shexp", l, 1, b.Embed)
	}
	return f
}

// expertsOf loads the experts' matrices: gate and up of their own, or in one
// tensor with the gate above.
func (b *builder) expertsOf(f *experts, d *arch.Experts, l int) {
	var gate, up []*compute.Matrix
	both, err := b.weights.Experts(b.ctx, "blk.{i}.ffn_gate_up_exps.weight", l, d.Count, 2*d.Width, b.Embed)
	b.keep(err)
	for _, m := range both {
		gate, up = append(gate, m.Part(0, d.Width)), append(up, m.Part(d.Width, d.Width))
	}
	if both == nil && d.Gated {
		gate = b.every("blk.{i}.ffn_gate_exps", l, d.Count, d.Width, b.Embed)
	}
	if both == nil {
		up = b.every("blk.{i}.ffn_up_exps", l, d.Count, d.Width, b.Embed)
	}
	down := b.every("blk.{i}.ffn_down_exps", l, d.Count, b.Embed, d.Width)
	gateBias := b.biases("blk.{i}.ffn_gate_exps.bias", l, d.Count, d.Width)
	upBias := b.biases("blk.{i}.ffn_up_exps.bias", l, d.Count, d.Width)
	downBias := b.biases("blk.{i}.ffn_down_exps.bias", l, d.Count, b.Embed)
	if b.err != nil {
		return
	}
	activation := b.activation(d.Activation, d.Limit, d.LimitAfter, l)
	for e := range d.Count {
		one := dense{activation: activation, up: linear{up[e], upBias(e)}, down: linear{down[e], downBias(e)}}
		if gate != nil {
			one.gate = linear{gate[e], gateBias(e)}
		}
		f.each = append(f.each, one)
	}
}

// nameOf returns what a norm's tensor is called within its layer.
func nameOf(n *arch.Norm) string {
	if n == nil {
		return ""
	}
	return strings.TrimPrefix(n.Name, "blk.{i}.")
}

// biases loads one bias for every expert; they are nil where there are none.
func (b *builder) biases(name string, l, experts, n int) func(e int) []float32 {
	all := b.vector(name, l, experts, n)
	return func(e int) []float32 {
		if all == nil {
			return nil
		}
		return all[e*n : (e+1)*n]
	}
}

// table loads the experts of every token.
func (b *builder) table(l int, d *arch.Experts) []int32 {
	const name = "blk.{i}.ffn_gate_tid2eid.weight"
	table, err := b.weights.Integers(b.ctx, name, l, b.Vocab*d.Router.Used)
	b.keep(err)
	if err == nil && table == nil {
		b.missing(name, l)
	}
	for _, e := range table {
		if e < 0 || int(e) >= d.Count {
			b.keep(fault.Op("forward").File(b.Name).Tensor(arch.Fill(name, l, 0)).Corrupt("there is no expert %d of %d", e, d.Count))
			break
		}
	}
	return table
}
