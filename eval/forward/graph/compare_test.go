package graph

import (
	"testing"

	"github.com/f190792d/mq/arch"
)

// rich is a description with a part of every kind.
func rich() arch.Model {
	attention := arch.Attention{Heads: 4, KVHeads: 2, Dim: 4, ValueDim: 4, Scale: 0.5, Rope: &arch.Rotation{Dim: 4, Base: 100, Magnitude: 1}}
	layer := func(m arch.Mixer, f arch.Feed) arch.Layer {
		return arch.Layer{
			Mixer: m, Feed: f, MixNorm: rms("attn_norm"), MixPost: rms("post_attention_norm"), FeedNorm: rms("ffn_norm"), FeedPost: rms("post_ffw_norm"),
			MixScale: 1, FeedScale: 1, SkipScale: 1,
		}
	}
	dense := &arch.Dense{Width: 12, Gated: true}
	return arch.Model{
		Input: arch.Input{Scale: 1, Norm: &arch.Norm{Name: "token_embd_norm", Eps: eps}},
		Layers: []arch.Layer{
			layer(&attention, dense),
			layer(&arch.Attention{Heads: 4, KVHeads: 2, Dim: 4, ValueDim: 4}, &arch.Experts{
				Count: 4, Width: 5, Gated: true, Router: arch.Router{Used: 2, Score: arch.SoftmaxScore, Scale: 1, Groups: 2, GroupsUsed: 1}, Shared: dense,
			}),
			layer(&arch.StateSpace{Version: 2, Kernel: 4, Inner: 12, State: 5, Heads: 4, Groups: 2, NormEps: eps}, dense),
			layer(&arch.StateSpace{Version: 1, Kernel: 4, Inner: 12, State: 5, TimeStepRank: 3}, dense),
			layer(&arch.DeltaNet{Kernel: 4, KeyHeads: 2, ValueHeads: 4, KeyDim: 3, ValueDim: 5, NormEps: eps}, dense),
			layer(&arch.ShortConv{Kernel: 4}, dense),
		},
		Output: arch.Output{Norm: &arch.Norm{Name: "output_norm", Eps: eps}, Scale: 1},
	}
}

