package arch

import (
	"slices"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/hf"
)

// FromGGUF reads the hyperparameters of a file from its key-values, with the
// defaults that llama.cpp's loader applies to keys that are left out. Whether
// the output matrix is the embedding shows in the tensors, not here.
func FromGGUF(kvs gguf.KVs) (Hyper, error) {
	a, err := OfFile(kvs, hf.Reading{})
	if err != nil {
		return Hyper{}, err
	}
	return a.FromGGUF(kvs)
}

// FromGGUF does so of a file of the architecture.
func (a Arch) FromGGUF(kvs gguf.KVs) (Hyper, error) {
	g := fileReader{kvs: kvs, prefix: a.Name + "."}
	h := Hyper{
		Arch:     a.Name,
		Layers:   g.need("block_count"),
		Context:  g.int("context_length"),
		Embed:    g.need("embedding_length"),
		Vocab:    g.int("vocab_size"),
		Eps:      g.amount("attention.layer_norm_rms_epsilon"),
		LayerEps: g.amount("attention.layer_norm_epsilon"),
	}
	h.FF, h.ByLayer.FF = g.byLayer("feed_forward_length")
	if !a.StateSpace {
		g.attention(&h)
	}
	if tokens, ok := kvs.Strings("tokenizer.ggml.tokens"); ok && h.Vocab == 0 {
		h.Vocab = len(tokens)
	}
	if n, ok := kvs.Uint("tokenizer.ggml.token_type_count"); ok && n <= longest {
		h.TokenTypes = int(n)
	}
	h.Deepstack = g.int("n_deepstack_layers")
	h.TemperatureScale = g.float("attention.temperature_scale")
	h.MoE = g.experts(h)
	h.MoE.Normalize = h.MoE.Normalize || a.Graph.Router.Normalize && h.MoE.Experts > 0
	g.latent(&h, a)
	g.compressed(&h)
	h.MTPLayers = g.int("nextn_predict_layers")
	h.Layers -= h.MTPLayers
	h.Index = Index{Heads: g.int("attention.indexer.head_count"), Dim: g.int("attention.indexer.key_length"), TopK: g.int("attention.indexer.top_k")}
	if sections, ok := kvs.Ints(g.prefix + "rope.dimension_sections"); ok {
		for _, n := range sections {
			h.Rope.Sections = append(h.Rope.Sections, int(n))
		}
	}
	g.own(&h, a.Params)
	g.meaning(&h, a)
	if g.err != nil {
		return Hyper{}, g.err
	}
	if h.Layers < 1 {
		return Hyper{}, g.place("nextn_predict_layers").Corrupt(" leaves no layer of %d", h.Layers+h.MTPLayers)
	}
	return h, h.check(func(_, key string) fault.Place { return g.place(key) })
}

// attention reads the heads and their rotation.
func (g *fileReader) attention(h *Hyper) {
	h.Heads, h.ByLayer.Heads = g.byLayer("attention.head_count")
	h.HeadDim = g.int("attention.key_length")
	if h.Heads == 0 {
		h.Heads = g.need("attention.head_count")
	}
	g.keyHeads(h)
	h.HasHeadDim = h.HeadDim != 0
	h.HasKVHeads = h.KVHeads != 0
	h.KVHeads = first(h.KVHeads, h.Heads)
	h.HeadDim = first(h.HeadDim, h.Embed/h.Heads)
	h.ValueDim = first(g.int("attention.value_length"), h.Embed/h.Heads)
	scaling, _ := g.kvs.String(g.prefix + "rope.scaling.type")
	h.Rope = Rope{
		Base:            first(g.amount("rope.freq_base"), 10000),
		LocalBase:       g.float("rope.freq_base_swa"),
		Dim:             first(g.int("rope.dimension_count"), h.HeadDim),
		Scaling:         scaling,
		Factor:          g.amount("rope.scaling.factor"),
		OriginalContext: first(g.int("rope.scaling.original_context_length"), h.Context),
		BetaFast:        g.float("rope.scaling.yarn_beta_fast"),
		BetaSlow:        g.float("rope.scaling.yarn_beta_slow"),
		AttnFactor:      g.float("rope.scaling.yarn_attn_factor"),
		ExtFactor:       g.float("rope.scaling.yarn_ext_factor"),
	}
	if h.Rope.Scaling == "none" {
		h.Rope.Scaling = ""
	}
	h.Rope.MScaleAllDim = g.float("rope.scaling.yarn_log_multiplier")
}

// keyHeads reads the number of key heads: one, or one for each layer. Layers that
// have none are told apart from those that have others.
func (g *fileReader) keyHeads(h *Hyper) {
	const key = "attention.head_count_kv"
	h.KVHeads, h.ByLayer.KVHeads = g.byLayer(key)
	counts, ok := g.kvs.Ints(g.prefix + key)
	attend := slices.DeleteFunc(slices.Clone(counts), func(n int64) bool { return n == 0 })
	if !ok || g.err != nil || len(slices.Compact(slices.Clone(attend))) > 1 {
		return
	}
	if h.KVHeads, h.ByLayer.KVHeads = 0, nil; len(attend) > 0 {
		h.KVHeads = int(attend[0])
	}
	h.Keyless = each(h.Layers, func(i int) bool { return i < len(counts) && counts[i] == 0 })
}

// experts reads the mixture of experts.
func (g *fileReader) experts(h Hyper) MoE {
	m := MoE{
		Experts:      g.int("expert_count"),
		Used:         g.int("expert_used_count"),
		FF:           first(g.int("expert_feed_forward_length"), h.FF),
		Shared:       g.int("expert_shared_count"),
		SharedFF:     g.int("expert_shared_feed_forward_length"),
		Groups:       g.int("expert_group_count"),
		GroupsUsed:   g.int("expert_group_used_count"),
		Gating:       g.int("expert_gating_func"),
		Scale:        g.float("expert_weights_scale"),
		LeadingDense: g.int("leading_dense_block_count"),
		Step:         g.int("interleave_moe_layer_step"),
	}
	m.Normalize, _ = g.kvs.Bool(g.prefix + "expert_weights_norm")
	m.SharedFF = first(m.SharedFF, m.Shared*m.FF)
	return m
}

// latent reads multi-head latent attention, whose file states the sizes of
// the one compressed head and, apart from it, those of the real heads.
func (g *fileReader) latent(h *Hyper, a Arch) {
	h.MLA.KVRank = g.int("attention.kv_lora_rank")
	if h.MLA.KVRank == 0 {
		return
	}
	h.MLA.QueryRank = g.int("attention.q_lora_rank")
	h.KVHeads = h.Heads
	if a.writes("attention.key_length_mla") {
		h.HeadDim = g.need("attention.key_length_mla")
		h.ValueDim = g.need("attention.value_length_mla")
	}
	h.MLA.NopeDim = h.HeadDim - h.Rope.Dim
	h.Rope.MScaleAllDim *= 10 // written as a tenth
}

// own reads the same from a file.
func (g *fileReader) own(h *Hyper, params []Param) {
	for _, p := range params {
		if p.Config == nil && p.compute == nil {
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
