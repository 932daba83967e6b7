package arch

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/hf"
)

// reader puts around a configuration what its class takes whatever that says,
// and what it assumes.
func (a Arch) reader(config hf.Config, class string) (*reader, Defaults) {
	c := newReader(config)
	assumed := a.assumed(class, c.string("model_type"))
	c.assumed = assumed.Keys.config()
	if assumed.Always != nil {
		c.layers = append([]hf.Config{assumed.Always.config()}, c.layers...)
	}
	return c, assumed
}

// FromConfig reads the hyperparameters of a checkpoint from its config.json.
// Synonyms of keys and the spellings of transformers 4 and 5 are understood;
// keys of a text_config go before those of the root. A missing or invalid key
// that the model cannot do without is an error.
func FromConfig(config hf.Config) (Hyper, error) {
	a, err := Of(config)
	if err != nil {
		return Hyper{}, err
	}
	class, err := Class(config)
	if err != nil {
		return Hyper{}, err
	}
	c, assumed := a.reader(config, class)
	h := Hyper{
		Class:    class,
		Arch:     a.Name,
		Layers:   c.need("num_hidden_layers", "n_layers", "n_layer", "num_layers"),
		Context:  c.int("max_position_embeddings", "n_ctx", "n_positions", "max_length", "max_sequence_length", "model_max_length"),
		Embed:    c.need("hidden_size", "n_embd", "n_embed", "d_model", "dim"),
		Heads:    c.int("num_attention_heads", "n_head", "n_heads"),
		KVHeads:  c.int("num_key_value_heads", "n_kv_heads"),
		HeadDim:  c.int("head_dim"),
		Vocab:    c.need("vocab_size", "padded_vocab_size"),
		Eps:      c.amount("rms_norm_eps", "norm_eps"),
		LayerEps: c.amount("layer_norm_eps", "layer_norm_epsilon", "norm_epsilon"),
		Tied:     c.bool("tie_embedding", "tie_word_embeddings"),
	}
	h.FF, h.ByLayer.FF = c.byLayer("prefix_dense_intermediate_size", "dense_intermediate_size", "intermediate_size", "n_inner", "hidden_dim")
	h.TokenTypes = c.int("type_vocab_size")
	h.Untied = c.states("tie_embedding", "tie_word_embeddings") && !h.Tied && strings.HasSuffix(class, "ForCausalLM")
	if mlp := c.int("intermediate_size_mlp"); mlp != 0 { // Llama 4's other names
		h.FF = mlp
	}
	h.Deepstack = len(c.ints("vision_config.deepstack_visual_indexes"))
	h.Pictures = c.pictures(h.Layers)
	h.Layers -= len(h.Pictures)
	h.DroppedLayers = c.int("num_nextn_predict_layers")
	h.Index = Index{
		Heads: c.int("index_n_heads"), Dim: c.int("index_head_dim"), TopK: c.int("index_topk"),
		StatesPredictions: c.has("num_nextn_predict_layers"),
	}
	h.MoE = c.experts()
	c.nativeExperts(&h.MoE)
	if c.err != nil {
		return Hyper{}, c.err
	}
	if c.attention(&h, a, assumed); c.err != nil {
		return Hyper{}, c.err
	}
	h.TemperatureScale = first(c.sub("rope_scaling", "rope_parameters").float("llama_4_scaling_beta"), c.sub("llama_4_scaling").float("beta"))
	if c.has("kv_lora_rank") {
		c.latent(&h)
	}
	if a.sizes != nil {
		a.sizes(c, &h)
	}
	h.MoE.FF = first(h.MoE.FF, h.FF)
	for layer := range min(h.Layers, mostLayers) {
		if a.StateSpace {
			break
		}
		if width := h.FF; width == 0 && !h.MoE.In(layer) || h.MoE.FF == 0 && h.MoE.In(layer) {
			c.keep(c.place("intermediate_size").Corrupt(" is missing or 0"))
		}
	}
	if c.has("linear_num_value_heads") {
		h.Delta = c.delta(h.Layers)
	}
	c.only(a.Only)
	c.own(&h, a.Params)
	c.meaning(&h, a, assumed)
	if c.err != nil {
		return Hyper{}, c.err
	}
	return h, h.check(func(key, _ string) fault.Place { return c.place(key) })
}

