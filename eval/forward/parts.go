package forward

import (
	"strconv"

	"github.com/f190792d/mq/arch"
)

// part is one thing that a model is made of, in a form that does not depend on
// where it was loaded from.
type part struct {
	name   string
	matrix *matrix   // or
	vector []float32 // numbers that a file keeps as they are, or
	coarse bool      // numbers of a matrix, which may be quantized
	figure func() []float64

	// Rows of a matrix, or elements of a vector, that belong to heads of so
	// many are paired for the rotation in some style; 0: there is no order but
	// one.
	head  int
	style arch.RopeStyle
}

// parts collects parts below a common name.
type parts struct {
	prefix string
	list   []part
}

func (p *parts) matrix(name string, m *matrix) {
	if m != nil {
		p.list = append(p.list, part{name: p.prefix + name + ".weight", matrix: m})
	}
}

func (p *parts) vector(name string, v []float32) {
	if v != nil {
		p.list = append(p.list, part{name: p.prefix + name, vector: v})
	}
}

func (p *parts) figures(name string, get func() []float64) {
	p.list = append(p.list, part{name: p.prefix + name, figure: get})
}

func (p *parts) linear(name string, l linear) {
	p.matrix(name, l.w)
	p.vector(name+".bias", l.bias)
}

// inHeads adds a projection whose rows are paired for the rotation.
func (p *parts) inHeads(name string, l linear, dim int, style arch.RopeStyle) {
	first := len(p.list)
	p.linear(name, l)
	for i := range p.list[first:] {
		p.list[first+i].head, p.list[first+i].style = dim, style
	}
}

func (p *parts) norm(name string, n *norm) {
	if n != nil {
		p.vector(name+".weight", n.weight)
	}
}

// parts lists what a model is made of, in an order that does not depend on
// where it was loaded from.
func (m *Model) parts() []part {
	p := &parts{}
	p.matrix("token_embd", m.embed)
	if m.output.w != m.embed {
		p.matrix("output", m.output.w)
	}
	p.norm("output_norm", &m.norm)
	p.figures("the norms' epsilon", func() []float64 { return []float64{m.norm.eps} })
	p.connection("output_hc", m.head)
	for l, layer := range m.layers {
		p.prefix = "blk." + strconv.Itoa(l) + "."
		p.norm("attn_norm", &layer.mixNorm)
		p.norm("ffn_norm", &layer.feedNorm)
		p.connection("hc_attn", layer.mixStreams)
		p.connection("hc_ffn", layer.feedStreams)
		layer.mix.parts(p, m.source.ropeStyle())
		layer.feed.parts(p, "")
	}
	return p.list
}

// attention adds what decides which keys are seen, and how.
func (p *parts) attention(h heads) {
	p.vector("attn_sinks.weight", h.sinks)
	p.figures("the attention's window and temperature", func() []float64 {
		figures := []float64{float64(h.scale), float64(h.softcap)}
		for _, position := range farPositions {
			temperature := float32(1)
			if h.temperature != nil {
				temperature = h.temperature(position)
			}
			figures = append(figures, float64(h.firstKey(position)), float64(temperature))
		}
		return figures
	})
}

// rope adds a rotation.
func (p *parts) rope(r *rope) {
	p.figures("the rotation of positions", func() []float64 {
		if r == nil {
			return nil
		}
		figures := []float64{float64(r.dim)}
		for _, position := range farPositions {
			frequencies, scale := r.frequencies(position + 1)
			figures = append(figures, scale)
			for _, f := range frequencies {
				figures = append(figures, float64(f))
			}
		}
		return figures
	})
}

// farPositions are where positions are looked at.
var farPositions = []int{10, 3000, 100_000}

func (a *gqa) parts(p *parts, style arch.RopeStyle) {
	if a.gated {
		p.linear("attn_q", a.q)
	} else {
		p.inHeads("attn_q", a.q, a.dim, style)
	}
	p.inHeads("attn_k", a.k, a.dim, style)
	p.linear("attn_v", a.v)
	p.linear("attn_output", a.o)
	p.norm("attn_q_norm", a.qNorm)
	p.norm("attn_k_norm", a.kNorm)
	p.attention(a.heads)
	p.rope(a.rope)
}

