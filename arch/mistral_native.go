package arch

import (
	"fmt"
	"slices"

	"github.com/f190792d/mq/formats/hf"
)

// These stand for the classes that the own formats of Mistral and Meta,
// params.json beside consolidated*, do not name.
const (
	nativeMistral   = "params.json"
	nativeMinistral = "params.json with llama_4_scaling"
	nativeMoE       = "params.json with moe"
	nativeMeta      = "params.json with multiple_of"
)

// nativeClass tells the classes of params.json apart; it is empty for the
// config.json of other formats.
func nativeClass(config hf.Config) string {
	switch {
	case config.Has("architectures") || !config.Has("dim") || !config.Has("n_layers"):
		return ""
	case config.Has("multiple_of") && !config.Has("hidden_dim"):
		return nativeMeta
	case config.Has("moe"):
		return nativeMoE
	case config.Has("llama_4_scaling"):
		return nativeMinistral
	}
	return nativeMistral
}

// mistralNative serves Mistral's own format. Rotated dimensions pair
// neighbours there, as in the file.
var mistralNative = Arch{
	Name:     "llama",
	Classes:  []string{nativeMistral},
	Native:   true,
	Defaults: map[string]Defaults{"": {Keys: Keys{"max_position_embeddings": 128_000, "norm_eps": 1e-5, "rope_theta": 1e4}, windows: everyLayer}},
	losses:   []lossRule{assumedContext},
	Late:     "rope.scaling.",
	Params:   append([]Param{u32("rope.dimension_count", func(h Hyper, _ int) int { return h.HeadDim })}, nativeYarn...),
	Tensors:  nativeTensors,
	Ignore:   nativeIgnore,
	Source:   Convention{Rope: RopeInterleaved},
	File:     Convention{Rope: RopeInterleaved},
}

// ministralNative is the same with queries scaled by their position.
var ministralNative = Arch{
	Name:     "mistral3",
	Classes:  []string{nativeMinistral},
	Native:   true,
	Defaults: mistralNative.Defaults,
	losses:   mistralNative.losses,
	Late:     mistralNative.Late,
	Params:   append(slices.Clip(mistralNative.Params), f32("attention.temperature_scale", func(h Hyper) float64 { return h.TemperatureScale })),
	Tensors:  nativeTensors,
	Ignore:   nativeIgnore,
	Graph:    mistralNative.Graph,
	Source:   mistralNative.Source,
	File:     mistralNative.File,
}

// nativeYarn are the keys of YaRN in the order in which they are written for
// this format: after the others.
var nativeYarn = []Param{
	{Key: "rope.scaling.type", From: func(h Hyper) (any, bool) { s := h.Rope.ggufScaling(); return s, s != "" }},
	f32("rope.scaling.factor", scaled(func(r Rope) float64 { return r.Factor }, "yarn")),
	f32("rope.scaling.yarn_beta_fast", scaled(func(r Rope) float64 { return r.BetaFast }, "yarn")),
	f32("rope.scaling.yarn_beta_slow", scaled(func(r Rope) float64 { return r.BetaSlow }, "yarn")),
	{Key: "rope.scaling.yarn_log_multiplier", From: func(h Hyper) (any, bool) {
		return float32(h.Rope.MScaleAllDim), h.Rope.ggufScaling() == "yarn"
	}},
	{Key: "rope.scaling.original_context_length", From: func(h Hyper) (any, bool) {
		return uint32(h.Rope.OriginalContext), h.Rope.ggufScaling() == "yarn"
	}},
}

var (
	nativeIgnore  = slices.Concat(otherModalities, []string{"*vision_encoder.*", "patch_merger.*", "pre_mm_projector_norm.*"})
	nativeTensors = append(nativeMLP("feed_forward", "", ff), []Tensor{
		{Source: "tok_embeddings.weight", Target: "token_embd.weight", Shape: []Dim{vocab, embed}},
		{Source: "layers.{i}.attention_norm.weight", Target: "blk.{i}.attn_norm.weight", Shape: []Dim{embed}},
		{Source: "layers.{i}.attention.wq.weight", Target: "blk.{i}.attn_q.weight", Shape: []Dim{qRows, embed}},
		{Source: "layers.{i}.attention.wk.weight", Target: "blk.{i}.attn_k.weight", Shape: []Dim{kRows, embed}},
		{Source: "layers.{i}.attention.wv.weight", Target: "blk.{i}.attn_v.weight", Shape: []Dim{vRows, embed}},
		{Source: "layers.{i}.attention.wo.weight", Target: "blk.{i}.attn_output.weight", Shape: []Dim{embed, oCols}},
		{Source: "layers.{i}.ffn_norm.weight", Target: "blk.{i}.ffn_norm.weight", Shape: []Dim{embed}},
		{Source: "norm.weight", Target: "output_norm.weight", Shape: []Dim{embed}},
		{Source: "output.weight", Target: "output.weight", Shape: []Dim{vocab, embed}, Optional: true},
	}...)
)

// nativeYarnOf reads YaRN as params.json spells it.
func (c *reader) nativeYarnOf(r *Rope) {
	yarn := c.sub("yarn")
	if len(yarn.layers) == 0 {
		return
	}
	r.Scaling = "yarn"
	r.Factor = yarn.float("factor")
	r.BetaFast, r.BetaSlow = yarn.float("beta"), yarn.float("alpha")
	r.OriginalContext = yarn.int("original_max_position_embeddings")
	if !yarn.bool("apply_scale") {
		r.MScale, r.MScaleAllDim = 1, 1
	}
	c.keepOf(yarn)
}

// assumedContext notes that the file states a context which params.json does
// not.
func assumedContext(c *reader, a Arch, h Hyper) (l Loss) {
	if !c.states("max_position_embeddings") {
		l.Text = fmt.Sprintf("params.json states no max_position_embeddings: the file says %d, as the publisher's own code assumes; a key-value %s.context_length of your own goes before it", h.Context, a.Name)
	}
	return l
}

// nativeMLP is the gated feed-forward network under Mistral's names.
func nativeMLP(source, target string, width Dim) []Tensor {
	return []Tensor{
		{Source: "layers.{i}." + source + ".w1.weight", Target: "blk.{i}.ffn_gate" + target + ".weight", Shape: []Dim{width, embed}},
		{Source: "layers.{i}." + source + ".w2.weight", Target: "blk.{i}.ffn_down" + target + ".weight", Shape: []Dim{embed, width}},
		{Source: "layers.{i}." + source + ".w3.weight", Target: "blk.{i}.ffn_up" + target + ".weight", Shape: []Dim{width, embed}},
	}
}
