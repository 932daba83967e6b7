package arch

import (
	"fmt"
	"math"
	"slices"
)

// gemma3n serves the text models of Gemma 3n: Gemma 4's small layers with
// several residual streams, a low-rank branch beside attention, and gates of
// which most are cut off in the first layers. All heads are of one size.
var gemma3n = Arch{
	Name:       "gemma3n",
	Classes:    []string{"Gemma3nForCausalLM", "Gemma3nForConditionalGeneration"},
	Strip:      []string{"language_model."},
	Vocabulary: Vocabulary{NoSpacePrefix: true, OwnRows: true},
	Defaults: map[string]Defaults{"": {Keys: Keys{
		"max_position_embeddings": 32768, "rms_norm_eps": 1e-6, "rope_theta": 1e6, "rope_local_base_freq": 1e4, "num_key_value_heads": 2, "head_dim": 256,
		"sliding_window": 512, "tie_word_embeddings": true, "intermediate_size": 16384, "final_logit_softcapping": 30.0, "vocab_size": 262400,
		"vocab_size_per_layer_input": 262144, "hidden_size_per_layer_input": 256, "altup_active_idx": 0, "altup_num_inputs": 4, "altup_correct_scale": true,
		"num_kv_shared_layers": publishedShared, "laurel_rank": 64,
	}, StatesHead: true, windows: listedLayers(5)}},
	Only:   Keys{"altup_active_idx": 0, "altup_correct_scale": true, "attention_bias": false},
	Common: named(common),
	Params: []Param{
		{Key: "feed_forward_length", From: func(h Hyper) (any, bool) { return perLayer(h, ff), true }},
		number("final_logit_softcapping", 30, "final_logit_softcapping").implying(30),
		u32("attention.sliding_window", func(h Hyper, _ int) int { return h.Meaning.Window }),
		always("altup.active_idx", zero),
		whole("altup.num_inputs", "altup_num_inputs").implying(4),
		always("embedding_length_per_layer_input", layerEmbed),
		always("attention.shared_kv_layers", func(h Hyper, _ int) int { return h.SharedKeys }),
		{Key: "activation_sparsity_scale", From: func(h Hyper) (any, bool) { return narrow(h.Meaning.Cuts), true }},
		{Key: slidingPattern, From: func(h Hyper) (any, bool) { return h.Meaning.Sliding, true }},
	},
	Tensors: slices.Concat([]Tensor{
		{Source: "model.embed_tokens.weight", Target: "token_embd.weight", Shape: []Dim{vocab, embed}},
		{Source: "model.embed_tokens_per_layer.weight", Target: "per_layer_token_embd.weight", Shape: []Dim{layerVocab, allLayersEmbed}, Ops: []Op{{Kind: PadRows, Count: vocab}}},
		{Source: "model.altup_projections.{j}.weight", Target: "altup_proj.weight", Shape: []Dim{embed, embed}, Times: otherStreams},
		{Source: "model.altup_unembed_projections.{j}.weight", Target: "altup_unembd_proj.weight", Shape: []Dim{embed, embed}, Times: otherStreams},
		outputNorm, head,
		{Source: "model.layers.{i}.input_layernorm.weight", Target: "blk.{i}.attn_norm.weight", Shape: []Dim{embed}},
		{Source: "model.layers.{i}.pre_feedforward_layernorm.weight", Target: "blk.{i}.ffn_norm.weight", Shape: []Dim{embed}},
		{Source: "model.layers.{i}.self_attn.q_proj.weight", Target: "blk.{i}.attn_q.weight", Shape: []Dim{qRows, embed}},
		{Source: "model.layers.{i}.self_attn.q_norm.weight", Target: "blk.{i}.attn_q_norm.weight", Shape: []Dim{headDim}},
		{Source: "model.layers.{i}.self_attn.o_proj.weight", Target: "blk.{i}.attn_output.weight", Shape: []Dim{embed, oCols}},
		{Source: "model.layers.{i}.altup.correction_coefs.weight", Target: "blk.{i}.altup_correct_coef.weight", Shape: []Dim{altStreams, altStreams}, F32: true},
		{Source: "model.layers.{i}.altup.correct_output_scale", Target: "blk.{i}.altup_correct_scale.weight", Shape: []Dim{embed}},
		{Source: "model.layers.{i}.altup.prediction_coefs.weight", Target: "blk.{i}.altup_predict_coef.weight", Shape: []Dim{allMixtures, altStreams}, F32: true},
		{Source: "model.layers.{i}.altup.modality_router.weight", Target: "blk.{i}.altup_router.weight", Shape: []Dim{altStreams, embed}},
		{Source: "model.layers.{i}.altup.router_norm.weight", Target: "blk.{i}.altup_router_norm.weight", Shape: []Dim{embed}},
		{Source: "model.layers.{i}.laurel.linear_left.weight", Target: "blk.{i}.laurel_l.weight", Shape: []Dim{laurelRank, embed}},
		{Source: "model.layers.{i}.laurel.linear_right.weight", Target: "blk.{i}.laurel_r.weight", Shape: []Dim{embed, laurelRank}},
		{Source: "model.layers.{i}.laurel.post_laurel_norm.weight", Target: "blk.{i}.laurel_post_norm.weight", Shape: []Dim{embed}},
	}, postNorms, mlp("mlp", "", ff), in(ownKeys, ownKeysAndValues), in(sharedKeys, idle(ownKeysAndValues)), layerEmbedding[1:]),
	Ignore: append([]string{inverseFrequencies}, otherModalities...),
	Graph: Graph{
		Activation: GELUTanh,
		Input:      func(h Hyper) Input { return Input{Scale: math.Sqrt(float64(h.Embed)), PerLayer: byLayer(h)} },
		Layer:      decoder(sandwiched, normedHeads, gemma3nLayer),
		Output: func(h Hyper) Output {
			o := cappedOutput(h)
			o.AltUp = altUp(h)
			return o
		},
	},
	Source: Convention{Rope: RopeHalf},
	File:   Convention{Rope: RopeHalf},

	sizes: func(c *reader, h *Hyper) {
		h.SharedKeys, h.LayerEmbed = c.int("num_kv_shared_layers"), c.int("hidden_size_per_layer_input")
		h.note("laurel_rank", float64(c.int("laurel_rank")))
		h.note("vocab_size_per_layer_input", float64(c.int("vocab_size_per_layer_input")))
	},
	fromConfig: func(c *reader, h *Hyper) {
		h.Meaning.Scale = 1
		c.keysOfLast(h)
		sparsity := c.floats("activation_sparsity_pattern")
		if sparsity == nil {
			sparsity = publishedSparsity(h.Layers)
		}
		h.Meaning.Cuts = make([]float64, min(h.Layers, mostLayers))
		for i := range h.Meaning.Cuts {
			h.Meaning.Cuts[i] = normalQuantile(sizeOf(sparsity, i, 0))
		}
	},
	fromFile: func(g *fileReader, h *Hyper) {
		h.Meaning.Scale = 1
		g.window(h, 0, 5)
		h.SharedKeys, h.LayerEmbed = g.int("attention.shared_kv_layers"), g.int("embedding_length_per_layer_input")
		g.keysOfLast(h)
		h.Meaning.Cuts, _ = g.kvs.Floats(g.prefix + "activation_sparsity_scale")
	},
	losses: []lossRule{unlikePublished},
}