func (a *mla) parts(p *parts, _ arch.RopeStyle) {
	p.linear("attn_q", a.q)
	p.linear("attn_q_a", a.qa)
	p.vector("attn_q_a_norm.weight", a.qaNorm.weight)
	p.linear("attn_kv_a_mqa", a.kva)
	p.norm("attn_kv_a_norm", &a.kvNorm)
	p.linear("attn_output", a.o)
	for h := range a.kv {
		if a.kvb == nil {
			p.matrix("attn_k_b", a.kb[h])
			p.matrix("attn_v_b", a.vb[h])
			continue
		}
		first := h * (a.nope + a.value)
		p.matrix("attn_k_b", a.kvb.part(first, a.nope))
		p.matrix("attn_v_b", a.kvb.part(first+a.nope, a.value))
	}
	if x := a.index; x != nil {
		p.linear("indexer.attn_q_b", x.q)
		p.linear("indexer.attn_k", x.k)
		p.linear("indexer.proj", x.weights)
		p.vector("indexer.k_norm.weight", x.scale)
		p.vector("indexer.k_norm.bias", x.shift)
		p.figures("the number of keys that the indexer picks", func() []float64 { return []float64{float64(x.top)} })
	}
	p.attention(a.heads) // its scale has the rotation's in it
	p.rope(a.rope)
}

// parts of linear attention are those that every layout has in common.
func (d *delta) parts(p *parts, _ arch.RopeStyle) { p.norm("ssm_norm", &d.norm) }

func (a *compressed) parts(p *parts, _ arch.RopeStyle) {
	p.linear("attn_q_a", a.qa)
	p.norm("attn_q_a_norm", &a.qaNorm)
	p.linear("attn_q_b", a.q)
	p.linear("attn_kv", a.kv)
	p.norm("attn_kv_a_norm", &a.kvNorm)
	for _, w := range a.groups {
		p.matrix("attn_output_a", w)
	}
	p.linear("attn_output_b", a.o)
	p.compressor("attn_compressor", a.long)
	if x := a.index; x != nil {
		p.linear("indexer.attn_q_b", x.q)
		p.linear("indexer.proj", x.weights)
		p.compressor("indexer_compressor", x.keys)
		p.figures("the number of keys that the indexer picks", func() []float64 { return []float64{float64(x.top)} })
	}
	p.attention(a.heads)
	p.rope(a.rope)
}

func (p *parts) compressor(name string, c *compressor) {
	if c == nil {
		return
	}
	p.linear(name+"_kv", c.kv)
	p.linear(name+"_gate", c.gate)
	p.list = append(p.list, part{name: p.prefix + name + "_ape.weight", vector: c.ape, coarse: true})
	p.norm(name+"_norm", &c.norm)
}

func (p *parts) connection(name string, c *connection) {
	if c == nil {
		return
	}
	p.linear(name+"_fn", c.fn)
	p.vector(name+"_scale.weight", c.scale)
	p.vector(name+"_base.weight", c.base)
	p.figures("the mixing of residual streams", func() []float64 { return []float64{float64(c.iterations), c.eps} })
}

func (f *swiglu) parts(p *parts, suffix string) {
	p.linear("ffn_gate"+suffix, f.gate)
	p.linear("ffn_up"+suffix, f.up)
	p.linear("ffn_down"+suffix, f.down)
	p.figures("the limit of activations", func() []float64 { return []float64{float64(f.limit)} })
}

func (f *moe) parts(p *parts, _ string) {
	p.matrix("ffn_gate_inp", f.w)
	p.vector("exp_probs_b.bias", f.bias)
	for e := range f.gate {
		p.matrix("ffn_gate_exps", f.gate[e])
		p.matrix("ffn_up_exps", f.up[e])
		p.matrix("ffn_down_exps", f.down[e])
	}
	if f.shared != nil {
		f.shared.parts(p, "_shexp")
	}
	p.matrix("ffn_gate_inp_shexp", f.sharedGate)
	p.figures("the choice of experts", func() []float64 {
		figures := []float64{float64(f.used), f.scale, float64(f.limit)}
		for _, is := range []bool{f.sigmoid, f.root, f.normalise, f.before} {
			if is {
				figures = append(figures, 1)
			} else {
				figures = append(figures, 0)
			}
		}
		for _, e := range f.table {
			figures = append(figures, float64(e))
		}
		return figures
	})
}
