package graph

import (
	"math"
	"testing"

	"github.com/f190792d/mq/arch"
)

func rms(name string) *arch.Norm {
	return &arch.Norm{Name: "blk.{i}." + name, Kind: arch.RMSNorm, Eps: eps}
}

func layerNorm(name string) *arch.Norm {
	return &arch.Norm{Name: "blk.{i}." + name, Kind: arch.LayerNorm, Eps: eps}
}

// plainLayer computes the parts of a layer with attention and a plain network.
type plainLayer struct {
	*drawn
	l string // prefix of its tensors
}

func (p plainLayer) w(name string) func(row) row {
	return func(x row) row { return times(p.mat(p.l+name+".weight"), x) }
}

func (p plainLayer) mix(x rows) rows {
	return of(newPlain().run(x, p.w("attn_q"), p.w("attn_k"), p.w("attn_v")), p.w("attn_output"))
}

func (p plainLayer) feed(x rows) rows {
	return of(x, func(x row) row {
		return p.w("ffn_down")(each(p.w("ffn_up")(x), func(_ int, v float64) float64 { return max(v, 0) }))
	})
}

func (p plainLayer) rms(name string) func(row) row {
	return func(x row) row { return rmsNorm(x, p.get(p.l+name+".weight"), eps) }
}

func scaled(x rows, by float64) rows {
	return of(x, func(x row) row { return each(x, func(_ int, v float64) float64 { return by * v }) })
}