// Whatever a description says shows in the comparison of two models of the
// same weights, where it is not in their shapes.
func TestDifferencesOfDescriptionsShowInTheParts(t *testing.T) {
	attention := func(m *arch.Model) *arch.Attention { return m.Layers[0].Mixer.(*arch.Attention) }
	router := func(m *arch.Model) *arch.Router { return &m.Layers[1].Feed.(*arch.Experts).Router }
	for name, change := range map[string]func(m *arch.Model){
		"embedding scale":       func(m *arch.Model) { m.Input.Scale = 2 },
		"embedding norm":        func(m *arch.Model) { m.Input.Norm = nil },
		"positions":             func(m *arch.Model) { m.Input.Positions = true },
		"token types":           func(m *arch.Model) { m.Input.TokenTypes = true },
		"output norm":           func(m *arch.Model) { m.Output.Norm.Kind = arch.LayerNorm },
		"logit scale":           func(m *arch.Model) { m.Output.Scale = 2 },
		"logit cap":             func(m *arch.Model) { m.Output.Softcap = 30 },
		"pooling":               func(m *arch.Model) { m.Output.Pooling = arch.MeanPooling },
		"norm's epsilon":        func(m *arch.Model) { m.Layers[2].MixNorm.Eps = 2 * eps },
		"norm's kind":           func(m *arch.Model) { m.Layers[2].FeedPost.Kind = arch.LayerNorm },
		"norm left out":         func(m *arch.Model) { m.Layers[2].FeedPost = nil },
		"mixer's scale":         func(m *arch.Model) { m.Layers[2].MixScale = 2 },
		"feed's scale":          func(m *arch.Model) { m.Layers[2].FeedScale = 2 },
		"stream's scale":        func(m *arch.Model) { m.Layers[2].SkipScale = 2 },
		"side by side":          func(m *arch.Model) { m.Layers[2].Parallel = true },
		"norms of sums":         func(m *arch.Model) { m.Layers[2].AfterSum = true },
		"scale of scores":       func(m *arch.Model) { attention(m).Scale = 0.6 },
		"cap of scores":         func(m *arch.Model) { attention(m).Softcap = 50 },
		"full mask":             func(m *arch.Model) { attention(m).Mask.Kind = arch.Full },
		"window":                func(m *arch.Model) { attention(m).Mask.Window = 12 },
		"chunk":                 func(m *arch.Model) { attention(m).Mask.Chunk = 12 },
		"no rotation":           func(m *arch.Model) { attention(m).Rope = nil },
		"base of rotation":      func(m *arch.Model) { attention(m).Rope.Base = 200 },
		"dimensions of it":      func(m *arch.Model) { attention(m).Rope.Dim = 2 },
		"magnitude of it":       func(m *arch.Model) { attention(m).Rope.Magnitude = 2 },
		"linear bias":           func(m *arch.Model) { attention(m).ALiBi = 8 },
		"clamp":                 func(m *arch.Model) { attention(m).Clamp = 8 },
		"head norm":             func(m *arch.Model) { attention(m).HeadNorm = arch.HeadNorm{Over: arch.EachHead, Eps: eps} },
		"value norm":            func(m *arch.Model) { attention(m).ValueNorm = true },
		"unit heads":            func(m *arch.Model) { attention(m).Unit = eps },
		"sinks":                 func(m *arch.Model) { attention(m).Sinks = true },
		"temperature":           func(m *arch.Model) { attention(m).Temperature = &arch.Temperature{Scale: 1, Floor: 4} },
		"keys of another":       func(m *arch.Model) { m.Layers[1].Mixer.(*arch.Attention).KeysOf = 1 },
		"keys as values":        func(m *arch.Model) { attention(m).KeyIsValue = true },
		"element gate":          func(m *arch.Model) { attention(m).Gate = arch.ElementGate },
		"head gate":             func(m *arch.Model) { attention(m).Gate = arch.PerHeadGate },
		"activation":            func(m *arch.Model) { m.Layers[5].Feed.(*arch.Dense).Activation = arch.GELU },
		"limit":                 func(m *arch.Model) { m.Layers[5].Feed.(*arch.Dense).Limit = 7 },
		"no gate":               func(m *arch.Model) { m.Layers[5].Feed.(*arch.Dense).Gated = false },
		"experts' activation":   func(m *arch.Model) { m.Layers[1].Feed.(*arch.Experts).Activation = arch.GELU },
		"used experts":          func(m *arch.Model) { router(m).Used = 1 },
		"score of experts":      func(m *arch.Model) { router(m).Score = arch.SigmoidScore },
		"normalized weights":    func(m *arch.Model) { router(m).Normalize = true },
		"scale of weights":      func(m *arch.Model) { router(m).Scale = 2 },
		"weights before":        func(m *arch.Model) { router(m).Before = true },
		"groups":                func(m *arch.Model) { router(m).Groups, router(m).GroupsUsed = 0, 0 },
		"groups used":           func(m *arch.Model) { router(m).GroupsUsed = 2 },
		"no shared expert":      func(m *arch.Model) { m.Layers[1].Feed.(*arch.Experts).Shared = nil },
		"gate of shared":        func(m *arch.Model) { m.Layers[1].Feed.(*arch.Experts).SharedGate = true },
		"table of experts":      func(m *arch.Model) { m.Layers[1].Feed.(*arch.Experts).Hashed = true },
		"gate before norm":      func(m *arch.Model) { m.Layers[2].Mixer.(*arch.StateSpace).NormBeforeGate = true },
		"norm of state space":   func(m *arch.Model) { m.Layers[3].Mixer.(*arch.StateSpace).NormEps = eps },
		"limits of time steps":  func(m *arch.Model) { m.Layers[2].Mixer.(*arch.StateSpace).StepTo = 0.1 },
		"epsilon of delta nets": func(m *arch.Model) { m.Layers[4].Mixer.(*arch.DeltaNet).NormEps = 2 * eps },
		"other mixer":           func(m *arch.Model) { m.Layers[5].Mixer = nil },
		"layers":                func(m *arch.Model) { m.Layers = m.Layers[:5] },
	} {
		t.Run(name, func(t *testing.T) {
			d := &drawn{with: []string{"blk.4.attn_qkv.weight"}}
			source := built(t, d, rich(), Options{})
			other := rich()
			change(&other)
			differing := func(made *Model) (list []string) {
				parts, err := made.CompareParts(t.Context(), source)
				if err != nil {
					t.Fatal(err)
				}
				for _, p := range parts {
					if p.Mismatch != "" || !(p.Distance <= 1e-6) {
						list = append(list, p.Name)
					}
				}
				return list
			}
			if same := differing(built(t, d, rich(), Options{})); len(same) > 0 {
				t.Errorf("of equal models %q differ", same)
			}
			if len(differing(built(t, d, other, Options{}))) == 0 {
				t.Error("no part differs")
			}
		})
	}
}

// Beyond the context that both models are made for, nothing is compared.
func TestWindowsBeyondTheContextAreNoDifference(t *testing.T) {
	d := &drawn{with: []string{"blk.4.attn_qkv.weight"}}
	model := func(window, context int) *Model {
		m := rich()
		m.Layers[0].Mixer.(*arch.Attention).Mask.Window = window
		return built(t, d, m, Options{Context: context})
	}
	for _, c := range []struct {
		window, context int
		differ          bool
	}{{64, 64, false}, {100, 64, false}, {63, 64, true}, {8, 64, true}, {100_000, 0, true}} {
		parts, err := model(0, c.context).CompareParts(t.Context(), model(c.window, c.context))
		if err != nil {
			t.Fatal(err)
		}
		differ := false
		for _, p := range parts {
			differ = differ || p.Mismatch != "" || !(p.Distance <= 1e-6)
		}
		if differ != c.differ {
			t.Errorf("a window of %d in a context of %d: differ %v", c.window, c.context, differ)
		}
	}
}