func altStreams(h Hyper, _ int) int   { return int(h.Value("altup.num_inputs")) }
func otherStreams(h Hyper, _ int) int { return max(altStreams(h, 0)-1, 0) }
func allMixtures(h Hyper, _ int) int  { return altStreams(h, 0) * altStreams(h, 0) }
func laurelRank(h Hyper, _ int) int   { return int(h.Unwritten["laurel_rank"]) }
func layerVocab(h Hyper, _ int) int   { return int(h.Unwritten["vocab_size_per_layer_input"]) }

func altUp(h Hyper) *AltUp { return &AltUp{Count: altStreams(h, 0), Eps: h.Eps} }

// gemma3nLayer is what a layer of Gemma 3n does otherwise.
func gemma3nLayer(h Hyper, layer int, l *Layer) {
	l.Mixer.(*Attention).ValueNorm = true
	l.PerLayer, l.AltUp, l.Laurel = byLayer(h), altUp(h), rms("blk.{i}.laurel_post_norm", h)
	if cut := sizeOf(h.Meaning.Cuts, layer, math.Inf(-1)); !math.IsInf(cut, -1) {
		d := l.Feed.(*Dense)
		d.Sparse, d.Cut = true, cut
	}
}

// normalQuantile is the number below which a share of a normal distribution
// lies, with the operations of PyTorch.
func normalQuantile(share float64) float64 {
	x := float32(2*float32(share)) - 1
	return float64(float32(math.Erfinv(float64(x))) * float32(math.Sqrt2))
}

// What llama.cpp takes for every model.
const (
	publishedShared = 15
	sharedFrom      = 20
	sparseLayers    = 10
	sparseShare     = 0.95
)

// publishedSparsity is the share of gates that are cut off, by layer.
func publishedSparsity(layers int) []float64 {
	shares := make([]float64, min(layers, mostLayers))
	for i := range shares {
		if i < sparseLayers && layers > sparseLayers {
			shares[i] = sparseShare
		}
	}
	return shares
}

// unlikePublished is in the file, and mq computes what the model does.
func unlikePublished(_ *reader, a Arch, h Hyper) (l Loss) {
	for i, cut := range h.Meaning.Cuts {
		if i < sparseLayers && cut != normalQuantile(sparseShare) || i >= sparseLayers && !math.IsInf(cut, -1) {
			l.Text = fmt.Sprintf("activation_sparsity_pattern: llama.cpp cuts off %v of the gates in the first %d layers and none after them: its results differ from the model's", sparseShare, sparseLayers)
		}
	}
	if own := h.Layers - h.SharedKeys; own != min(h.Layers, sharedFrom) {
		l.Text = fmt.Sprintf("num_kv_shared_layers is %d of %d layers: llama.cpp shares keys and values from layer %d on: its results differ from the model's", h.SharedKeys, h.Layers, sharedFrom)
	}
	if altStreams(h, 0) != 4 || laurelRank(h, 0) != 64 || h.LayerEmbed != 256 {
		l.Text = "altup_num_inputs, laurel_rank or hidden_size_per_layer_input: llama.cpp loads no model of architecture " + a.Name + " with others than 4, 64 and 256"
	}
	return l
}
