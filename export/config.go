package export

import (
	"context"
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strconv"

	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/hf"
)

// describe finds the config.json that transformers would read as the file's
// model, and its hyperparameters.
func describe(ctx context.Context, f *gguf.File) (a arch.Arch, h arch.Hyper, config map[string]any, err error) {
	file, err := arch.FromGGUF(f.KVs())
	if err != nil {
		return a, h, nil, err
	}
	var refused error
	for _, a := range arch.All() {
		if a.Name != file.Arch || a.Native {
			continue
		}
		for _, class := range a.Classes {
			base := keys(ctx, f, file, a)
			base["architectures"] = []string{class}
			base["model_type"] = arch.ModelType(class)
			for _, config := range variants(base) {
				h, err := accept(ctx, f, config)
				if err == nil {
					return a, h, config, nil
				}
				if refused == nil {
					refused = fault.Op("export").File(f.Name()).Unsupported("no config.json describes this model: %w", err)
				}
			}
		}
	}
	return a, h, nil, refused
}

// accept reads a config.json that has to mean the model of the file.
func accept(ctx context.Context, f *gguf.File, keys map[string]any) (arch.Hyper, error) {
	text, err := json.Marshal(keys)
	if err != nil {
		return arch.Hyper{}, err
	}
	config, err := hf.ParseConfig(text, "config.json")
	if err != nil {
		return arch.Hyper{}, err
	}
	h, err := arch.FromConfig(config)
	if err != nil {
		return arch.Hyper{}, err
	}
	a, _ := arch.ByClass(h.Class)
	if err := arch.CheckExpressed(a, h, arch.Losses(config, h), f.KVs()); err != nil {
		return arch.Hyper{}, err
	}
	for _, extra := range a.Extra {
		want := extra.Values(h)
		got, err := vector(ctx, f, extra.Target)
		if err != nil {
			return arch.Hyper{}, err
		}
		if !slices.EqualFunc(want, got, func(a, b float32) bool { return math.Abs(float64(a-b)) <= 1e-5*math.Abs(float64(b)) }) {
			return arch.Hyper{}, fault.Op("export").Tensor(extra.Target).Unsupported("its values follow from no config.json")
		}
	}
	return h, nil
}

// variants are a configuration and the same without keys whose presence alone
// means something to some classes.
func variants(base map[string]any) []map[string]any {
	all := []map[string]any{base}
	for _, key := range []string{"moe_intermediate_size", "head_dim"} {
		for _, c := range slices.Clone(all) {
			if _, ok := c[key]; ok {
				less := maps.Clone(c)
				delete(less, key)
				all = append(all, less)
			}
		}
	}
	return all
}

// keys are what the file says, by the keys of config.json.
func keys(ctx context.Context, f *gguf.File, h arch.Hyper, a arch.Arch) map[string]any {
	_, ownHead := f.Lookup("output.weight")
	c := map[string]any{
		"hidden_size":         h.Embed,
		"num_hidden_layers":   h.Layers,
		"num_attention_heads": h.Heads,
		"num_key_value_heads": h.KVHeads,
		"head_dim":            h.HeadDim,
		"tie_word_embeddings": !ownHead,
		"attention_bias":      has(f, "blk.0.attn_q.bias"),
		"mlp_bias":            has(f, "blk.0.ffn_up.bias"),
		"sliding_window":      nil,
	}
	if t, ok := f.Lookup("token_embd.weight"); ok {
		c["vocab_size"] = t.Rows()
	}
	counts := map[string]int{
		"max_position_embeddings": h.Context, "intermediate_size": h.FF, "sliding_window": h.Meaning.Window,
		"num_nextn_predict_layers": h.MTPLayers, "index_n_heads": h.Index.Heads, "index_head_dim": h.Index.Dim, "index_topk": h.Index.TopK,
	}
	if m := h.MoE; m.Experts > 0 {
		maps.Copy(counts, map[string]int{
			"num_local_experts": m.Experts, "num_experts": m.Experts, "n_routed_experts": m.Experts, "num_experts_per_tok": m.Used,
			"moe_intermediate_size": m.FF, "n_shared_experts": m.Shared, "n_group": m.Groups, "topk_group": m.GroupsUsed,
			"first_k_dense_replace": m.LeadingDense, "interleave_moe_layer_step": m.Step,
		})
		c["norm_topk_prob"] = m.Normalize
		if m.Shared == 0 && m.SharedFF > 0 {
			c["shared_expert_intermediate_size"] = m.SharedFF
		}
		if name := scores[h.Meaning.Router.Score]; name != "" {
			c["scoring_func"] = name
		}
		number(c, "routed_scaling_factor", m.Scale)
	}
	if l := h.MLA; l.KVRank > 0 {
		maps.Copy(counts, map[string]int{
			"kv_lora_rank": l.KVRank, "q_lora_rank": l.QueryRank, "qk_nope_head_dim": l.NopeDim, "qk_rope_head_dim": h.Rope.Dim, "v_head_dim": h.ValueDim,
		})
		c["q_lora_rank"] = nil
	}
	if d := h.Delta; d.ValueHeads > 0 {
		maps.Copy(counts, map[string]int{
			"linear_conv_kernel_dim": d.Kernel, "linear_num_key_heads": d.KeyHeads, "linear_num_value_heads": d.ValueHeads,
			"linear_key_head_dim": d.KeyDim, "linear_value_head_dim": d.ValueDim,
		})
		c["layer_types"] = kinds(h.Layers, d.Recurrent, "linear_attention")
	}
	for key, n := range counts {
		if n != 0 {
			c[key] = n
		}
	}
	if h.Meaning.Sliding != nil {
		c["layer_types"] = kinds(h.Layers, h.Meaning.Sliding, "sliding_attention")
	}
	if scale := h.Meaning.Scale; scale != 0 {
		c["query_pre_attn_scalar"] = shortest(math.Round(1e3/(scale*scale)) / 1e3)
	}
	number(c, "rms_norm_eps", h.Eps)
	number(c, "layer_norm_eps", h.LayerEps)
	for _, p := range a.Params {
		if p.Config == nil {
			continue
		}
		if value := h.Value(p.Key); p.Truth {
			c[p.Config[0]] = value != 0
		} else {
			c[p.Config[0]] = shortest(value)
		}
	}
	rope(ctx, c, f, h)
	return c
}

