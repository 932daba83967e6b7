package arch

import (
	"fmt"
	"maps"
	"math"
	"slices"
)

// minicpm3 serves MiniCPM 3: latent attention, whose matrix of keys and values
// stays whole, and the multipliers of MiniCPM, for which files have no keys. All
// its rotations have divisors by pair, where none are stated of 1.
var minicpm3 = Arch{
	Name:    "minicpm3",
	Classes: []string{"MiniCPM3ForCausalLM"},
	Defaults: map[string]Defaults{"": {Keys: Keys{
		"max_position_embeddings": 32768, "rms_norm_eps": 1e-5, "rope_theta": 1e4, "num_key_value_heads": 40, "tie_word_embeddings": true,
		"q_lora_rank": 768, "kv_lora_rank": 256, "qk_nope_head_dim": 64, "qk_rope_head_dim": 32, "scale_emb": 12, "scale_depth": 1.4, "dim_model_base": 256,
	}}},
	Common: []string{},
	Params: slices.Concat(
		ofCommon("context_length", "embedding_length", "block_count", "feed_forward_length", "attention.head_count"), []Param{
			u32("attention.head_count_kv", heads),
		}, ofCommon("attention.layer_norm_rms_epsilon"), []Param{
			u32("vocab_size", vocab),
			u32("attention.q_lora_rank", queryRank),
			u32("attention.kv_lora_rank", kvRank),
			u32("attention.key_length", headDim),
			{Key: "attention.value_length", From: func(h Hyper) (any, bool) { return uint32(h.ValueDim), h.ValueDim != h.Embed/h.Heads }},
			u32("rope.dimension_count", func(h Hyper, _ int) int { return h.Rope.Dim }),
			statedBase,
			{Key: originalContext, From: func(h Hyper) (any, bool) {
				n := h.Meaning.Rotation.OriginalContext
				return uint32(n), n != h.Context
			}},
			{Key: "rope.scaling.attn_factor", From: func(h Hyper) (any, bool) {
				x := h.Meaning.Rotation.Magnitude
				return float32(x), x != 1
			}},
		}),
	Tensors: slices.Concat(trunk, latentCompression, []Tensor{
		{Source: "model.layers.{i}.self_attn.kv_b_proj.weight", Target: "blk.{i}.attn_kv_b.weight", Shape: []Dim{kvHeadRows, kvRank}},
	}, mlp("mlp", "", ff)),
	Ignore: []string{inverseFrequencies},
	Extra:  phi3.Extra,
	Graph: Graph{
		Input: granite.Graph.Input,
		Layer: decoder(latent, func(h Hyper, _ int, l *Layer) {
			l.Mixer.(*LatentAttention).Joined = true
			l.MixScale, l.FeedScale = h.Value("residual_scale"), h.Value("residual_scale")
		}),
		Output: granite.Graph.Output,
	},
	Source: Convention{Rope: RopeHalf},
	File:   Convention{Rope: RopeHalf},

	fromConfig: func(c *reader, h *Hyper) {
		depth, base := c.float("scale_depth"), c.int("dim_model_base")
		if depth == 0 {
			depth = math.Sqrt(float64(h.Layers))
		}
		h.multiplied(c.float("scale_emb"), depth, first(base, h.Embed))
		if r := &h.Meaning.Rotation; r.Scaling == NoScalingOfRope {
			r.Scaling, r.OriginalContext = LongRoPEScaling, h.Context
		}
	},
	fromFile: func(g *fileReader, h *Hyper) {
		h.multiplied(publishedEmbedding, publishedDepth, publishedBase)
		h.Meaning.LatentEps = h.Eps
		r := &h.Meaning.Rotation
		r.Scaling, r.OriginalContext, r.Magnitude = LongRoPEScaling, h.Rope.OriginalContext, orOne(g.float("rope.scaling.attn_factor"))
	},
	losses: []lossRule{factorsInTensors, fixedMultipliers},
}

// The multipliers of the published model, which llama.cpp takes for every one.
const (
	publishedEmbedding = 12
	publishedDepth     = 1.4
	publishedBase      = 256
)

// multiplied sets the multipliers that follow from the depth and width of a
// model and of the small one that its parameters were tuned on.
func (h *Hyper) multiplied(embedding, depth float64, base int) {
	h.set("embedding_scale", embedding)
	h.set("residual_scale", depth/math.Sqrt(float64(h.Layers)))
	h.set("logit_scale", float64(h.Embed)/float64(base))
}

// fixedMultipliers replaces those that no file has keys for.
func fixedMultipliers(_ *reader, a Arch, h Hyper) (l Loss) {
	fixed := Hyper{Layers: h.Layers, Embed: h.Embed}
	fixed.multiplied(publishedEmbedding, publishedDepth, publishedBase)
	if maps.Equal(fixed.Values, h.Values) {
		return l
	}
	l.Patch = func(m *Model) {
		m.Input, m.Output.Scale = a.Graph.Input(fixed), 1/fixed.Value("logit_scale")
		for i := range m.Layers {
			m.Layers[i].MixScale, m.Layers[i].FeedScale = fixed.Value("residual_scale"), fixed.Value("residual_scale")
		}
	}
	l.Text = fmt.Sprintf("scale_emb, scale_depth or dim_model_base: a file of architecture %s has no keys for them, and llama.cpp takes %v, %v and %v: its results differ from the model's",
		a.Name, publishedEmbedding, publishedDepth, publishedBase)
	return l
}
