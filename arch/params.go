package arch

import (
	"slices"
	"strings"
)

// CommonParams lists the key-values that every architecture may have, in
// writing order, some of the architecture's own between them where
// [Arch].Common says so. They come first; general.file_type and the
// architecture's own, [Arch].Params, follow.
func (a Arch) CommonParams() []Param {
	if a.Common != nil {
		all := slices.Concat(a.Params, common)
		list := make([]Param, len(a.Common))
		for i, key := range a.Common {
			list[i] = all[slices.IndexFunc(all, func(p Param) bool { return p.Key == key })]
		}
		return list
	}
	return slices.DeleteFunc(slices.Clone(common), func(p Param) bool { return a.Late != "" && strings.HasPrefix(p.Key, a.Late) })
}

var common = []Param{
	u32("block_count", func(h Hyper, _ int) int { return h.Layers + h.MTPLayers }),
	u32("context_length", func(h Hyper, _ int) int { return h.Context }),
	u32("embedding_length", func(h Hyper, _ int) int { return h.Embed }),
	u32("feed_forward_length", func(h Hyper, _ int) int { return h.FF }),
	u32("attention.head_count", func(h Hyper, _ int) int { return h.Heads }),
	u32("attention.head_count_kv", kvHeads),
	{Key: "rope.scaling.type", From: func(h Hyper) (any, bool) { s := h.Rope.ggufScaling(); return s, s != "" }},
	f32("rope.scaling.factor", scaled(func(r Rope) float64 { return r.Factor }, "linear", "yarn")),
	{Key: "rope.scaling.original_context_length", From: func(h Hyper) (any, bool) {
		return uint32(h.Rope.OriginalContext), h.Rope.ggufScaling() == "yarn"
	}},
	f32("rope.scaling.yarn_ext_factor", scaled(func(r Rope) float64 { return r.ExtFactor }, "yarn")),
	f32("rope.scaling.yarn_attn_factor", scaled(func(r Rope) float64 { return r.AttnFactor }, "yarn")),
	f32("rope.scaling.yarn_beta_fast", scaled(func(r Rope) float64 { return r.BetaFast }, "yarn")),
	f32("rope.scaling.yarn_beta_slow", scaled(func(r Rope) float64 { return r.BetaSlow }, "yarn")),
	{Key: "rope.dimension_sections", From: func(h Hyper) (any, bool) {
		padded := make([]int32, 4)
		for i := range min(4, len(h.Rope.Sections)) {
			padded[i] = int32(h.Rope.Sections[i])
		}
		return padded, h.Rope.Sections != nil
	}},
	f32("rope.freq_base", func(h Hyper) float64 { return h.Rope.Base }),
	f32("rope.freq_base_swa", func(h Hyper) float64 { return h.Rope.LocalBase }),
	f32("attention.layer_norm_rms_epsilon", func(h Hyper) float64 { return h.Eps }),
	f32("attention.layer_norm_epsilon", func(h Hyper) float64 { return h.LayerEps }),
	u32("expert_count", func(h Hyper, _ int) int { return h.MoE.Experts }),
	u32("expert_used_count", func(h Hyper, _ int) int { return h.MoE.Used }),
	u32("expert_group_count", func(h Hyper, _ int) int { return h.MoE.Groups }),
	u32("expert_group_used_count", func(h Hyper, _ int) int { return h.MoE.GroupsUsed }),
	u32("expert_gating_func", func(h Hyper, _ int) int { return h.MoE.Gating }),
	u32("attention.key_length", stated(headDim)),
	u32("attention.value_length", stated(func(h Hyper, _ int) int { return h.ValueDim })),
}

// kvHeads is 1 for latent attention, whose file keeps one compressed head.
func kvHeads(h Hyper, _ int) int {
	if h.MLA.KVRank > 0 {
		return 1
	}
	if !h.HasKVHeads {
		return 0
	}
	return h.KVHeads
}

// number is a parameter that the architecture alone has; its class assumes
// otherwise where config.json is silent, a file 0.
func number(key string, otherwise float64, config ...string) Param {
	p := f32(key, func(h Hyper) float64 { return h.Value(key) })
	p.Config, p.Default = config, otherwise
	return p
}

