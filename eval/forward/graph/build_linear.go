package graph

import (
	"math"

	"github.com/f190792d/mq/arch"
)

// delta loads a gated delta network.
func (b *builder) delta(n *arch.DeltaNet, l int) *delta {
	d := &delta{keyHeads: n.KeyHeads, valueHeads: n.ValueHeads, keyDim: n.KeyDim, valueDim: n.ValueDim, tiled: b.InTurn}
	if n.Kernel < 1 || d.keyHeads < 1 || d.valueHeads < 1 || d.keyDim < 1 || d.valueDim < 1 || d.valueHeads%d.keyHeads != 0 {
		b.invalid(l, "invalid linear attention of %d key heads of %d, %d value heads of %d and a filter of %d", d.keyHeads, d.keyDim, d.valueHeads, d.valueDim, n.Kernel)
		return nil
	}
	d.out = b.linear("blk.{i}.ssm_out", l, b.Embed, d.values())
	if b.ReportInTurn && d.out.w != nil {
		d.reports, d.out.w.Hidden = &d.out.w.Weight, true
	}
	d.norm = &norm{weight: b.numbers("blk.{i}.ssm_norm.weight", l, d.valueDim), eps: n.NormEps}
	d.conv = conv{width: n.Kernel, weight: b.numbers("blk.{i}.ssm_conv1d.weight", l, d.channels(), n.Kernel)}
	d.bias = b.numbers("blk.{i}.ssm_dt.bias", l, d.valueHeads)
	d.rate = b.decay("blk.{i}.ssm_a", l, d.valueHeads)
	d.qkv = b.linear("blk.{i}.attn_qkv", l, d.channels(), b.Embed)
	d.gate = b.linear("blk.{i}.attn_gate", l, d.values(), b.Embed)
	if n.Joined {
		d.strength, d.step = b.joined(d, l)
	} else {
		d.strength, d.step = b.linear("blk.{i}.ssm_beta", l, d.valueHeads, b.Embed), b.linear("blk.{i}.ssm_alpha", l, d.valueHeads, b.Embed)
	}
	return d
}

// joined loads the projections of strength and time step from one matrix, in
// which those of a key head's value heads stand together.
func (b *builder) joined(d *delta, l int) (strength, step linear) {
	both := b.linear("blk.{i}.ssm_ba", l, 2*d.valueHeads, b.Embed)
	if both.w == nil {
		return both, both
	}
	group := d.valueHeads / d.keyHeads
	strength, step = linear{w: both.w.Select(2*group, 0, group)}, linear{w: both.w.Select(2*group, group, group)}
	step.w.Hidden = true
	return strength, step
}

// decay loads the decays of linear attention, which are negative.
func (b *builder) decay(name string, l int, shape ...int) []float32 {
	rate := b.numbers(name, l, shape...)
	if b.DecayLog {
		for i, v := range rate {
			rate[i] = -float32(math.Exp(float64(v)))
		}
	}
	return rate
}

// stateSpace loads a selective state-space layer.
func (b *builder) stateSpace(d *arch.StateSpace, l int) mixer {
	switch {
	case d.Kernel < 1 || d.Inner < 1 || d.State < 1:
	case d.Version == 1 && d.TimeStepRank > 0:
		return b.mamba1(d, l)
	case d.Version == 2 && d.Heads > 0 && d.Groups > 0 && d.Inner%d.Heads == 0 && d.Heads%d.Groups == 0:
		return b.mamba2(d, l)
	}
	b.invalid(l, "invalid state space of version %d, %d channels in %d heads and %d groups, a state of %d and a filter of %d",
		d.Version, d.Inner, d.Heads, d.Groups, d.State, d.Kernel)
	return nil
}

func (b *builder) mamba2(d *arch.StateSpace, l int) *mamba2 {
	m := &mamba2{heads: d.Heads, groups: d.Groups, state: d.State, inner: d.Inner, from: d.StepFrom, to: d.StepTo, normBeforeGate: d.NormBeforeGate}
	m.in = b.linear("blk.{i}.ssm_in", l, m.inner+m.channels()+m.heads, b.Embed)
	m.out = b.linear("blk.{i}.ssm_out", l, b.Embed, m.inner)
	m.conv = b.conv("blk.{i}.ssm_conv1d", l, m.channels(), d.Kernel)
	m.bias = b.numbers("blk.{i}.ssm_dt.bias", l, m.heads)
	m.rate = b.decay("blk.{i}.ssm_a", l, m.heads)
	m.skip = b.numbers("blk.{i}.ssm_d", l, m.heads)
	if d.NormEps == 0 {
		return m
	}
	weight := b.vector("blk.{i}.ssm_norm.weight", l, m.groups, m.inner/m.groups)
	if weight != nil {
		m.norm = &norm{weight: weight, eps: d.NormEps}
	} else if !d.NormOptional {
		b.missing("blk.{i}.ssm_norm.weight", l)
	}
	return m
}

func (b *builder) mamba1(d *arch.StateSpace, l int) *mamba1 {
	m := &mamba1{inner: d.Inner, state: d.State, rank: d.TimeStepRank}
	m.in = b.linear("blk.{i}.ssm_in", l, 2*m.inner, b.Embed)
	m.x = b.linear("blk.{i}.ssm_x", l, m.rank+2*m.state, m.inner)
	m.step = b.linear("blk.{i}.ssm_dt", l, m.inner, m.rank)
	m.out = b.linear("blk.{i}.ssm_out", l, b.Embed, m.inner)
	m.conv = b.conv("blk.{i}.ssm_conv1d", l, m.inner, d.Kernel)
	m.rate = b.decay("blk.{i}.ssm_a", l, m.inner, m.state)
	m.skip = b.numbers("blk.{i}.ssm_d", l, m.inner)
	if d.NormEps != 0 {
		m.norm = &norm{eps: d.NormEps}
	}
	return m
}

// conv loads a convolution over time.
func (b *builder) conv(name string, l, channels, width int) conv {
	c := conv{width: width, weight: b.numbers(name+".weight", l, channels, width)}
	c.bias = b.vector(name+".bias", l, channels)
	return c
}

// shortConv loads a gated short convolution.
func (b *builder) shortConv(d *arch.ShortConv, l int) *shortConv {
	if d.Kernel < 1 {
		b.invalid(l, "invalid convolution of %d positions", d.Kernel)
		return nil
	}
	return &shortConv{
		in:   b.linear("blk.{i}.shortconv.in_proj", l, 3*b.Embed, b.Embed),
		out:  b.linear("blk.{i}.shortconv.out_proj", l, b.Embed, b.Embed),
		conv: b.conv("blk.{i}.shortconv.conv", l, b.Embed, d.Kernel),
	}
}
