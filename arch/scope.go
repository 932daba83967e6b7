package arch

// quantities are what formulas find of every model, by the names of config.json
// whichever synonym a model has, and of a file alike.
var quantities = map[string]Dim{
	"hidden_size": embed, "intermediate_size": ff, "vocab_size": vocab, "max_position_embeddings": positions, "type_vocab_size": tokenTypes,
	"num_hidden_layers":   func(h Hyper, _ int) int { return h.Layers },
	"num_attention_heads": heads, "num_key_value_heads": keyHeads, "head_dim": headDim, "v_head_dim": valueDim,
	"num_experts": experts, "moe_intermediate_size": expertFF, "shared_expert_intermediate_size": sharedFF,
	"num_experts_per_tok": func(h Hyper, _ int) int { return h.MoE.Used },
}

// scopeOf is what formulas find of a model, in a layer where they are of one:
// its sizes, the architecture's own parameters and keys of config.json.
func scopeOf(h Hyper, layer int) scope {
	return func(name string) (any, bool) {
		if size, ok := quantities[name]; ok {
			return float64(size(h, max(layer, 0))), true
		}
		switch {
		case name == "layer" && layer >= 0:
			return float64(layer), true
		case name == "rms_norm_eps":
			return h.Eps, true
		case name == "layer_norm_eps":
			return h.LayerEps, true
		}
		if value, ok := h.Values[name]; ok {
			return value, true
		}
		value, ok := h.Stated[name]
		return value, ok
	}
}

// given returns what a configuration or its class has under a key.
func (c *reader) given(key string) (any, bool) {
	layer, key, ok := c.find([]string{key})
	if !ok {
		return nil, false
	}
	return layer.Value(key)
}