// attention reads the heads and their rotation.
func (c *reader) attention(h *Hyper, a Arch, assumed Defaults) {
	if a.StateSpace {
		h.Heads, h.KVHeads, h.HeadDim = 0, 0, 0 // keys of these names say something else
		return
	}
	h.Heads = c.need("num_attention_heads", "n_head", "n_heads")
	h.HasHeadDim = h.HeadDim != 0 || assumed.StatesHead
	h.HasKVHeads = h.KVHeads != 0 || !assumed.AsStated
	h.KVHeads = first(h.KVHeads, h.Heads)
	h.HeadDim = first(h.HeadDim, h.Embed/h.Heads)
	h.ValueDim = h.HeadDim
	h.Rope = c.rope(*h)
}

// experts reads the mixture of experts.
func (c *reader) experts() MoE {
	m := MoE{
		Experts:      c.int("num_local_experts", "num_experts", "n_routed_experts"),
		Used:         c.int("num_experts_per_tok", "num_experts_per_token", "top_k_experts"),
		StatesFF:     c.has("moe_intermediate_size"),
		FF:           c.uniform("moe_intermediate_size"),
		Shared:       c.int("n_shared_experts"),
		SharedFF:     c.int("shared_expert_intermediate_size"),
		Groups:       c.int("n_group"),
		GroupsUsed:   c.int("topk_group"),
		Scale:        c.float("routed_scaling_factor"),
		Normalize:    c.bool("norm_topk_prob"),
		LeadingDense: c.int("first_k_dense_replace"),
		Step:         c.int("interleave_moe_layer_step", "decoder_sparse_step"),
		DenseOnly:    c.ints("mlp_only_layers"),
	}
	if m.FF == 0 {
		m.FF, _ = c.byLayer("intermediate_size", "hidden_dim")
	}
	m.SharedFF = first(m.SharedFF, m.Shared*m.FF)
	if kinds := c.strings("mlp_layer_types"); len(kinds) > 0 {
		m.Listed = each(len(kinds), func(i int) bool { return kinds[i] != "dense" })
	}
	keys := []string{"score_function", "scoring_func", "score_func", "moe_router_activation", "moe_router_activation_func", "expert_selection_fn"}
	switch f := c.string(keys...); f {
	case "":
	case "softmax":
		m.Gating = Softmax
	case "sigmoid", "noaux_tc": // dots.llm1's name for it
		m.Gating = Sigmoid
	case "sqrtsoftplus":
		m.Gating = SqrtSoftplus
	default:
		c.keep(c.place(keys...).Unsupported("unsupported scoring function of experts %q", f))
	}
	return m
}

// latent reads multi-head latent attention. head_dim is that of the rotated
// part there.
func (c *reader) latent(h *Hyper) {
	h.MLA = MLA{QueryRank: c.int("q_lora_rank"), KVRank: c.need("kv_lora_rank"), NopeDim: c.need("qk_nope_head_dim")}
	h.Rope.Dim = c.need("qk_rope_head_dim")
	h.HeadDim = h.MLA.NopeDim + h.Rope.Dim
	if h.ValueDim = h.Embed / max(h.Heads, 1); c.has("v_head_dim") {
		h.ValueDim = c.need("v_head_dim")
	}
	h.HasHeadDim = true
}

// only refuses values of keys that the graph does not have.
func (c *reader) only(values Keys) {
	want := values.config()
	for _, key := range slices.Sorted(maps.Keys(values)) {
		layer, _, ok := c.stated([]string{key})
		if !ok {
			continue
		}
		got, _ := layer.Value(key)
		if value, _ := want.Value(key); !sameValue(got, value) {
			c.keep(layer.At("arch", key).Unsupported("%v is not supported, only %v is", got, value))
		}
	}
}

