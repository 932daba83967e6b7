package arch

import "slices"

// granite serves the dense models of Granite 3: Llama's decoder with
// multipliers of embedding, scores, branches and logits.
var granite = Arch{
	Name:       "granite",
	Classes:    []string{"GraniteForCausalLM"},
	Vocabulary: llamaVocabulary,
	Defaults:   map[string]Defaults{"": {Keys: Keys{"max_position_embeddings": 2048, "rms_norm_eps": 1e-6, "rope_theta": 1e4}}},
	Params: append(slices.Clip(llamaParams),
		number("attention.scale", 1, "attention_multiplier"),
		number("embedding_scale", 1, "embedding_multiplier"),
		number("residual_scale", 1, "residual_multiplier"),
		number("logit_scale", 1, "logits_scaling"),
	),
	Tensors: slices.Concat(trunk, attention(permuted), attentionBias(permuted), outputBias, mlp("mlp", "", ff), mlpBias),
	Ignore:  []string{inverseFrequencies},
	Extra:   llamaExtra,
	Graph: Graph{
		Input: func(h Hyper) Input { return Input{Scale: h.Value("embedding_scale")} },
		Layer: decoder(func(h Hyper, _ int, l *Layer) {
			l.MixScale, l.FeedScale = h.Value("residual_scale"), h.Value("residual_scale")
		}),
		Output: func(h Hyper) Output {
			o := output(h)
			o.Scale = 1 / orOne(h.Value("logit_scale"))
			return o
		},
	},
	Source: Convention{Rope: RopeHalf},
	File:   Convention{Rope: RopeInterleaved},

	sizes:      func(_ *reader, h *Hyper) { h.HasHeadDim = false }, // the file has no key for it
	fromConfig: func(_ *reader, h *Hyper) { h.Meaning.Scale = h.Value("attention.scale") },
	fromFile:   func(_ *fileReader, h *Hyper) { h.Meaning.Scale = h.Value("attention.scale") },
}