func TestLayers(t *testing.T) {
	mixer := &arch.Attention{Heads: 4, KVHeads: 2, Dim: 4, ValueDim: 4}
	feed := &arch.Dense{Width: 12, Activation: arch.ReLU}
	for name, c := range map[string]struct {
		layer arch.Layer
		with  []string
		plain func(p plainLayer, x rows) rows
	}{
		"norms before": {
			layer: arch.Layer{Mixer: mixer, Feed: feed, MixNorm: rms("attn_norm"), FeedNorm: rms("ffn_norm")},
			plain: func(p plainLayer, x rows) rows {
				x = sums(x, p.mix(of(x, p.rms("attn_norm"))))
				return sums(x, p.feed(of(x, p.rms("ffn_norm"))))
			},
		},
		"norms on both sides": {
			layer: arch.Layer{Mixer: mixer, Feed: feed, MixNorm: rms("attn_norm"), MixPost: rms("post_attention_norm"), FeedNorm: rms("ffn_norm"), FeedPost: rms("post_ffw_norm")},
			plain: func(p plainLayer, x rows) rows {
				x = sums(x, of(p.mix(of(x, p.rms("attn_norm"))), p.rms("post_attention_norm")))
				return sums(x, of(p.feed(of(x, p.rms("ffn_norm"))), p.rms("post_ffw_norm")))
			},
		},
		"norms after alone": {
			layer: arch.Layer{Mixer: mixer, Feed: feed, MixPost: rms("post_attention_norm"), FeedPost: rms("post_ffw_norm")},
			plain: func(p plainLayer, x rows) rows {
				x = sums(x, of(p.mix(x), p.rms("post_attention_norm")))
				return sums(x, of(p.feed(x), p.rms("post_ffw_norm")))
			},
		},
		"norms of the sums": {
			layer: arch.Layer{Mixer: mixer, Feed: feed, MixPost: layerNorm("attn_output_norm"), FeedPost: layerNorm("layer_output_norm"), AfterSum: true},
			with:  []string{"attn_output_norm.bias", "layer_output_norm.bias"},
			plain: func(p plainLayer, x rows) rows {
				norm := func(name string) func(row) row {
					return func(x row) row { return layerNormed(x, p.get(p.l+name+".weight"), p.get(p.l+name+".bias"), eps) }
				}
				x = of(sums(x, p.mix(x)), norm("attn_output_norm"))
				return of(sums(x, p.feed(x)), norm("layer_output_norm"))
			},
		},
		"layer norm without bias and without weights": {
			layer: arch.Layer{Mixer: mixer, Feed: feed, MixNorm: layerNorm("attn_norm"), FeedNorm: &arch.Norm{Kind: arch.LayerNorm, Eps: eps}},
			plain: func(p plainLayer, x rows) rows {
				x = sums(x, p.mix(of(x, func(x row) row { return layerNormed(x, p.get(p.l+"attn_norm.weight"), nil, eps) })))
				return sums(x, p.feed(of(x, func(x row) row { return layerNormed(x, nil, nil, eps) })))
			},
		},
		"side by side with one norm": {
			layer: arch.Layer{Mixer: mixer, Feed: feed, MixNorm: rms("attn_norm"), Parallel: true},
			plain: func(p plainLayer, x rows) rows {
				in := of(x, p.rms("attn_norm"))
				return sums(x, sums(p.mix(in), p.feed(in)))
			},
		},
		"side by side with a norm each": {
			layer: arch.Layer{Mixer: mixer, Feed: feed, MixNorm: rms("attn_norm"), FeedNorm: rms("ffn_norm"), Parallel: true, MixScale: 0.5, FeedScale: 2, SkipScale: 1.5},
			plain: func(p plainLayer, x rows) rows {
				return sums(scaled(x, 1.5), sums(scaled(p.mix(of(x, p.rms("attn_norm"))), 0.5), scaled(p.feed(of(x, p.rms("ffn_norm"))), 2)))
			},
		},
		"scaled branches": {
			layer: arch.Layer{Mixer: mixer, Feed: feed, MixNorm: rms("attn_norm"), FeedNorm: rms("ffn_norm"), MixScale: 0.3, FeedScale: 0.4, SkipScale: 0.9},
			plain: func(p plainLayer, x rows) rows {
				x = sums(scaled(x, 0.9), scaled(p.mix(of(x, p.rms("attn_norm"))), 0.3))
				return sums(scaled(x, 0.9), scaled(p.feed(of(x, p.rms("ffn_norm"))), 0.4))
			},
		},
		"a norm in place of one that is absent": {
			layer: arch.Layer{Mixer: mixer, MixNorm: &arch.Norm{Name: "blk.{i}.attn_norm_2", Eps: eps, Else: "blk.{i}.attn_norm"}},
			plain: func(p plainLayer, x rows) rows { return sums(x, p.mix(of(x, p.rms("attn_norm")))) },
		},
		"a norm that another could replace": {
			with:  []string{"attn_norm_2.weight"},
			layer: arch.Layer{Mixer: mixer, MixNorm: &arch.Norm{Name: "blk.{i}.attn_norm_2", Eps: eps, Else: "blk.{i}.attn_norm"}},
			plain: func(p plainLayer, x rows) rows { return sums(x, p.mix(of(x, p.rms("attn_norm_2")))) },
		},
		"a mixer alone": {
			layer: arch.Layer{Mixer: mixer, MixNorm: rms("attn_norm")},
			plain: func(p plainLayer, x rows) rows { return sums(x, p.mix(of(x, p.rms("attn_norm")))) },
		},
		"a feed-forward part alone": {
			layer: arch.Layer{Feed: feed, FeedNorm: rms("ffn_norm")},
			plain: func(p plainLayer, x rows) rows { return sums(x, p.feed(of(x, p.rms("ffn_norm")))) },
		},
		"mixers side by side": {
			layer: arch.Layer{Mixer: arch.Mixers{mixer, &arch.ShortConv{Kernel: 3}}, MixNorm: rms("attn_norm")},
			plain: func(p plainLayer, x rows) rows {
				in := of(x, p.rms("attn_norm"))
				return sums(x, sums(p.mix(in), p.shortConv(in, 3)))
			},
		},
		"feed-forward parts side by side": {
			layer: arch.Layer{Feed: arch.Feeds{feed, &arch.Dense{Suffix: "_too", Width: 5, Activation: arch.ReLU}}},
			plain: func(p plainLayer, x rows) rows {
				second := of(x, func(x row) row {
					return p.w("ffn_down_too")(each(p.w("ffn_up_too")(x), func(_ int, v float64) float64 { return max(v, 0) }))
				})
				return sums(x, sums(p.feed(x), second))
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := &drawn{with: c.with}
			m := built(t, d, arch.Model{Layers: []arch.Layer{c.layer, c.layer}}, Options{})
			same(t, d, m, func() rows {
				return c.plain(plainLayer{d, "blk.1."}, c.plain(plainLayer{d, "blk.0."}, d.embedded()))
			})
		})
	}
}

