package graph

import (
	"math"
	"testing"

	"github.com/f190792d/mq/arch"
)

// plainAttention is attention by its formula.
type plainAttention struct {
	heads, kv int
	sees      func(q, k int) bool
	score     func(head, q, k int, s float64) float64 // of the product s of query and key
	sink      func(head int) float64                  // nil: none
	q, k, v   func(x row, head, position int) row     // of one head
	gate      func(x row, head, j, position int) float64
}

func newPlain() *plainAttention {
	same := func(x row, _, _ int) row { return x }
	return &plainAttention{
		heads: 4, kv: 2, sees: func(q, k int) bool { return k <= q },
		score: func(_, _, _ int, s float64) float64 { return s / 2 }, // a head has 4 dimensions
		q:     same, k: same, v: same,
	}
}

// split cuts projections into heads and prepares each.
func split(all row, heads int, position int, prepare func(x row, head, position int) row) rows {
	dim := len(all) / heads
	var parts rows
	for h := range heads {
		parts = append(parts, prepare(all[h*dim:(h+1)*dim], h, position))
	}
	return parts
}

// run returns the heads' results of every position, one after the other.
func (p *plainAttention) run(x rows, wq, wk, wv func(row) row) rows {
	var q, k, v []rows
	for i, r := range x {
		q, k, v = append(q, split(wq(r), p.heads, i, p.q)), append(k, split(wk(r), p.kv, i, p.k)), append(v, split(wv(r), p.kv, i, p.v))
	}
	var out rows
	for i := range x {
		var all row
		for h := range p.heads {
			of := h / (p.heads / p.kv)
			sum := 0.0
			if p.sink != nil {
				sum = math.Exp(p.sink(h))
			}
			result := make(row, len(v[0][0]))
			for j := range x {
				if !p.sees(i, j) {
					continue
				}
				s := 0.0
				for n, a := range q[i][h] {
					s += a * k[j][of][n]
				}
				weight := math.Exp(p.score(h, i, j, s))
				sum += weight
				for n, a := range v[j][of] {
					result[n] += weight * a
				}
			}
			for n := range result {
				result[n] /= sum
				if p.gate != nil {
					result[n] *= p.gate(x[i], h, n, i)
				}
			}
			all = append(all, result...)
		}
		out = append(out, all)
	}
	return out
}

// turned rotates the first dimensions of a head.
func turned(x row, dim, position int, halves bool) row {
	y := append(row(nil), x...)
	for j := range dim / 2 {
		a, b := 2*j, 2*j+1
		if halves {
			a, b = j, j+dim/2
		}
		s, c := math.Sincos(float64(position) * math.Pow(100, -2*float64(j)/float64(dim)))
		y[a], y[b] = x[a]*c-x[b]*s, x[b]*c+x[a]*s
	}
	return y
}

