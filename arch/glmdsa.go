package arch

import "slices"

// glmDSA serves GLM 5: DeepSeek V3.2's layers, whose indexers rotate pairs of
// neighbours, and of which some take the choice of keys of the layer before.
var glmDSA = Arch{
	Name:             "glm-dsa",
	Classes:          []string{"GlmMoeDsaForCausalLM"},
	Only:             deepseek2.Only,
	Vocabulary:       glmMoEVocabulary,
	KeepsPredictions: true,
	Defaults: map[string]Defaults{"": {Keys: Keys{
		"max_position_embeddings": 202752, "rms_norm_eps": 1e-5, "rope_theta": 1e4, "q_lora_rank": 2048, "kv_lora_rank": 512, "qk_nope_head_dim": 192,
		"qk_rope_head_dim": 64, "v_head_dim": 256, "first_k_dense_replace": 3, "moe_intermediate_size": 2048, "n_routed_experts": 256,
		"n_shared_experts": 1, "num_experts_per_tok": 8, "n_group": 1, "topk_group": 1, "norm_topk_prob": true, "routed_scaling_factor": 2.5,
		"scoring_func": "sigmoid", "index_n_heads": 32, "index_head_dim": 128, "index_topk": 2048, "index_topk_freq": 1, "index_skip_topk_offset": 2,
	}}},
	Params: slices.Concat(deepseek2.Params, []Param{
		{Key: "nextn_predict_layers", From: func(h Hyper) (any, bool) { return uint32(h.MTPLayers), h.Index.StatesPredictions }},
	}, indexerParams, []Param{
		{Key: indexerTypes, From: func(h Hyper) (any, bool) {
			return each(h.Layers, func(i int) bool { return !at(h.Index.Shared, i, false) }), true
		}},
	}),
	Tensors: slices.Concat(deepseek2.Tensors, in(func(h Hyper, layer int) bool { return !at(h.Index.Shared, layer, false) }, indexer), in(predicts, deepseekPrediction)),
	Ignore:  []string{inverseFrequencies},
	Graph:   Graph{Layer: decoder(latent), Router: Router{Score: SigmoidScore}},
	Source:  deepseek2.Source,
	File:    deepseek2.File,
	Views:   deepseek2.Views,

	losses:     []lossRule{linearSharpens},
	fromConfig: deepseek2.fromConfig,
	sizes: func(c *reader, h *Hyper) {
		h.Index.Paired = true
		h.Index.Shared = c.sharedIndexers(h.Layers)
		if at(h.Index.Shared, 0, false) {
			c.keep(c.place("indexer_types").Corrupt("the first layer has no indexer before it to share"))
		}
		if kinds := h.MoE.Listed; kinds != nil {
			h.MoE.LeadingDense = max(slices.Index(kinds, true), 0)
		}
	},
	fromFile: func(g *fileReader, h *Hyper) {
		h.Index.Paired = true
		if full, ok := g.kvs.Bools(g.prefix + indexerTypes); ok {
			h.Index.Shared = each(h.Layers, func(i int) bool { return !at(full, i, true) })
		} else if h.Context >= 1<<20 { // GLM 5.2, before files said so
			h.Index.Shared = sharedEvery(4, 3, h.Layers)
		}
	},
}

const indexerTypes = "attention.indexer.types"

// sharedIndexers tells which layers have no indexer of their own: by name, by
// letter, or all but every so many.
func (c *reader) sharedIndexers(layers int) []bool {
	if kinds := c.strings("indexer_types"); len(kinds) > 0 {
		return each(layers, func(i int) bool { return i < len(kinds) && kinds[i] == "shared" })
	}
	if letters := c.string("index_topk_pattern"); letters != "" {
		return each(layers, func(i int) bool { return i < len(letters) && letters[i] == 'S' })
	}
	return sharedEvery(max(c.int("index_topk_freq"), 1), c.int("index_skip_topk_offset"), layers)
}

// sharedEvery leaves one indexer in so many layers, after the first.
func sharedEvery(n, offset, layers int) []bool {
	return each(layers, func(i int) bool { return max(i-offset+1, 0)%n != 0 })
}