func TestInputs(t *testing.T) {
	d := &drawn{with: []string{"token_embd_norm.bias"}}
	m := built(t, d, arch.Model{Input: arch.Input{
		Scale: 3, Positions: true, TokenTypes: true, Norm: &arch.Norm{Name: "token_embd_norm", Kind: arch.LayerNorm, Eps: eps},
	}}, Options{})
	same(t, d, m, func() rows {
		var x rows
		for i, r := range scaled(d.embedded(), 3) {
			r = plus(plus(r, d.mat("token_types.weight")[0]), d.mat("position_embd.weight")[i])
			x = append(x, layerNormed(r, d.get("token_embd_norm.weight"), d.get("token_embd_norm.bias"), eps))
		}
		return x
	})
	if _, err := m.Logits(t.Context(), make([]int32, 10), 0); err == nil {
		t.Error("a tenth position of nine that are learned was computed")
	}
}

func TestOutputs(t *testing.T) {
	d := &drawn{with: []string{"output.weight", "output.bias", "output_norm.bias"}}
	m := built(t, d, arch.Model{Output: arch.Output{
		Norm: &arch.Norm{Name: "output_norm", Kind: arch.LayerNorm, Eps: eps}, Scale: 0.25, Softcap: 0.2,
	}}, Options{})
	got, err := m.Logits(t.Context(), prompt, 2)
	if err != nil {
		t.Fatal(err)
	}
	for i, x := range d.embedded()[2:] {
		x = layerNormed(x, d.get("output_norm.weight"), d.get("output_norm.bias"), eps)
		for j, v := range plus(times(d.mat("output.weight"), x), d.get("output.bias")) {
			want := 0.2 * math.Tanh(0.25*v/0.2)
			if diff := math.Abs(float64(got[i*vocab+j]) - want); !(diff <= 1e-5) {
				t.Fatalf("logit %d of position %d is %v, not %v", j, i+2, got[i*vocab+j], want)
			}
		}
	}
}

// Behind the last mixer only the rows are computed whose logits are wanted,
// wherever that mixer stands.
func TestLogitsOfSomePositionsEqualThoseOfAll(t *testing.T) {
	mixer, feed := &arch.Attention{Heads: 4, KVHeads: 2, Dim: 4, ValueDim: 4}, &arch.Dense{Width: 12, Activation: arch.ReLU}
	for name, layers := range map[string][]arch.Layer{
		"last":     {{Mixer: mixer, Feed: feed}, {Mixer: mixer, Feed: feed}},
		"earlier":  {{Mixer: mixer}, {Feed: feed}, {Feed: feed}},
		"parallel": {{Mixer: mixer, Feed: feed}, {Mixer: mixer, Feed: feed, Parallel: true}},
		"none":     {{Feed: feed}},
	} {
		m := built(t, &drawn{}, arch.Model{Layers: layers}, Options{})
		all, err := m.Logits(t.Context(), prompt, 0)
		if err != nil {
			t.Fatal(err)
		}
		for from := range len(prompt) + 1 {
			some, err := m.Logits(t.Context(), prompt, from)
			if err != nil || len(some) != (len(prompt)-from)*vocab {
				t.Fatalf("%s: from %d: %d logits, %v", name, from, len(some), err)
			}
			for i, v := range some {
				if v != all[from*vocab+i] {
					t.Fatalf("%s: from position %d on: other logits than of all", name, from)
				}
			}
		}
	}
}