func TestAttention(t *testing.T) {
	rope := &arch.Rotation{Dim: 4, Base: 100, Magnitude: 1}
	lin := func(d *drawn, name string) func(row) row {
		return func(x row) row { return times(d.mat("blk.0."+name+".weight"), x) }
	}
	for name, c := range map[string]struct {
		set   func(a *arch.Attention)
		with  []string
		o     Options
		plain func(d *drawn, p *plainAttention)
		wv    string // where values come from
	}{
		"causal": {},
		"window": {set: func(a *arch.Attention) { a.Mask.Window = 3 }, plain: func(_ *drawn, p *plainAttention) {
			p.sees = func(q, k int) bool { return k <= q && q-k < 3 }
		}},
		"chunk": {set: func(a *arch.Attention) { a.Mask.Chunk = 3 }, plain: func(_ *drawn, p *plainAttention) {
			p.sees = func(q, k int) bool { return k <= q && q/3 == k/3 }
		}},
		"full": {set: func(a *arch.Attention) { a.Mask.Kind = arch.Full }, plain: func(_ *drawn, p *plainAttention) {
			p.sees = func(q, k int) bool { return true }
		}},
		"full window": {set: func(a *arch.Attention) { a.Mask = arch.Mask{Kind: arch.Full, Window: 4} }, plain: func(_ *drawn, p *plainAttention) {
			p.sees = func(q, k int) bool { return q-k <= 2 && k-q <= 2 }
		}},
		"scale": {set: func(a *arch.Attention) { a.Scale = 0.7 }, plain: func(_ *drawn, p *plainAttention) {
			p.score = func(_, _, _ int, s float64) float64 { return 0.7 * s }
		}},
		"soft cap": {set: func(a *arch.Attention) { a.Softcap = 0.3 }, plain: func(_ *drawn, p *plainAttention) {
			p.score = func(_, _, _ int, s float64) float64 { return 0.3 * math.Tanh(s/2/0.3) }
		}},
		"linear bias": {set: func(a *arch.Attention) { a.ALiBi = 8 }, plain: func(_ *drawn, p *plainAttention) {
			p.score = func(h, q, k int, s float64) float64 { return s/2 - math.Exp2(-2*float64(h+1))*float64(q-k) }
		}},
		"full linear bias": {set: func(a *arch.Attention) { a.ALiBi, a.Mask.Kind = 8, arch.Full }, plain: func(_ *drawn, p *plainAttention) {
			p.sees = func(q, k int) bool { return true }
			p.score = func(h, q, k int, s float64) float64 {
				return s/2 - math.Exp2(-2*float64(h+1))*math.Abs(float64(q-k))
			}
		}},
		"sinks": {set: func(a *arch.Attention) { a.Sinks = true }, plain: func(d *drawn, p *plainAttention) {
			p.sink = func(h int) float64 { return d.get("blk.0.attn_sinks.weight")[h] }
		}},
		"clamp": {set: func(a *arch.Attention) { a.Clamp = 0.4 }, plain: func(_ *drawn, p *plainAttention) {
			clamp := func(x row, _, _ int) row {
				return each(x, func(_ int, v float64) float64 { return max(min(v, 0.4), -0.4) })
			}
			p.q, p.k, p.v = clamp, clamp, clamp
		}},
		"temperature": {set: func(a *arch.Attention) { a.Temperature = &arch.Temperature{Scale: 0.5, Offset: 1, Floor: 2} }, plain: func(_ *drawn, p *plainAttention) {
			p.score = func(_, q, _ int, s float64) float64 { return s / 2 * (1 + 0.5*math.Log(1+float64((q+1)/2))) }
		}},
		"rotation of halves": {set: func(a *arch.Attention) { a.Rope = rope }, plain: func(_ *drawn, p *plainAttention) {
			p.q = func(x row, _, i int) row { return turned(x, 4, i, true) }
			p.k = p.q
		}},
		"rotation of neighbours": {set: func(a *arch.Attention) { a.Rope = rope }, o: Options{Convention: arch.Convention{Rope: arch.RopeInterleaved}}, plain: func(_ *drawn, p *plainAttention) {
			p.q = func(x row, _, i int) row { return turned(x, 4, i, false) }
			p.k = p.q
		}},
		"partial rotation": {set: func(a *arch.Attention) { a.Rope = &arch.Rotation{Dim: 2, Base: 100, Magnitude: 1} }, plain: func(_ *drawn, p *plainAttention) {
			p.q = func(x row, _, i int) row { return turned(x, 2, i, true) }
			p.k = p.q
		}},
		"norm of each head": {set: func(a *arch.Attention) { a.Rope, a.HeadNorm = rope, arch.HeadNorm{Over: arch.EachHead, Eps: eps} }, plain: func(d *drawn, p *plainAttention) {
			p.q = func(x row, _, i int) row {
				return turned(rmsNorm(x, d.get("blk.0.attn_q_norm.weight"), eps), 4, i, true)
			}
			p.k = func(x row, _, i int) row {
				return turned(rmsNorm(x, d.get("blk.0.attn_k_norm.weight"), eps), 4, i, true)
			}
		}},
		"norm after the rotation": {set: func(a *arch.Attention) {
			a.Rope, a.HeadNorm = rope, arch.HeadNorm{Over: arch.EachHead, Eps: eps, After: true}
		}, plain: func(d *drawn, p *plainAttention) {
			p.q = func(x row, _, i int) row {
				return rmsNorm(turned(x, 4, i, true), d.get("blk.0.attn_q_norm.weight"), eps)
			}
			p.k = func(x row, _, i int) row {
				return rmsNorm(turned(x, 4, i, true), d.get("blk.0.attn_k_norm.weight"), eps)
			}
		}},
		"norm with weights for each head": {with: []string{"attn_q_norm.bias"}, set: func(a *arch.Attention) {
			a.HeadNorm = arch.HeadNorm{Over: arch.OwnWeights, Kind: arch.LayerNorm, Eps: eps}
		}, plain: func(d *drawn, p *plainAttention) {
			p.q = func(x row, h, _ int) row {
				return layerNormed(x, d.get("blk.0.attn_q_norm.weight")[4*h:], d.get("blk.0.attn_q_norm.bias")[4*h:], eps)
			}
			p.k = func(x row, h, _ int) row { return layerNormed(x, d.get("blk.0.attn_k_norm.weight")[4*h:], nil, eps) }
		}},
		"norm of values": {set: func(a *arch.Attention) { a.ValueNorm, a.HeadNorm.Eps = true, eps }, plain: func(_ *drawn, p *plainAttention) {
			p.v = func(x row, _, _ int) row { return rmsNorm(x, ones, eps) }
		}},
		"unit heads": {set: func(a *arch.Attention) { a.Rope, a.Unit = rope, eps }, plain: func(_ *drawn, p *plainAttention) {
			p.q = func(x row, _, i int) row { return rmsNorm(turned(x, 4, i, true), ones, eps) }
			p.k = p.q
		}},
		"gate of each element": {set: func(a *arch.Attention) { a.Gate = arch.ElementGate }, plain: func(d *drawn, p *plainAttention) {
			p.gate = func(x row, h, j, _ int) float64 { return sigmoid(times(d.mat("blk.0.attn_gate.weight"), x)[4*h+j]) }
		}},
		"gate of each head": {set: func(a *arch.Attention) { a.Gate = arch.PerHeadGate }, with: []string{"attn_gate.bias"}, plain: func(d *drawn, p *plainAttention) {
			p.gate = func(x row, h, _, _ int) float64 {
				return sigmoid(times(d.mat("blk.0.attn_gate.weight"), x)[h] + d.get("blk.0.attn_gate.bias")[h])
			}
		}},
		"keys as values": {set: func(a *arch.Attention) { a.KeyIsValue, a.Rope = true, rope }, wv: "attn_k", plain: func(_ *drawn, p *plainAttention) {
			p.q = func(x row, _, i int) row { return turned(x, 4, i, true) }
			p.k = p.q
		}},
		"wide values": {set: func(a *arch.Attention) { a.ValueDim = 6 }},
	} {
		t.Run(name, func(t *testing.T) {
			a := &arch.Attention{Heads: 4, KVHeads: 2, Dim: 4, ValueDim: 4}
			if c.set != nil {
				c.set(a)
			}
			d := &drawn{with: c.with}
			m := built(t, d, arch.Model{Layers: []arch.Layer{{Mixer: a}}}, c.o)
			p := newPlain()
			if c.plain != nil {
				c.plain(d, p)
			}
			if c.wv == "" {
				c.wv = "attn_v"
			}
			same(t, d, m, func() rows {
				x := d.embedded()
				return sums(x, of(p.run(x, lin(d, "attn_q"), lin(d, "attn_k"), lin(d, c.wv)), lin(d, "attn_output")))
			})
		})
	}
}