// sameValue compares two values of JSON; 1.0 is 1.
func sameValue(a, b any) bool {
	x, err := strconv.ParseFloat(fmt.Sprint(a), 64)
	y, other := strconv.ParseFloat(fmt.Sprint(b), 64)
	return err == nil && other == nil && x == y || fmt.Sprint(a) == fmt.Sprint(b)
}

// rope reads the rotary embedding: rope_scaling beside rope_theta, as
// transformers 4 writes it, or rope_parameters, as version 5 does; the
// parameters of full attention where layers differ.
func (c *reader) rope(h Hyper) Rope {
	p := c.sub("rope_scaling", "rope_parameters")
	if full := p.sub("full_attention"); len(full.layers) > 0 {
		p = full
	}
	r := Rope{
		Base:            first(p.amount("rope_theta"), c.ofLayers(false, "global_rope_theta", "rope_global_theta", "rope_theta_global", "rope_theta", "rotary_emb_base")),
		Scaling:         p.string("rope_type", "type"),
		Factor:          p.amount("factor"),
		OriginalContext: p.int("original_max_position_embeddings"),
		LowFreqFactor:   p.float("low_freq_factor"),
		HighFreqFactor:  p.float("high_freq_factor"),
		BetaFast:        p.float("beta_fast"),
		BetaSlow:        p.float("beta_slow"),
		AttnFactor:      p.float("attention_factor", "attn_factor"),
		ExtFactor:       p.float("extrapolation_factor"),
		MScale:          p.float("mscale"),
		MScaleAllDim:    p.float("mscale_all_dim"),
		Exact:           p.has("truncate") && !p.bool("truncate"),
	}
	proportional := false
	switch kind := strings.ToLower(r.Scaling); kind {
	case "", "linear", "dynamic", "yarn", "longrope":
	case "default", "mrope":
		r.Scaling = ""
	case "proportional":
		r.Scaling, proportional = "", true
		if r.Factor > 1 {
			c.keep(p.place("factor").Unsupported("a factor of %v is not supported where a part of the pairs turns", r.Factor))
		}
	case "su":
		r.Scaling = "longrope"
	case "llama3":
		r.Scaling = kind
		r.Factor = first(r.Factor, 8)
		r.LowFreqFactor = first(r.LowFreqFactor, 1)
		r.HighFreqFactor = first(r.HighFreqFactor, 4)
	default:
		c.keep(p.place("rope_type", "type").Unsupported("unsupported type %q", r.Scaling))
	}
	if r.Scaling != "" {
		r.OriginalContext = first(r.OriginalContext, c.int("original_max_position_embeddings"), h.Context)
	}
	r.LocalBase = first(c.sub("rope_parameters").sub("sliding_attention").float("rope_theta"), c.float("rope_local_base_freq", "local_rope_theta"))
	r.Sections = p.ints("mrope_section")
	r.Dim = h.HeadDim
	if part := first(p.float("partial_rotary_factor"), c.float("partial_rotary_factor", "rope_pct", "rope_percent", "rotary_pct")); proportional {
		r.Share = part
	} else if part != 0 {
		r.Dim = int(float64(h.HeadDim) * part)
	}
	c.keepOf(p)
	c.nativeYarnOf(&r)
	return r
}

// own reads the parameters that an architecture alone has.
func (c *reader) own(h *Hyper, params []Param) {
	for _, p := range params {
		if p.Config == nil && p.compute == nil {
			continue
		}
		value := p.Default
		if p.compute != nil {
			value = p.compute(c, *h)
		} else if c.has(p.Config...) && p.Truth {
			value = oneIf(c.bool(p.Config...))
		} else if c.has(p.Config...) {
			value = c.float(p.Config...)
		} else if c.null(p.Config...) {
			value = 0
		}
		h.set(p.Key, value)
	}
}
