package graph

import (
	"math"
	"slices"
	"testing"

	"github.com/f190792d/mq/arch"
)

// activations are the formulas of their papers.
var activations = map[arch.Activation]func(x float64) float64{
	arch.SiLU:        func(x float64) float64 { return x * sigmoid(x) },
	arch.GELU:        func(x float64) float64 { return x / 2 * (1 + math.Erf(x/math.Sqrt2)) },
	arch.GELUTanh:    func(x float64) float64 { return x / 2 * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x))) },
	arch.GELUQuick:   func(x float64) float64 { return x * sigmoid(1.702*x) },
	arch.ReLU:        func(x float64) float64 { return max(x, 0) },
	arch.ReLUSquared: func(x float64) float64 { return max(x, 0) * max(x, 0) },
}

func TestActivations(t *testing.T) {
	for kind, act := range activations {
		for x := -6.0; x <= 6; x += 0.37 {
			got := []float32{float32(x)}
			(&activation{kind: kind}).apply(got)
			if want := act(float64(float32(x))); math.Abs(float64(got[0])-want) > 1e-6*max(1, math.Abs(want)) {
				t.Errorf("activation %d of %v is %v, not %v", kind, x, got[0], want)
			}
		}
		for _, gated := range []bool{false, true} {
			d := &drawn{with: []string{"ffn_up.bias", "ffn_down.bias"}}
			m := built(t, d, arch.Model{Layers: []arch.Layer{{Feed: &arch.Dense{Width: 33, Gated: gated, Activation: kind}}}}, Options{})
			same(t, d, m, func() rows {
				p := plainLayer{d, "blk.0."}
				x := d.embedded()
				return sums(x, of(x, func(x row) row {
					up := plus(p.w("ffn_up")(x), d.get("blk.0.ffn_up.bias"))
					if !gated {
						up = each(up, func(_ int, v float64) float64 { return act(v) })
					} else {
						gate := p.w("ffn_gate")(x)
						up = each(up, func(i int, v float64) float64 { return act(gate[i]) * v })
					}
					return plus(p.w("ffn_down")(up), d.get("blk.0.ffn_down.bias"))
				}))
			})
			if t.Failed() {
				t.Fatalf("activation %d, gated %v", kind, gated)
			}
		}
	}
}

// The gate of gpt-oss adds 1 to what it scales; both are limited.
func TestLimitedActivations(t *testing.T) {
	for _, kind := range []arch.Activation{arch.OAI, arch.SiLU} {
		d := &drawn{}
		m := built(t, d, arch.Model{Layers: []arch.Layer{{Feed: &arch.Dense{Width: 33, Gated: true, Fused: true, Activation: kind, Limit: 0.5}}}}, Options{})
		same(t, d, m, func() rows {
			x := d.embedded()
			return sums(x, of(x, func(x row) row {
				// "ffn_up" holds the gate above the rest.
				both := times(d.mat("blk.0.ffn_up.weight"), x)
				return times(d.mat("blk.0.ffn_down.weight"), each(both[:33], func(i int, g float64) float64 {
					g = min(g, 0.5)
					up := max(min(both[33+i], 0.5), -0.5)
					if kind == arch.OAI {
						return (up + 1) * g * sigmoid(1.702*g)
					}
					return up * g * sigmoid(g)
				}))
			}))
		})
	}
}

// xIELU has four trained numbers, two of them stored as what softplus makes
// positive.
func TestTrainedActivation(t *testing.T) {
	d := &drawn{}
	m := built(t, d, arch.Model{Layers: []arch.Layer{{Feed: &arch.Dense{Width: 33, Activation: arch.XIELU}}}}, Options{})
	same(t, d, m, func() rows {
		one := func(name string) float64 { return d.get("blk.0.xielu." + name)[0] }
		beta, limit := one("beta"), one("eps")
		positive, negative := math.Log(1+math.Exp(one("alpha_p"))), beta+math.Log(1+math.Exp(one("alpha_n")))
		p := plainLayer{d, "blk.0."}
		x := d.embedded()
		return sums(x, of(x, func(x row) row {
			return p.w("ffn_down")(each(p.w("ffn_up")(x), func(_ int, v float64) float64 {
				if v > 0 {
					return positive*v*v + beta*v
				}
				return negative*(math.Exp(min(v, limit))-1-v) + beta*v
			}))
		}))
	})
}

// plainExperts is a layer of six experts of width 5, of which two are used.
type plainExperts struct {
	score   func(logits row) row
	weigh   func(chosen row, logits row) row // weights of the chosen from their scores and logits
	bias    bool                             // of the choice
	allowed func(ranks row) []bool           // experts of the groups that are left; nil: all
	before  bool
}

