package arch

import "slices"

// deepseek4 serves DeepSeek V4, as published: attention over a window and over
// compressed older positions, hyper-connections in place of residual sums,
// and experts in 4 bits. Every matrix keeps the type of the checkpoint, in
// the form that the file has for it, whatever type is asked for. The layers
// for multi-token prediction are dropped.
var deepseek4 = Arch{
	Name:          "deepseek4",
	Classes:       []string{"DeepseekV4ForCausalLM"},
	KeepsTypes:    true,
	EarlyTemplate: true,
	First: [][]string{
		{"blk.{i}.ffn_gate_tid2eid.weight"},
		{"blk.{i}.ffn_gate_exps.weight", "blk.{i}.ffn_down_exps.weight", "blk.{i}.ffn_up_exps.weight"},
	},
	Defaults: map[string]Defaults{"": {Keys: Keys{
		"max_position_embeddings": 1048576, "rms_norm_eps": 1e-6, "rope_theta": 1e4, "compress_rope_theta": 160000.0, "sliding_window": 128,
		"num_key_value_heads": 1, "head_dim": 512, "q_lora_rank": 1024, "o_groups": 8, "o_lora_rank": 1024, "hc_mult": 4, "hc_sinkhorn_iters": 20, "hc_eps": 1e-6,
		"index_n_heads": 64, "index_head_dim": 128, "index_topk": 512, "moe_intermediate_size": 2048, "n_routed_experts": 256, "n_shared_experts": 1,
		"num_experts_per_tok": 6, "num_hash_layers": 3, "norm_topk_prob": true, "routed_scaling_factor": 1.5, "scoring_func": "sqrtsoftplus", "swiglu_limit": 10.0,
	}}},
	Params: []Param{
		u32("rope.dimension_count", func(h Hyper, _ int) int { return h.Rope.Dim }),
		u32("attention.q_lora_rank", queryRank),
		u32("attention.sliding_window", func(h Hyper, _ int) int { return h.Compress.Window }),
		u32("expert_feed_forward_length", expertFF),
		u32("expert_shared_count", func(h Hyper, _ int) int { return h.MoE.Shared }),
		f32("expert_weights_scale", func(h Hyper) float64 { return h.MoE.Scale }),
		{Key: "expert_weights_norm", From: func(h Hyper) (any, bool) { return h.MoE.Normalize, true }},
		{Key: "swiglu_clamp_exp", From: clamps},
		{Key: "swiglu_clamp_shexp", From: clamps},
		u32("attention.indexer.head_count", indexHeads),
		u32("attention.indexer.key_length", indexDim),
		u32("attention.indexer.top_k", func(h Hyper, _ int) int { return h.Index.TopK }),
		u32("attention.output_group_count", func(h Hyper, _ int) int { return h.Compress.OutGroups }),
		u32("attention.output_lora_rank", func(h Hyper, _ int) int { return h.Compress.OutRank }),
		{Key: "attention.compress_ratios", From: func(h Hyper) (any, bool) {
			ratios := make([]int32, len(h.Compress.Ratios))
			for i, n := range h.Compress.Ratios {
				ratios[i] = int32(n)
			}
			return ratios, true
		}},
		f32("attention.compress_rope_freq_base", func(h Hyper) float64 { return h.Compress.RopeBase }),
		u32("hyper_connection.count", func(h Hyper, _ int) int { return h.Streams.Count }),
		u32("hyper_connection.sinkhorn_iterations", func(h Hyper, _ int) int { return h.Streams.Iterations }),
		f32("hyper_connection.epsilon", func(h Hyper) float64 { return h.Streams.Eps }),
		always("hash_layer_count", func(h Hyper, _ int) int { return h.MoE.HashLayers }),
		u32("embedding_length_out", allStreams),
	},
	Tensors: slices.Concat([]Tensor{
		{Source: "embed.weight", Target: "token_embd.weight", Shape: []Dim{vocab, embed}},
		{Source: "norm.weight", Target: "output_norm.weight", Shape: []Dim{embed}},
		{Source: "head.weight", Target: "output.weight", Shape: []Dim{vocab, embed}},
		{Source: "hc_head_fn", Target: "output_hc_fn.weight", Shape: []Dim{streams, allStreams}},
		{Source: "hc_head_base", Target: "output_hc_base.weight", Shape: []Dim{streams}},
		{Source: "hc_head_scale", Target: "output_hc_scale.weight", Shape: []Dim{one}},
		{Source: "layers.{i}.attn_norm.weight", Target: "blk.{i}.attn_norm.weight", Shape: []Dim{embed}},
		{Source: "layers.{i}.ffn_norm.weight", Target: "blk.{i}.ffn_norm.weight", Shape: []Dim{embed}},
	}, connection("attn"), connection("ffn"), []Tensor{
		{Source: "layers.{i}.attn.attn_sink", Target: "blk.{i}.attn_sinks.weight", Shape: []Dim{heads}},
		{Source: "layers.{i}.attn.wq_a.weight", Target: "blk.{i}.attn_q_a.weight", Shape: []Dim{queryRank, embed}},
		{Source: "layers.{i}.attn.q_norm.weight", Target: "blk.{i}.attn_q_a_norm.weight", Shape: []Dim{queryRank}},
		{Source: "layers.{i}.attn.wq_b.weight", Target: "blk.{i}.attn_q_b.weight", Shape: []Dim{qRows, queryRank}},
		{Source: "layers.{i}.attn.wkv.weight", Target: "blk.{i}.attn_kv.weight", Shape: []Dim{headDim, embed}},
		{Source: "layers.{i}.attn.kv_norm.weight", Target: "blk.{i}.attn_kv_a_norm.weight", Shape: []Dim{headDim}},
		{Source: "layers.{i}.attn.wo_a.weight", Target: "blk.{i}.attn_output_a.weight", Shape: []Dim{outRows, outColumns}},
		{Source: "layers.{i}.attn.wo_b.weight", Target: "blk.{i}.attn_output_b.weight", Shape: []Dim{embed, outRows}},
	},
		in(pairwise, compressor("attn.compressor", "attn_compressor", overlapping, twice(headDim), headDim)),
		in(apart, compressor("attn.compressor", "attn_compressor", separate, headDim, headDim)),
		in(pairwise, compressor("attn.indexer.compressor", "indexer_compressor", overlapping, twice(indexDim), indexDim), []Tensor{
			{Source: "layers.{i}.attn.indexer.wq_b.weight", Target: "blk.{i}.indexer.attn_q_b.weight", Shape: []Dim{indexRows, queryRank}},
			{Source: "layers.{i}.attn.indexer.weights_proj.weight", Target: "blk.{i}.indexer.proj.weight", Shape: []Dim{indexHeads, embed}},
		}),
		[]Tensor{
			{Source: "layers.{i}.ffn.gate.weight", Target: "blk.{i}.ffn_gate_inp.weight", Shape: []Dim{experts, embed}},
			{Source: "layers.{i}.ffn.gate.bias_vl", Target: "blk.{i}.exp_probs_b_vl.bias", Shape: []Dim{experts}, Optional: true},
			{Source: "layers.{i}.ffn.gate.bias", Target: "blk.{i}.exp_probs_b.bias", Shape: []Dim{experts}, Where: ranked},
			{Source: "layers.{i}.ffn.gate.bias", Shape: []Dim{experts}, Where: hashed, Optional: true}, // of no use there
			{Source: "layers.{i}.ffn.gate.tid2eid", Target: "blk.{i}.ffn_gate_tid2eid.weight", Shape: []Dim{vocab, used}, Ops: ops(Integers), Where: hashed},
		},
		weights("ffn.experts.{e}", "_exps", expertFF), weights("ffn.shared_experts", "_shexp", sharedFF),
	),
	Ignore: append([]string{"mtp.*", "aligner.*", "image_*"}, otherModalities...),
	Graph: Graph{
		Layer: compressedLayer, Output: func(h Hyper) Output {
			o := output(h)
			o.Streams = &h.Streams
			return o
		},
		Router: Router{Score: SqrtSoftplusScore, Normalize: true},
	},
	Source: Convention{Rope: RopeInterleaved},
	File:   Convention{Rope: RopeInterleaved},

	losses: []lossRule{func(_ *reader, _ Arch, h Hyper) (l Loss) {
		if !h.MoE.Normalize {
			l.Text = "norm_topk_prob is false: the model's weights of experts sum to 1 all the same, llama.cpp's do not: its results differ from the model's"
		}
		return l
	}},
	sizes: (*reader).compressed,
	fromConfig: func(_ *reader, h *Hyper) {
		h.Meaning.Router = Router{Used: h.MoE.Used, Score: SqrtSoftplusScore, Normalize: true, Scale: h.MoE.Scale}
	},
}

