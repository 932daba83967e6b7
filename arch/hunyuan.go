package arch

import (
	"math"
	"slices"
)

// hunyuanDense serves the dense models of Hunyuan: query and key heads are
// normalized after the rotation.
var hunyuanDense = Arch{
	Name:       "hunyuan-dense",
	Classes:    []string{"HunYuanDenseV1ForCausalLM"},
	Vocabulary: Vocabulary{Documents: true},
	Defaults:   map[string]Defaults{"": {Keys: hunyuanKeys}},
	Only:       hunyuanOnly,
	Params:     stretched,
	Tensors:    slices.Concat(trunk, attention(unmoved), hunyuanNorms, mlp("mlp", "", ff)),
	Ignore:     []string{inverseFrequencies},
	Graph:      Graph{Layer: decoder(normedBehind)},
	Source:     Convention{Rope: RopeHalf},
	File:       Convention{Rope: RopeHalf},

	sizes: (*reader).stretch,
}

// hunyuanMoE has experts in every layer, beside one that all positions share.
var hunyuanMoE = Arch{
	Name:       "hunyuan-moe",
	Late:       "expert_used_count",
	Classes:    []string{"HunYuanMoEV1ForCausalLM"},
	Vocabulary: Vocabulary{Fixed: []FixedToken{{"bos_token_id", 127959}}},
	Defaults:   map[string]Defaults{"": {Keys: hunyuanKeys.and(Keys{"moe_topk": 1, "num_shared_expert": 1})}},
	Only:       hunyuanOnly,
	Params: slices.Concat([]Param{
		u32("expert_shared_feed_forward_length", sharedFF),
		u32("expert_feed_forward_length", expertFF),
		u32("expert_used_count", func(h Hyper, _ int) int { return h.MoE.Used }),
		always("expert_shared_count", func(h Hyper, _ int) int { return h.MoE.Shared }),
	}, stretched),
	Tensors: slices.Concat(trunk, attention(unmoved), hunyuanNorms,
		router("mlp.gate.wg"), perExpert, fusedExperts, mlp("mlp.shared_mlp", "_shexp", sharedFF)),
	Ignore: []string{inverseFrequencies},
	Graph:  Graph{Layer: decoder(normedBehind), Router: Router{Score: SoftmaxScore, Normalize: true}},
	Source: hunyuanDense.Source,
	File:   hunyuanDense.File,
	Views:  fusedViews,

	sizes: func(c *reader, h *Hyper) {
		m := &h.MoE
		m.Experts, m.Used, m.Normalize = c.need("num_experts"), c.uniform("moe_topk"), true
		m.Shared, m.SharedFF = c.uniform("num_shared_expert"), c.need("intermediate_size")
		c.stretch(h)
	},
}

var (
	hunyuanKeys = Keys{"max_position_embeddings": 2048, "rms_norm_eps": 1e-5, "rope_theta": 1e4}
	hunyuanOnly = Keys{"attention_bias": false} // llama.cpp does not load the bias of the output
)

// hunyuanNorms scale query and key heads.
var hunyuanNorms = []Tensor{
	{Source: "model.layers.{i}.self_attn.query_layernorm.weight", Target: "blk.{i}.attn_q_norm.weight", Shape: []Dim{headDim}},
	{Source: "model.layers.{i}.self_attn.key_layernorm.weight", Target: "blk.{i}.attn_k_norm.weight", Shape: []Dim{headDim}},
}

func normedBehind(h Hyper, _ int, l *Layer) {
	l.Mixer.(*Attention).HeadNorm = HeadNorm{Over: EachHead, After: true, Eps: h.Eps}
}

// stretch folds alpha, which Hunyuan calls dynamic, into the base. It was
// trained with a context that follows from no key.
func (c *reader) stretch(h *Hyper) {
	p := c.sub("rope_scaling", "rope_parameters")
	alpha := p.amount("alpha")
	c.keepOf(p)
	if h.Rope.Scaling != "dynamic" || alpha == 0 {
		return
	}
	dim := float64(h.HeadDim)
	h.Context = 256 << 10
	h.Rope = Rope{Base: h.Rope.Base * math.Pow(alpha, dim/(dim-2)), Dim: h.Rope.Dim, Factor: 1, OriginalContext: h.Context}
}

// stretched are what the file says of it.
var stretched = []Param{
	{Key: "rope.scaling.type", From: func(h Hyper) (any, bool) { return "none", h.isStretched() }},
	{Key: "rope.scaling.factor", From: func(h Hyper) (any, bool) { return float32(1), h.isStretched() }},
	{Key: "rope.scaling.original_context_length", From: func(h Hyper) (any, bool) { return uint32(h.Rope.OriginalContext), h.isStretched() }},
}

func (h Hyper) isStretched() bool { return h.Rope.Scaling == "" && h.Rope.Factor == 1 }