func (p plainExperts) feed(d *drawn, x row) row {
	const n, wide = 6, 5
	logits := times(d.mat("blk.0.ffn_gate_inp.weight"), x)
	scores := p.score(logits)
	ranks := slices.Clone(scores)
	if p.bias {
		ranks = plus(ranks, d.get("blk.0.exp_probs_b.bias"))
	}
	allowed := slices.Repeat([]bool{true}, n)
	if p.allowed != nil {
		allowed = p.allowed(ranks)
	}
	var chosen []int
	for range 2 {
		best := -1
		for e, r := range ranks {
			if allowed[e] && !slices.Contains(chosen, e) && (best < 0 || r > ranks[best]) {
				best = e
			}
		}
		chosen = append(chosen, best)
	}
	weights := p.weigh(row{scores[chosen[0]], scores[chosen[1]]}, row{logits[chosen[0]], logits[chosen[1]]})
	sum := make(row, width)
	for i, e := range chosen {
		gate, up := d.mat("blk.0.ffn_gate_exps.weight")[e*wide:(e+1)*wide], d.mat("blk.0.ffn_up_exps.weight")[e*wide:(e+1)*wide]
		down := d.mat("blk.0.ffn_down_exps.weight")[e*width : (e+1)*width]
		in, after := x, weights[i]
		if p.before {
			in, after = each(x, func(_ int, v float64) float64 { return v * weights[i] }), 1
		}
		g, u := times(gate, in), times(up, in)
		y := times(down, each(g, func(j int, v float64) float64 { return v * sigmoid(v) * u[j] }))
		sum = plus(sum, each(y, func(_ int, v float64) float64 { return v * after }))
	}
	return sum
}

func softmax(x row) row {
	sum := 0.0
	for _, v := range x {
		sum += math.Exp(v)
	}
	return each(x, func(_ int, v float64) float64 { return math.Exp(v) / sum })
}

func normalized(x row, by float64) row {
	return each(x, func(_ int, v float64) float64 { return by * v / (x[0] + x[1]) })
}

func TestRouters(t *testing.T) {
	asTheyAre := func(chosen, _ row) row { return chosen }
	for name, c := range map[string]struct {
		router arch.Router
		plain  plainExperts
	}{
		"softmax": {arch.Router{Used: 2, Score: arch.SoftmaxScore}, plainExperts{score: softmax, weigh: asTheyAre}},
		"softmax, normalized": {arch.Router{Used: 2, Score: arch.SoftmaxScore, Normalize: true, Scale: 2.5}, plainExperts{
			score: softmax, weigh: func(chosen, _ row) row { return normalized(chosen, 2.5) },
		}},
		"softmax of the chosen": {arch.Router{Used: 2, Score: arch.ChosenSoftmaxScore}, plainExperts{
			score: func(logits row) row { return logits }, weigh: func(_, logits row) row { return softmax(logits) },
		}},
		"sigmoid with a bias": {arch.Router{Used: 2, Score: arch.SigmoidScore, Normalize: true}, plainExperts{
			score: func(x row) row { return each(x, func(_ int, v float64) float64 { return sigmoid(v) }) },
			weigh: func(chosen, _ row) row { return normalized(chosen, 1) }, bias: true,
		}},
		"root of softplus": {arch.Router{Used: 2, Score: arch.SqrtSoftplusScore}, plainExperts{
			score: func(x row) row {
				return each(x, func(_ int, v float64) float64 { return math.Sqrt(math.Log(1 + math.Exp(v))) })
			}, weigh: asTheyAre,
		}},
		"before the experts": {arch.Router{Used: 2, Score: arch.SigmoidScore, Before: true}, plainExperts{
			score: func(x row) row { return each(x, func(_ int, v float64) float64 { return sigmoid(v) }) }, weigh: asTheyAre, before: true,
		}},
		"the best group by its best": {arch.Router{Used: 2, Score: arch.SoftmaxScore, Groups: 3, GroupsUsed: 1, GroupMax: true}, plainExperts{
			score: softmax, weigh: asTheyAre, allowed: bestGroup(func(a, b float64) float64 { return max(a, b) }),
		}},
		"the best group by its pair": {arch.Router{Used: 2, Score: arch.SoftmaxScore, Groups: 3, GroupsUsed: 1}, plainExperts{
			score: softmax, weigh: asTheyAre, allowed: bestGroup(func(a, b float64) float64 { return a + b }),
		}},
	} {
		t.Run(name, func(t *testing.T) {
			d := &drawn{}
			if c.plain.bias {
				d.with = []string{"exp_probs_b.bias"}
			}
			m := built(t, d, arch.Model{Layers: []arch.Layer{{Feed: &arch.Experts{Count: 6, Width: 5, Gated: true, Router: c.router}}}}, Options{})
			same(t, d, m, func() rows {
				x := d.embedded()
				return sums(x, of(x, func(x row) row { return c.plain.feed(d, x) }))
			})
		})
	}
}

