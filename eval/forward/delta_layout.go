package forward

import (
	"math"

	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/formats/fault"
)

// delta loads a gated delta network.
func (b *builder) delta(l int) *delta {
	h := b.h.Delta
	d := &delta{width: h.Kernel, keyHeads: h.KeyHeads, valueHeads: h.ValueHeads, keyDim: h.KeyDim, valueDim: h.ValueDim}
	if d.width < 1 || d.keyHeads < 1 || d.valueHeads < 1 || d.keyDim < 1 || d.valueDim < 1 || d.valueHeads%d.keyHeads != 0 {
		b.keep(fault.Corrupt("forward: linear attention with %d key heads of %d, %d value heads of %d and a filter of %d makes no sense",
			d.keyHeads, d.keyDim, d.valueHeads, d.valueDim, d.width))
		return d
	}
	group := d.valueHeads / d.keyHeads
	d.keyOf = func(h int) int { return h / group }
	d.out = b.linear("blk.{i}.ssm_out", l, b.h.Embed, d.values())
	d.norm = norm{b.required("blk.{i}.ssm_norm.weight", l, d.valueDim), b.h.Eps}
	d.conv = b.required("blk.{i}.ssm_conv1d.weight", l, d.channels()*d.width)
	d.bias = b.required("blk.{i}.ssm_dt.bias", l, d.valueHeads)
	d.rate = b.required("blk.{i}.ssm_a", l, d.valueHeads)
	if b.err == nil {
		b.keep(b.loader.delta(d, l, b))
	}
	return d
}

// required loads n numbers that must be there.
func (b *builder) required(name string, layer, n int) []float32 {
	v, err := b.numbers(name, layer, n)
	b.keep(err)
	if v == nil {
		b.keep(fault.Corrupt("forward: tensor %q is missing", arch.Fill(name, layer, 0)))
		return nil
	}
	return v
}

// byHead spreads rows that hold strength and time step of a key head's value
// heads together.
func byHead(row []float32, group int, strength, step []float32) {
	for h := range strength {
		at := h/group*2*group + h%group
		strength[h], step[h] = row[at], row[at+group]
	}
}

// delta lays the projections of a file out: queries, keys and values of all
// heads in one matrix. Qwen 3.5 stores value heads so that key heads take
// turns; Qwen3-Next keeps those of a key head together.
func (g *ggufSource) delta(d *delta, l int, b *builder) error {
	d.in = []linear{
		b.linear("blk.{i}.attn_qkv", l, d.channels(), b.h.Embed),
		b.linear("blk.{i}.attn_gate", l, d.values(), b.h.Embed),
	}
	group := d.valueHeads / d.keyHeads
	if g.h.Arch == "qwen3next" {
		d.in = append(d.in, b.linear("blk.{i}.ssm_ba", l, 2*d.valueHeads, b.h.Embed))
		d.arrange = func(rows [][]float32, to deltaParts) {
			copy(to.channels, rows[0])
			copy(to.gate, rows[1])
			byHead(rows[2], group, to.strength, to.step)
		}
		return nil
	}
	d.keyOf = func(h int) int { return h % d.keyHeads }
	d.split(b, l)
	return nil
}

// split adds the matrices of strength and time step, where each has its own.
func (d *delta) split(b *builder, l int) {
	d.in = append(d.in,
		b.linear("blk.{i}.ssm_beta", l, d.valueHeads, b.h.Embed),
		b.linear("blk.{i}.ssm_alpha", l, d.valueHeads, b.h.Embed))
	d.arrange = func(rows [][]float32, to deltaParts) {
		copy(to.channels, rows[0])
		copy(to.gate, rows[1])
		copy(to.strength, rows[2])
		copy(to.step, rows[3])
	}
}

// delta lays the projections of a checkpoint out, as its class has them:
// Qwen3-Next mixes query, key, value and gate of each key head in one matrix.
func (c *checkpoint) delta(d *delta, l int, b *builder) error {
	for i, v := range d.rate {
		d.rate[i] = -float32(math.Exp(float64(v)))
	}
	if c.h.Class != "Qwen3NextForCausalLM" {
		d.tiled = d.out.w.Weight
		d.out.w.anonymous()
		d.in = []linear{
			b.linear("blk.{i}.attn_qkv", l, d.channels(), b.h.Embed),
			b.linear("blk.{i}.attn_gate", l, d.values(), b.h.Embed),
		}
		d.split(b, l)
		return nil
	}
	d.in = []linear{
		b.linear("blk.{i}.attn_qkv", l, d.channels()+d.values(), b.h.Embed),
		b.linear("blk.{i}.ssm_ba", l, 2*d.valueHeads, b.h.Embed),
	}
	d.in[0].w.also = []Weight{{Name: arch.Fill("blk.{i}.attn_gate.weight", l, 0)}}
	group := d.valueHeads / d.keyHeads
	values := group * d.valueDim
	d.arrange = func(rows [][]float32, to deltaParts) {
		for h := range d.keyHeads {
			row := rows[0][h*(2*d.keyDim+2*values):]
			copy(to.channels[h*d.keyDim:], row[:d.keyDim])
			copy(to.channels[d.keys()+h*d.keyDim:], row[d.keyDim:2*d.keyDim])
			copy(to.channels[2*d.keys()+h*values:], row[2*d.keyDim:2*d.keyDim+values])
			copy(to.gate[h*values:], row[2*d.keyDim+values:2*d.keyDim+2*values])
		}
		byHead(rows[1], group, to.strength, to.step)
	}
	return nil
}
