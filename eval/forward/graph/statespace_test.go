package graph

import (
	"math"
	"testing"

	"github.com/f190792d/mq/arch"
)

// filtered is a causal convolution of each channel by itself, [positions,
// channels].
func filtered(x rows, weight, bias row, taps int) rows {
	var y rows
	for i := range x {
		y = append(y, each(x[i], func(c int, _ float64) float64 {
			sum := 0.0
			if bias != nil {
				sum = bias[c]
			}
			for j := range taps {
				if at := i - taps + 1 + j; at >= 0 {
					sum += weight[c*taps+j] * x[at][c]
				}
			}
			return sum
		}))
	}
	return y
}

func siluOf(x rows) rows {
	return of(x, func(x row) row { return each(x, func(_ int, v float64) float64 { return v * sigmoid(v) }) })
}

// shortConv is out(C · conv(B·x)).
func (p plainLayer) shortConv(x rows, taps int) rows {
	var gated, c rows
	for _, r := range x {
		all := p.w("shortconv.in_proj")(r)
		b, in := all[:width], all[2*width:]
		gated, c = append(gated, each(b, func(i int, v float64) float64 { return v * in[i] })), append(c, all[width:2*width])
	}
	var y rows
	for i, r := range filtered(gated, p.get(p.l+"shortconv.conv.weight"), nil, taps) {
		y = append(y, p.w("shortconv.out_proj")(each(r, func(j int, v float64) float64 { return v * c[i][j] })))
	}
	return y
}

func TestShortConvolution(t *testing.T) {
	d := &drawn{}
	m := built(t, d, arch.Model{Layers: []arch.Layer{{Mixer: &arch.ShortConv{Kernel: 4}}}}, Options{})
	same(t, d, m, func() rows { x := d.embedded(); return sums(x, plainLayer{d, "blk.0."}.shortConv(x, 4)) })
}

// mamba2 has two groups of two heads of three channels, with a state of five
// numbers for each.
func (p plainLayer) mamba2(x rows, gate func(y, z row) row) rows {
	const inner, state, heads, dim = 12, 5, 4, 3
	const channels = inner + 2*2*state
	var z, before, dt rows
	for _, r := range x {
		all := p.w("ssm_in")(r)
		z, before, dt = append(z, all[:inner]), append(before, all[inner:inner+channels]), append(dt, all[inner+channels:])
	}
	memory := make([][dim][state]float64, heads)
	var y rows
	for i, r := range siluOf(filtered(before, p.get(p.l+"ssm_conv1d.weight"), p.get(p.l+"ssm_conv1d.bias"), 4)) {
		result := make(row, inner)
		for h := range heads {
			b, c := r[inner+h/2*state:], r[inner+2*state+h/2*state:]
			step := math.Log(1 + math.Exp(dt[i][h]+p.get(p.l + "ssm_dt.bias")[h]))
			for k := range dim {
				v, sum := r[h*dim+k], 0.0
				for n := range state {
					cell := &memory[h][k][n]
					*cell = *cell*math.Exp(step*p.get(p.l + "ssm_a")[h]) + step*b[n]*v
					sum += *cell * c[n]
				}
				result[h*dim+k] = sum + p.get(p.l + "ssm_d")[h]*v
			}
		}
		y = append(y, p.w("ssm_out")(gate(result, z[i])))
	}
	return y
}

func TestStateSpacesWithHeads(t *testing.T) {
	gated := func(y, z row) row {
		return each(y, func(i int, v float64) float64 { return v * z[i] * sigmoid(z[i]) })
	}
	grouped := func(d *drawn, y row) row {
		w := d.get("blk.0.ssm_norm.weight")
		return append(rmsNorm(y[:6], w[:6], eps), rmsNorm(y[6:], w[6:], eps)...)
	}
	for name, c := range map[string]struct {
		eps    float64
		before bool
		gate   func(d *drawn, y, z row) row
	}{
		"no norm":              {gate: func(_ *drawn, y, z row) row { return gated(y, z) }},
		"norm after the gate":  {eps, false, func(d *drawn, y, z row) row { return grouped(d, gated(y, z)) }},
		"norm before the gate": {eps, true, func(d *drawn, y, z row) row { return gated(grouped(d, y), z) }},
	} {
		t.Run(name, func(t *testing.T) {
			d := &drawn{with: []string{"ssm_conv1d.bias"}}
			m := built(t, d, arch.Model{Layers: []arch.Layer{{Mixer: &arch.StateSpace{
				Version: 2, Kernel: 4, Inner: 12, State: 5, Heads: 4, Groups: 2, NormEps: c.eps, NormBeforeGate: c.before,
			}}}}, Options{})
			same(t, d, m, func() rows {
				x := d.embedded()
				return sums(x, plainLayer{d, "blk.0."}.mamba2(x, func(y, z row) row { return c.gate(d, y, z) }))
			})
		})
	}
}

func TestStateSpacesOfChannels(t *testing.T) {
	const inner, state, rank = 12, 5, 3
	for _, normed := range []bool{false, true} {
		d := &drawn{with: []string{"ssm_conv1d.bias"}}
		s := &arch.StateSpace{Version: 1, Kernel: 3, Inner: inner, State: state, TimeStepRank: rank}
		if normed {
			s.NormEps = eps
		}
		m := built(t, d, arch.Model{Layers: []arch.Layer{{Mixer: s}}}, Options{})
		same(t, d, m, func() rows {
			p := plainLayer{d, "blk.0."}
			var before, z rows
			for _, r := range d.embedded() {
				all := p.w("ssm_in")(r)
				before, z = append(before, all[:inner]), append(z, all[inner:])
			}
			var memory [inner][state]float64
			var y rows
			for i, r := range siluOf(filtered(before, p.get("blk.0.ssm_conv1d.weight"), p.get("blk.0.ssm_conv1d.bias"), 3)) {
				selected := p.w("ssm_x")(r)
				low, b, c := selected[:rank], selected[rank:rank+state], selected[rank+state:]
				if normed {
					low, b, c = rmsNorm(low, ones, eps), rmsNorm(b, ones, eps), rmsNorm(c, ones, eps)
				}
				steps := plus(p.w("ssm_dt")(low), p.get("blk.0.ssm_dt.bias"))
				y = append(y, p.w("ssm_out")(each(r, func(k int, v float64) float64 {
					step, sum := math.Log(1+math.Exp(steps[k])), 0.0
					for n := range state {
						cell := &memory[k][n]
						*cell = *cell*math.Exp(step*p.get("blk.0.ssm_a")[k*state+n]) + step*b[n]*v
						sum += *cell * c[n]
					}
					return (sum + p.get("blk.0.ssm_d")[k]*v) * z[i][k] * sigmoid(z[i][k])
				})))
			}
			return sums(d.embedded(), y)
		})
	}
}

// Checkpoints store decays as logarithms.
func TestDecaysStoredAsLogarithms(t *testing.T) {
	d := &drawn{}
	m := built(t, d, arch.Model{Layers: []arch.Layer{{Mixer: &arch.StateSpace{Version: 2, Kernel: 4, Inner: 12, State: 5, Heads: 4, Groups: 2}}}},
		Options{Convention: arch.Convention{DecayLog: true}})
	for h, rate := range m.layers[0].mix.(*mamba2).rate {
		if want := -math.Exp(d.get("blk.0.ssm_a")[h]); math.Abs(float64(rate)-want) > 1e-6 {
			t.Errorf("head %d decays by %v, not %v", h, rate, want)
		}
	}
}
