package arch

import "slices"

// nemotron serves Nemotron 4 and Minitron: layer norms stored without their
// offset of 1, squared rectifiers in place of gates, half of each head
// rotated.
var nemotron = Arch{
	Name:       "nemotron",
	Classes:    []string{"NemotronForCausalLM"},
	Vocabulary: Vocabulary{Fixed: []FixedToken{{"padding_token_id", 0}, {"unknown_token_id", 1}}},
	Defaults: map[string]Defaults{"": {Keys: Keys{
		"max_position_embeddings": 4096, "norm_eps": 1e-5, "rope_theta": 1e4, "partial_rotary_factor": 0.5,
	}, StatesHead: true}},
	Late: "attention.layer_norm_epsilon",
	Params: []Param{
		u32("vocab_size", vocab),
		f32("attention.layer_norm_epsilon", func(h Hyper) float64 { return h.LayerEps }),
		u32("rope.dimension_count", func(h Hyper, _ int) int { return h.Rope.Dim }),
		{Key: "rope.scaling.type", From: func(h Hyper) (any, bool) {
			if s := h.Rope.ggufScaling(); s != "" {
				return s, true
			}
			return "none", true
		}},
	},
	Tensors: slices.Concat([]Tensor{head, tiedHead, embedding},
		offsetNorm("model.layers.{i}.input_layernorm", "blk.{i}.attn_norm"),
		offsetNorm("model.layers.{i}.post_attention_layernorm", "blk.{i}.ffn_norm"),
		offsetNorm("model.norm", "output_norm"),
		attention(unmoved), attentionBias(unmoved), outputBias,
		mayLack(slices.Concat(
			affine("model.layers.{i}.mlp.up_proj", "blk.{i}.ffn_up", ff, embed),
			affine("model.layers.{i}.mlp.down_proj", "blk.{i}.ffn_down", embed, ff),
		))),
	Ignore: []string{inverseFrequencies},
	Graph:  Graph{Activation: ReLUSquared, Layer: decoder(ungated, centered), Output: centeredOutput},
	Source: Convention{Rope: RopeHalf, NormOffset: 1},
	File:   Convention{Rope: RopeHalf},

	sizes: func(_ *reader, h *Hyper) { h.LayerEps = first(h.LayerEps, h.Eps) },
}

// offsetNorm is a layer norm whose weights lack 1.
func offsetNorm(source, target string) []Tensor {
	t := affine(source, target, embed, nil)
	t[0].Ops = offset
	return t
}