// truth is a parameter that the architecture alone has and that is true or
// false; a file that is silent means what the class does.
func truth(key string, otherwise bool, config ...string) Param {
	p := Param{Key: key, Config: config, Truth: true, From: func(h Hyper) (any, bool) { return h.Value(key) != 0, true }}
	if otherwise {
		p.Default, p.Implied = 1, 1
	}
	return p
}

// implying says what a file means that is silent.
func (p Param) implying(value float64) Param {
	p.Implied = value
	return p
}

// own reads the parameters that an architecture alone has.
func (c *reader) own(h *Hyper, params []Param) {
	for _, p := range params {
		if p.Config == nil {
			continue
		}
		value := p.Default
		if c.has(p.Config...) && p.Truth {
			value = oneIf(c.bool(p.Config...))
		} else if c.has(p.Config...) {
			value = c.float(p.Config...)
		} else if c.null(p.Config...) {
			value = 0
		}
		h.set(p.Key, value)
	}
}

// own reads the same from a file.
func (g *fileReader) own(h *Hyper, params []Param) {
	for _, p := range params {
		if p.Config == nil {
			continue
		}
		value := p.Implied
		if is, ok := g.kvs.Bool(g.prefix + p.Key); ok && p.Truth {
			value = oneIf(is)
		} else if g.kvs.Has(g.prefix + p.Key) {
			value = g.float(p.Key)
		}
		h.set(p.Key, value)
	}
}

func oneIf(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// Value returns a parameter that the architecture alone has, 0 where there is
// none.
func (h Hyper) Value(key string) float64 { return h.Values[key] }

func (h *Hyper) set(key string, value float64) {
	if h.Values == nil {
		h.Values = map[string]float64{}
	}
	h.Values[key] = value
}

// always is a key-value that is written even where it is 0.
func always(key string, get Dim) Param {
	return Param{Key: key, From: func(h Hyper) (any, bool) { return uint32(get(h, 0)), true }}
}

// u32 is a count that is left out where it is 0. One that differs by layer is
// written as a list.
func u32(key string, get Dim) Param {
	return Param{Key: key, From: func(h Hyper) (any, bool) {
		n := get(h, 0)
		for layer := range min(h.Layers, mostLayers) {
			if get(h, layer) != n {
				return perLayer(h, get), true
			}
		}
		return uint32(n), n != 0
	}}
}

// perLayer lists the count of each layer.
func perLayer(h Hyper, get Dim) []int32 {
	list := make([]int32, min(h.Layers+h.MTPLayers, mostLayers))
	for layer := range list {
		list[layer] = int32(get(h, layer))
	}
	return list
}

// statedBase is the base of the rotation where it is not the one that files
// imply: the reference converter leaves the key out for some architectures.
var statedBase = Param{Key: "rope.freq_base", From: func(h Hyper) (any, bool) { return float32(h.Rope.Base), h.Rope.Base != 1e4 }}

// f32 is a key-value that is left out where it is 0.
func f32(key string, get func(Hyper) float64) Param {
	return Param{Key: key, From: func(h Hyper) (any, bool) { x := get(h); return float32(x), x != 0 }}
}

// stated keeps a head's size out of files whose checkpoint does not name it.
func stated(get Dim) Dim {
	return func(h Hyper, layer int) int {
		if !h.HasHeadDim {
			return 0
		}
		return get(h, layer)
	}
}

// scaled gives a rope parameter under the given kinds of scaling alone.
func scaled(get func(Rope) float64, kinds ...string) func(Hyper) float64 {
	return func(h Hyper) float64 {
		for _, kind := range kinds {
			if h.Rope.ggufScaling() == kind {
				return get(h.Rope)
			}
		}
		return 0
	}
}

// ggufScaling names the scaling as the file does; llama3 scaling is a tensor
// there, and kinds without a factor are none.
func (r Rope) ggufScaling() string {
	switch r.Scaling {
	case "linear", "yarn":
		if r.Factor != 0 {
			return r.Scaling
		}
	case "longrope":
		return r.Scaling
	}
	return ""
}
