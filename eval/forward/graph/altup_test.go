package graph

import (
	"fmt"
	"math"
	"testing"

	"github.com/f190792d/mq/arch"
)

// TestAlternatingUpdates compares layers with several streams, a low-rank branch
// and gates that are cut off with their plain formulas.
func TestAlternatingUpdates(t *testing.T) {
	const streams = 3
	d := &drawn{}
	norm := func(name string) *arch.Norm { return &arch.Norm{Name: "blk.{i}." + name, Eps: eps} }
	up := &arch.AltUp{Count: streams, Eps: eps}
	layer := arch.Layer{
		Mixer:   &arch.Attention{Heads: 4, KVHeads: 2, Dim: 4, ValueDim: 4},
		MixNorm: norm("attn_norm"), MixPost: norm("post_attention_norm"), FeedNorm: norm("ffn_norm"), FeedPost: norm("post_ffw_norm"),
		Feed:  &arch.Dense{Width: 33, Gated: true, Activation: arch.GELUTanh, Sparse: true, Cut: 0.7},
		AltUp: up, Laurel: norm("laurel_post_norm"), PerLayer: &arch.PerLayer{Width: 5, Eps: eps, Activation: arch.GELUTanh},
	}
	m := built(t, d, arch.Model{Input: arch.Input{PerLayer: layer.PerLayer}, Layers: []arch.Layer{layer, layer}, Output: arch.Output{AltUp: up}}, Options{})
	same(t, d, m, func() rows {
		x := d.embedded()
		own := ownParts(d, x, 2, 5)
		all := []rows{x}
		for j := range streams - 1 {
			all = append(all, alikePlain(of(x, func(x row) row { return times(cutOut(d.mat("altup_proj.weight"), j, width), x) }), x))
		}
		for l := range 2 {
			all = plainAltUp(d, plainLayer{d, fmt.Sprintf("blk.%d.", l)}, all, own[l])
		}
		mean := all[0]
		for j := range streams - 1 {
			mean = sums(mean, alikePlain(of(all[j+1], func(x row) row { return times(cutOut(d.mat("altup_unembd_proj.weight"), j, width), x) }), all[0]))
		}
		return of(mean, func(x row) row { return each(x, func(_ int, v float64) float64 { return v / streams }) })
	})
}

// plainAltUp is one layer.
func plainAltUp(d *drawn, p plainLayer, all []rows, own rows) []rows {
	get := func(name string) row { return d.get(p.l + name) }
	routed := func(x row) row {
		normed := rmsNorm(x, get("altup_router_norm.weight"), eps)
		return each(p.w("altup_router")(each(normed, func(_ int, v float64) float64 { return v / width })), func(_ int, v float64) float64 { return math.Tanh(v) })
	}
	n, predicted := len(all[0]), make([]rows, len(all))
	for i := range n {
		coefficients := p.w("altup_predict_coef")(routed(all[0][i]))
		for j := range all {
			y := all[j][i]
			for k := range all {
				y = plus(y, each(all[k][i], func(_ int, v float64) float64 { return v * coefficients[j*len(all)+k] }))
			}
			predicted[j] = append(predicted[j], y)
		}
	}
	normed := of(predicted[0], func(x row) row { return rmsNorm(x, get("attn_norm.weight"), eps) })
	mixed := of(newPlain().run(normed, p.w("attn_q"), p.w("attn_k"), p.w("attn_v")), p.w("attn_output"))
	after := make([]rows, len(all))
	for i := range n {
		branch := plus(normed[i], rmsNorm(p.w("laurel_r")(p.w("laurel_l")(normed[i])), get("laurel_post_norm.weight"), eps))
		x := plus(plus(predicted[0][i], rmsNorm(mixed[i], get("post_attention_norm.weight"), eps)), branch)
		x = each(x, func(_ int, v float64) float64 { return v / math.Sqrt2 })
		in := rmsNorm(x, get("ffn_norm.weight"), eps)
		gate := cutPlain(p.w("ffn_gate")(in), 0.7)
		raised := p.w("ffn_up")(in)
		fed := p.w("ffn_down")(each(gate, func(j int, v float64) float64 { return activations[arch.GELUTanh](v) * raised[j] }))
		x = plus(x, rmsNorm(fed, get("post_ffw_norm.weight"), eps))
		coefficients := p.w("altup_correct_coef")(routed(x))
		change := each(x, func(e int, v float64) float64 { return v - predicted[0][i][e] })
		for j := range all {
			after[j] = append(after[j], plus(predicted[j][i], each(change, func(_ int, v float64) float64 { return v * (coefficients[j] + 1) })))
		}
		gated := p.w("inp_gate")(each(after[0][i], func(e int, v float64) float64 { return v * get("altup_correct_scale.weight")[e] }))
		gated = each(gated, func(e int, v float64) float64 { return activations[arch.GELUTanh](v) * own[i][e] })
		added := rmsNorm(p.w("proj")(gated), get("post_norm.weight"), eps)
		for j := 1; j < len(all); j++ {
			after[j][i] = plus(after[j][i], added)
		}
	}
	return after
}

// ownParts are what the embeddings by layer give each layer.
func ownParts(d *drawn, x rows, layers, size int) []rows {
	own := make([]rows, layers)
	for i, token := range prompt {
		projected := times(d.mat("per_layer_model_proj.weight"), x[i])
		for l := range layers {
			part := each(projected[l*size:(l+1)*size], func(_ int, v float64) float64 { return v / math.Sqrt(width) })
			part = rmsNorm(part, d.get("per_layer_proj_norm.weight"), eps)
			of := d.mat("per_layer_token_embd.weight")[token][l*size : (l+1)*size]
			own[l] = append(own[l], each(part, func(e int, v float64) float64 { return (v + of[e]*math.Sqrt(float64(size))) / math.Sqrt2 }))
		}
	}
	return own
}

// alikePlain scales rows of y to the length of those of x.
func alikePlain(y, x rows) rows {
	length := func(r row) (sum float64) {
		for _, v := range r {
			sum += v * v
		}
		return math.Sqrt(sum)
	}
	var scaled rows
	for i, r := range y {
		scaled = append(scaled, each(r, func(_ int, v float64) float64 { return v * length(x[i]) / length(r) }))
	}
	return scaled
}

// cutPlain counts gates from their mean and some standard deviations on.
func cutPlain(g row, deviations float64) row {
	mean, square := 0.0, 0.0
	for _, v := range g {
		mean += v / float64(len(g))
	}
	for _, v := range g {
		square += (v - mean) * (v - mean) / float64(len(g))
	}
	return each(g, func(_ int, v float64) float64 { return max(v-mean-deviations*math.Sqrt(square), 0) })
}

// cutOut is one of several matrices that lie one after the other.
func cutOut(m rows, i, n int) rows { return m[i*n : (i+1)*n] }