// TestRouterOfNearLogits: each choice is weighed against those left that lie
// near it.
func TestRouterOfNearLogits(t *testing.T) {
	logits := []float32{2, -1, 1.9, 1.2, -3, 1.85}
	r := router{Router: arch.Router{Used: 2, Within: 0.2}}
	chosen := make([]choice, 2)
	r.choose(chosen, slices.Clone(logits))
	// 1.2 is a share of 0.4 below 2 and of 0.37 below 1.9.
	want := []choice{
		{0, float32(1 / (1 + math.Exp(-0.1) + math.Exp(-0.15)))},
		{2, float32(1 / (1 + math.Exp(-0.05)))},
	}
	for i, c := range chosen {
		if c.expert != want[i].expert || math.Abs(float64(c.weight-want[i].weight)) > 1e-6 {
			t.Errorf("choice %d is %v, want %v", i, c, want[i])
		}
	}
}

// bestGroup allows the experts of the best of three groups of two.
func bestGroup(rank func(a, b float64) float64) func(row) []bool {
	return func(ranks row) []bool {
		best := 0
		for g := range 3 {
			if rank(ranks[2*g], ranks[2*g+1]) > rank(ranks[2*best], ranks[2*best+1]) {
				best = g
			}
		}
		allowed := make([]bool, 6)
		allowed[2*best], allowed[2*best+1] = true, true
		return allowed
	}
}

// Experts may have no gate but biases, stand beside a gated shared one, and be
// chosen by a table.
func TestExpertsOfOtherForms(t *testing.T) {
	d := &drawn{with: []string{"exps.bias", "ffn_gate_inp.bias"}}
	m := built(t, d, arch.Model{Layers: []arch.Layer{{Feed: &arch.Experts{
		Count: 6, Width: 5, Activation: arch.ReLU, Hashed: true, Router: arch.Router{Used: 2, Score: arch.SigmoidScore},
		Shared: &arch.Dense{Suffix: "_shexp", Width: 7, Gated: true}, SharedGate: true,
	}}}}, Options{})
	same(t, d, m, func() rows {
		x, p := d.embedded(), plainLayer{d, "blk.0."}
		var y rows
		for i, x := range x {
			gate, up := p.w("ffn_gate_shexp")(x), p.w("ffn_up_shexp")(x)
			shared := p.w("ffn_down_shexp")(each(gate, func(j int, v float64) float64 { return v * sigmoid(v) * up[j] }))
			by := sigmoid(p.w("ffn_gate_inp_shexp")(x)[0])
			sum := plus(x, each(shared, func(_ int, v float64) float64 { return by * v }))
			for k := range 2 {
				e := (int(prompt[i])*2 + k) * 7 % 4 // as the table was drawn
				weight := sigmoid(plus(p.w("ffn_gate_inp")(x), d.get("blk.0.ffn_gate_inp.bias"))[e])
				up := plus(times(d.mat("blk.0.ffn_up_exps.weight")[5*e:5*e+5], x), d.get("blk.0.ffn_up_exps.bias")[5*e:5*e+5])
				down := plus(times(d.mat("blk.0.ffn_down_exps.weight")[width*e:width*(e+1)], each(up, func(_ int, v float64) float64 { return max(v, 0) })),
					d.get("blk.0.ffn_down_exps.bias")[width*e:width*(e+1)])
				sum = plus(sum, each(down, func(_ int, v float64) float64 { return weight * v }))
			}
			y = append(y, sum)
		}
		return y
	})
}

// Gate and up projection of all experts may stand in one tensor.
func TestFusedExperts(t *testing.T) {
	d := &drawn{with: []string{"ffn_gate_up_exps.weight"}}
	m := built(t, d, arch.Model{Layers: []arch.Layer{{Feed: &arch.Experts{Count: 2, Width: 5, Gated: true, Router: arch.Router{Used: 2, Score: arch.SoftmaxScore}}}}}, Options{})
	same(t, d, m, func() rows {
		x := d.embedded()
		return sums(x, of(x, func(x row) row {
			sum := make(row, width)
			for e, weight := range softmax(times(d.mat("blk.0.ffn_gate_inp.weight"), x)) {
				both := times(d.mat("blk.0.ffn_gate_up_exps.weight")[10*e:10*e+10], x)
				y := times(d.mat("blk.0.ffn_down_exps.weight")[width*e:width*(e+1)], each(both[:5], func(j int, v float64) float64 { return v * sigmoid(v) * both[5+j] }))
				sum = plus(sum, each(y, func(_ int, v float64) float64 { return weight * v }))
			}
			return sum
		}))
	})
}