// A norm of a whole row takes all heads of a position together.
func TestHeadNormOfTheWholeRow(t *testing.T) {
	d := &drawn{}
	a := &arch.Attention{Heads: 4, KVHeads: 2, Dim: 4, ValueDim: 4, HeadNorm: arch.HeadNorm{Over: arch.WholeRow, Eps: eps}}
	m := built(t, d, arch.Model{Layers: []arch.Layer{{Mixer: a}}}, Options{})
	same(t, d, m, func() rows {
		x, w := d.embedded(), func(name string) rows { return d.mat("blk.0." + name + ".weight") }
		normed := func(name string) func(row) row {
			return func(x row) row { return rmsNorm(times(w(name), x), d.get("blk.0."+name+"_norm.weight"), eps) }
		}
		heads := newPlain().run(x, normed("attn_q"), normed("attn_k"), func(x row) row { return times(w("attn_v"), x) })
		return sums(x, of(heads, func(x row) row { return times(w("attn_output"), x) }))
	})
}

// Norms of heads that a model may lack are left out where it does.
func TestHeadNormsThatAreAbsent(t *testing.T) {
	d := &drawn{lacks: []string{"attn_q_norm.weight", "attn_k_norm.weight"}}
	a := &arch.Attention{Heads: 4, KVHeads: 2, Dim: 4, ValueDim: 4, HeadNorm: arch.HeadNorm{Over: arch.OwnWeights, Kind: arch.LayerNorm, Eps: eps, Optional: true}}
	m := built(t, d, arch.Model{Layers: []arch.Layer{{Mixer: a}}}, Options{})
	same(t, d, m, func() rows {
		x, w := d.embedded(), func(name string) func(row) row {
			return func(x row) row { return times(d.mat("blk.0."+name+".weight"), x) }
		}
		return sums(x, of(newPlain().run(x, w("attn_q"), w("attn_k"), w("attn_v")), w("attn_output")))
	})
}