// compressedLayer is a layer of attention over compressed positions. Only those
// are made for long contexts; the attention gets no sharper there unless the
// model says so.
func compressedLayer(h Hyper, layer int) Layer {
	l := decoder()(h, layer)
	c, ratio := h.Compress, h.Compress.Ratio(layer)
	a := &CompressedAttention{
		Attention: *l.Mixer.(*Attention), QueryRank: h.MLA.QueryRank, Ratio: ratio, Overlap: ratio == Overlapping,
		OutGroups: c.OutGroups, OutRank: c.OutRank, NormEps: h.Eps,
	}
	a.Sinks, a.KeyIsValue, a.Mask.Window = true, true, c.Window
	a.ValueDim = a.Dim
	rotation := h.Meaning.Rotation
	rotation.Magnitude = first(h.Rope.AttnFactor, 1)
	if ratio == 0 {
		rotation = Rotation{Dim: rotation.Dim, Base: rotation.Base, Magnitude: 1, Factors: rotation.Factors}
	} else {
		rotation.Base = c.RopeBase
	}
	a.Rope = &rotation
	if a.Overlap {
		a.Index = &Indexer{Heads: h.Index.Heads, Dim: h.Index.Dim, TopK: h.Index.TopK}
	}
	l.Mixer, l.Streams = a, &h.Streams
	return l
}

