package arch

import "slices"

// chatglm serves GLM 4 of 2024, under the names of transformers and those of
// ChatGLM 2 and 3: Llama's decoder with biases of queries, keys and values, and
// half of each head rotated. Files say no more of it than the old
// configuration, whose names the reference converter looks for.
var chatglm = Arch{
	Name:    "chatglm",
	Classes: []string{"GlmForCausalLM", "ChatGLMModel", "ChatGLMForConditionalGeneration"},
	Strip:   []string{"transformer."},
	Vocabulary: Vocabulary{
		Writer: JSONFirst, Roles: []Role{{"eos", "<|endoftext|>"}, {"eot", "<|user|>"}, {"unk", "<|endoftext|>"}}, RankedPre: "chatglm-bpe", AfterPre: "chatglm-spm",
		After: []string{"[MASK]", "[gMASK]", "[sMASK]", "sop", "eop", "<|system|>", "<|user|>", "<|assistant|>", "<|observation|>"},
	},
	Rename: []string{
		"encoder.layers.", "model.layers.", "self_attention.query_key_value", "self_attn.qkv_proj", "self_attention.dense", "self_attn.o_proj",
		"mlp.dense_h_to_4h", "mlp.gate_up_proj", "mlp.dense_4h_to_h", "mlp.down_proj",
		"embedding.word_embeddings", "model.embed_tokens", "encoder.final_layernorm", "model.norm", "output_layer", "lm_head",
	},
	Defaults: map[string]Defaults{
		"": {Keys: Keys{"rope_theta": 1e4, "partial_rotary_factor": 0.5, "layernorm_epsilon": 1e-5}},
		"GlmForCausalLM": {Keys: Keys{
			"max_position_embeddings": 131072, "rms_norm_eps": 1.5625e-07, "rope_theta": 1e4, "num_key_value_heads": 2, "head_dim": 128, "partial_rotary_factor": 0.5,
			"attention_bias": true,
		}},
	},
	Only: Keys{
		"rmsnorm": true, "post_layer_norm": true, "apply_residual_connection_post_layernorm": false, "add_bias_linear": false, "original_rope": true,
		"multi_query_attention": true,
	},
	Common: []string{
		"context_length", "embedding_length", "feed_forward_length", "block_count", "attention.head_count", "attention.head_count_kv", "attention.layer_norm_rms_epsilon",
	},
	Params: slices.Concat([]Param{u32("rope.dimension_count", func(h Hyper, _ int) int { return h.Rope.Dim }), noBOS}, ofCommon("rope.freq_base")),
	Tensors: slices.Concat(trunk, fusedMLP,
		in(func(h Hyper, _ int) bool { return h.Class == "GlmForCausalLM" }, attention(unmoved), attentionBias(unmoved)),
		in(func(h Hyper, _ int) bool { return h.Class != "" && h.Class != "GlmForCausalLM" }, []Tensor{
			{Source: "model.layers.{i}.self_attn.qkv_proj.weight", Target: "blk.{i}.attn_qkv.weight", Shape: []Dim{qkvRows, embed}},
			{Source: "model.layers.{i}.self_attn.qkv_proj.bias", Target: "blk.{i}.attn_qkv.bias", Shape: []Dim{qkvRows}, Optional: true},
			{Source: "model.layers.{i}.self_attn.o_proj.weight", Target: "blk.{i}.attn_output.weight", Shape: []Dim{embed, oCols}},
		})),
	Ignore: []string{inverseFrequencies, "rotary_pos_emb.inv_freq"},
	Graph:  Graph{Layer: decoder(fusedGate)},
	Source: Convention{Rope: RopeInterleaved},
	File:   Convention{Rope: RopeInterleaved},

	sizes: func(c *reader, h *Hyper) {
		h.HasHeadDim = false
		h.FF, h.KVHeads, h.Context = first(h.FF, c.int("ffn_hidden_size")), first(c.int("multi_query_group_num"), h.KVHeads), first(h.Context, c.int("seq_length"))
		h.Rope.Base *= orOne(c.amount("rope_ratio"))
		if h.Eps == 0 {
			h.Eps = c.amount("layernorm_epsilon")
		}
	},
}
