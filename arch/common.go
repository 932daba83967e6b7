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

// common are the key-values that any architecture may have, in writing order.
var common = []Param{
	u32("block_count", func(h Hyper, _ int) int { return h.Layers + h.MTPLayers }),
	u32("context_length", func(h Hyper, _ int) int { return h.Context }),
	u32("embedding_length", func(h Hyper, _ int) int { return h.Embed }),
	u32("feed_forward_length", ff),
	u32("attention.head_count", heads),
	{Key: "attention.head_count_kv", From: func(h Hyper) (any, bool) {
		if h.Keyless != nil {
			return perLayer(h, kvHeads), true
		}
		return u32("", kvHeads).From(h)
	}},
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
	u32("attention.key_length", stated(func(h Hyper, _ int) int { return h.HeadDim })),
	u32("attention.value_length", stated(func(h Hyper, _ int) int { return h.ValueDim })),
}

// ofCommon picks common key-values for architectures that write them among
// their own.
func ofCommon(keys ...string) (some []Param) {
	for _, key := range keys {
		some = append(some, common[slices.IndexFunc(common, func(p Param) bool { return p.Key == key })])
	}
	return some
}

// named lists the keys of parameters.
func named(params []Param) []string {
	keys := make([]string, len(params))
	for i, p := range params {
		keys[i] = p.Key
	}
	return keys
}

// kvHeads is 1 for latent attention, whose file keeps one compressed head.
func kvHeads(h Hyper, layer int) int {
	if keyless(h, layer) {
		return 0
	}
	if h.MLA.KVRank > 0 {
		return 1
	}
	if !h.HasKVHeads {
		return 0
	}
	return keyHeads(h, layer)
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

// writes reports whether files of an architecture may have a key.
func (a Arch) writes(key string) bool {
	return slices.ContainsFunc(slices.Concat(common, a.Params), func(p Param) bool { return p.Key == key })
}

// computes reports whether files of an architecture may have a tensor that no
// checkpoint stores.
func (a Arch) computes(target string) bool {
	return slices.ContainsFunc(a.Extra, func(e Extra) bool { return e.Target == target })
}
