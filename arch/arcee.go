package arch

import "slices"

// arcee serves AFM: Llama's decoder with squared rectifiers in place of gates.
var arcee = Arch{
	Name:       "arcee",
	Classes:    []string{"ArceeForCausalLM"},
	Vocabulary: llamaVocabulary,
	Defaults: map[string]Defaults{"": {Keys: Keys{
		"max_position_embeddings": 4096, "rms_norm_eps": 1e-5, "rope_theta": 1e4,
	}, StatesHead: true}},
	Params: slices.Concat([]Param{poolingType}, llamaParams),
	Tensors: slices.Concat(trunk, attention(permuted), attentionBias(permuted), outputBias,
		mayLack(slices.Concat(
			affine("model.layers.{i}.mlp.up_proj", "blk.{i}.ffn_up", ff, embed),
			affine("model.layers.{i}.mlp.down_proj", "blk.{i}.ffn_down", embed, ff),
		))),
	Ignore: []string{inverseFrequencies},
	Extra:  llamaExtra,
	Graph:  Graph{Activation: ReLUSquared, Layer: decoder(ungated)},
	Source: Convention{Rope: RopeHalf},
	File:   Convention{Rope: RopeInterleaved},
}