var scores = map[arch.Score]string{arch.SoftmaxScore: "softmax", arch.SigmoidScore: "sigmoid", arch.SqrtSoftplusScore: "sqrtsoftplus"}

// rope adds how positions are rotated.
func rope(ctx context.Context, c map[string]any, f *gguf.File, h arch.Hyper) {
	r := h.Rope
	number(c, "rope_theta", r.Base)
	number(c, "rope_local_base_freq", r.LocalBase)
	if r.Dim != h.HeadDim {
		c["partial_rotary_factor"] = float64(r.Dim) / float64(h.HeadDim)
	}
	scaling := map[string]any{"rope_type": r.Scaling}
	switch {
	case r.Scaling == "linear" || r.Scaling == "yarn":
		for key, value := range map[string]float64{
			"factor": r.Factor, "beta_fast": r.BetaFast, "beta_slow": r.BetaSlow, "attention_factor": r.AttnFactor, "extrapolation_factor": r.ExtFactor,
			"llama_4_scaling_beta": h.TemperatureScale, "mscale": r.MScaleAllDim, "mscale_all_dim": r.MScaleAllDim,
		} {
			number(scaling, key, value)
		}
		if r.Scaling == "yarn" {
			scaling["original_max_position_embeddings"] = r.OriginalContext
		}
	case has(f, "rope_factors_long.weight"):
		scaling["rope_type"] = "longrope"
		for key, name := range map[string]string{"long_factor": "rope_factors_long.weight", "short_factor": "rope_factors_short.weight"} {
			values, err := vector(ctx, f, name)
			if err != nil {
				return
			}
			scaling[key] = each(values)
		}
		c["original_max_position_embeddings"] = r.OriginalContext
	case has(f, "rope_freqs.weight"):
		values, err := vector(ctx, f, "rope_freqs.weight")
		if err != nil {
			return
		}
		scaling = llama3(values, r.Base)
	case r.Sections != nil:
		scaling = map[string]any{"rope_type": "default", "mrope_section": r.Sections[:min(3, len(r.Sections))]}
	default:
		return
	}
	c["rope_scaling"] = scaling
}

// llama3 finds the parameters of Llama 3.1's scaling in what it divides the
// frequencies by: slow ones by the factor itself, fast ones by 1, and between
// them the reciprocals lie on a line over the turns within the original
// context. Where the line begins and ends is taken as the models have it.
func llama3(divisors []float32, base float64) map[string]any {
	const low, high = 1.0, 4.0
	factor, context := float64(slices.Max(append(divisors, 1))), 8192.0
	for j, d := range divisors {
		if d := float64(d); d > 1 && d < factor {
			smooth := (1/d - 1/factor) / (1 - 1/factor)
			wavelength := 2 * math.Pi * math.Pow(base, float64(j)/float64(len(divisors)))
			context = math.Round((low + smooth*(high-low)) * wavelength)
			break
		}
	}
	return map[string]any{
		"rope_type": "llama3", "factor": shortest(factor), "low_freq_factor": low, "high_freq_factor": high, "original_max_position_embeddings": int(context),
	}
}

// kinds names the kind of every layer.
func kinds(layers int, special []bool, name string) []string {
	all := slices.Repeat([]string{"full_attention"}, layers)
	for i := range min(layers, len(special)) {
		if special[i] {
			all[i] = name
		}
	}
	return all
}

func has(f *gguf.File, tensor string) bool {
	_, ok := f.Lookup(tensor)
	return ok
}

// number sets a key unless the value is 0, which stands for none.
func number(c map[string]any, key string, value float64) {
	if value != 0 {
		c[key] = shortest(value)
	}
}

// shortest is the shortest number that rounds to the float32 of the file.
func shortest(value float64) json.Number {
	return json.Number(strconv.FormatFloat(value, 'g', -1, 32))
}

func each(values []float32) []json.Number {
	all := make([]json.Number, len(values))
	for i, v := range values {
		all[i] = shortest(float64(v))
	}
	return all
}