// connection mixes the parallel residual streams before and after a part of a
// layer.
func connection(part string) []Tensor {
	source, target := "layers.{i}.hc_"+part, "blk.{i}.hc_"+part
	return []Tensor{
		{Source: source + "_fn", Target: target + "_fn.weight", Shape: []Dim{mixes, allStreams}},
		{Source: source + "_base", Target: target + "_base.weight", Shape: []Dim{mixes}},
		{Source: source + "_scale", Target: target + "_scale.weight", Shape: []Dim{three}},
	}
}

// compressor makes one key of several positions.
func compressor(source, target string, positions, width, dim Dim) []Tensor {
	source, target = "layers.{i}."+source, "blk.{i}."+target
	return []Tensor{
		{Source: source + ".wkv.weight", Target: target + "_kv.weight", Shape: []Dim{width, embed}},
		{Source: source + ".wgate.weight", Target: target + "_gate.weight", Shape: []Dim{width, embed}},
		{Source: source + ".ape", Target: target + "_ape.weight", Shape: []Dim{positions, width}},
		{Source: source + ".norm.weight", Target: target + "_norm.weight", Shape: []Dim{dim}},
	}
}

// weights is the gated feed-forward network under V4's names.
func weights(source, target string, width Dim) []Tensor {
	source = "layers.{i}." + source
	return []Tensor{
		{Source: source + ".w1.weight", Target: "blk.{i}.ffn_gate" + target + ".weight", Shape: []Dim{width, embed}},
		{Source: source + ".w2.weight", Target: "blk.{i}.ffn_down" + target + ".weight", Shape: []Dim{embed, width}},
		{Source: source + ".w3.weight", Target: "blk.{i}.ffn_up" + target + ".weight", Shape: []Dim{width, embed}},
	}
}