// A query gate stands after its head in one matrix; queries, keys and values
// may stand in one tensor, with biases.
func TestFusedProjectionsOfAttention(t *testing.T) {
	d := &drawn{with: []string{"attn_qkv.weight", "attn_qkv.bias", "attn_output.bias"}}
	a := &arch.Attention{Heads: 4, KVHeads: 2, Dim: 4, ValueDim: 4, Gate: arch.QueryGate}
	m := built(t, d, arch.Model{Layers: []arch.Layer{{Mixer: a}}}, Options{})
	same(t, d, m, func() rows {
		all := func(x row) row { return plus(times(d.mat("blk.0.attn_qkv.weight"), x), d.get("blk.0.attn_qkv.bias")) }
		p := newPlain()
		p.gate = func(x row, h, j, _ int) float64 { return sigmoid(all(x)[8*h+4+j]) }
		queries := func(x row) (q row) {
			for h := range 4 {
				q = append(q, all(x)[8*h:8*h+4]...)
			}
			return q
		}
		x := d.embedded()
		heads := p.run(x, queries, func(x row) row { return all(x)[32:40] }, func(x row) row { return all(x)[40:48] })
		return sums(x, of(heads, func(x row) row {
			return plus(times(d.mat("blk.0.attn_output.weight"), x), d.get("blk.0.attn_output.bias"))
		}))
	})
}

// A layer may use the keys and values of an earlier one, in a batch as well as
// in a session.
func TestSharedKeysAndValues(t *testing.T) {
	d := &drawn{}
	layer := func(of int) arch.Layer {
		return arch.Layer{Mixer: &arch.Attention{Heads: 4, KVHeads: 2, Dim: 4, ValueDim: 4, KeysOf: of}}
	}
	m := built(t, d, arch.Model{Layers: []arch.Layer{layer(0), layer(0), layer(1)}}, Options{})
	same(t, d, m, func() rows {
		x := d.embedded()
		first := x
		for l, from := range []string{"blk.0.", "blk.1.", "blk.0."} {
			own := []string{"blk.0.", "blk.1.", "blk.2."}[l]
			w := func(name string) func(row) row { return func(x row) row { return times(d.mat(name+".weight"), x) } }
			keys := x
			if l == 2 {
				keys = first
			}
			at := map[*float64]row{} // the input of keys by that of queries
			for i := range x {
				at[&x[i][0]] = keys[i]
			}
			heads := newPlain().run(x, w(own+"attn_q"),
				func(x row) row { return w(from + "attn_k")(at[&x[0]]) }, func(x row) row { return w(from + "attn_v")(at[&x[0]]) })
			x = sums(x, of(heads, w(own+"attn_output")))
		}
		return x
	})
}

// The slopes of twelve heads are those of eight and every second of sixteen,
// as the paper's program has them.
func TestSlopesOfALinearBias(t *testing.T) {
	for h, got := range slopes(8, 12) {
		exponent := -float64(h + 1)
		if h >= 8 {
			exponent = -0.5 - float64(h-8)
		}
		if want := math.Exp2(exponent); math.Abs(float64(got)-want) > 1e-7 {
			t.Errorf("head %d has a slope of %v, not %v", h, got, want)
		}
	}
}
