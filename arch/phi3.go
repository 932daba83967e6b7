package arch

import (
	"fmt"
	"slices"
)

// phi3 serves Phi 3, 3.5, 4 and 4-mini: Llama's decoder with fused projections
// and, for long contexts, a divisor for each rotated pair. Files name no
// scaling: it shows in the tensors.
var phi3 = Arch{
	Name:       "phi3",
	Classes:    []string{"Phi3ForCausalLM"},
	Vocabulary: Vocabulary{AddedAsWritten: true},
	Defaults: map[string]Defaults{"": {Keys: Keys{
		"max_position_embeddings": 4096, "original_max_position_embeddings": 4096, "rms_norm_eps": 1e-5, "rope_theta": 1e4,
	}, windows: everyLayer}},
	Early: []Param{f32("rope.scaling.attn_factor", func(h Hyper) float64 {
		if h.Meaning.Rotation.Scaling != LongRoPEScaling {
			return 0
		}
		return h.Meaning.Rotation.Magnitude
	})},
	Common: []string{
		"context_length", "rope.scaling.original_context_length", "embedding_length", "feed_forward_length", "block_count", "attention.head_count",
		"attention.head_count_kv", "attention.layer_norm_rms_epsilon", "rope.dimension_count", "rope.freq_base",
	},
	Params: []Param{
		u32("rope.scaling.original_context_length", func(h Hyper, _ int) int { return int(h.Value(originalContext)) }),
		u32("rope.dimension_count", func(h Hyper, _ int) int { return h.Rope.Dim }),
		always("attention.sliding_window", func(h Hyper, _ int) int { return h.Meaning.Window }),
	},
	Tensors: slices.Concat(trunk, []Tensor{
		{Source: "model.layers.{i}.self_attn.qkv_proj.weight", Target: "blk.{i}.attn_qkv.weight", Shape: []Dim{qkvRows, embed}},
		{Source: "model.layers.{i}.self_attn.o_proj.weight", Target: "blk.{i}.attn_output.weight", Shape: []Dim{embed, oCols}},
	}, fusedMLP),
	Ignore: []string{inverseFrequencies},
	Extra: []Extra{
		{"rope_factors_long.weight", func(h Hyper) []float32 { return narrow(h.Meaning.Rotation.Long) }},
		{"rope_factors_short.weight", func(h Hyper) []float32 { return narrow(h.Meaning.Rotation.Short) }},
	},
	Graph:  Graph{Layer: decoder(fusedGate)},
	Source: Convention{Rope: RopeHalf},
	File:   Convention{Rope: RopeHalf},

	fromConfig: func(c *reader, h *Hyper) {
		h.set(originalContext, float64(first(h.Rope.OriginalContext, c.int("original_max_position_embeddings"))))
	},
	fromFile: func(g *fileReader, h *Hyper) {
		h.set(originalContext, float64(g.int(originalContext)))
		if factor := g.float("rope.scaling.attn_factor"); factor != 0 {
			h.Rope.Scaling = "longrope"
			r := &h.Meaning.Rotation
			r.Scaling, r.OriginalContext, r.Magnitude = LongRoPEScaling, h.Rope.OriginalContext, factor
		}
	},
	losses: []lossRule{disabledWindow, factorsInTensors},
}

// originalContext is the context before a stretch, which files always state.
const originalContext = "rope.scaling.original_context_length"

// narrow gives the numbers as a file has them; none leave the tensor out.
func narrow(values []float64) []float32 {
	if len(values) == 0 {
		return nil
	}
	out := make([]float32, len(values))
	for i, v := range values {
		out[i] = float32(v)
	}
	return out
}

// disabledWindow is in the file, and llama.cpp does not apply it.
func disabledWindow(_ *reader, a Arch, h Hyper) (l Loss) {
	if window := h.Meaning.Window; window > 0 {
		l.Patch = func(m *Model) { m.attentions(func(at *Attention) { at.Mask.Window = 0 }) }
		if h.Context == 0 || window < h.Context {
			l.Text = fmt.Sprintf("sliding_window: llama.cpp attends to all positions in architecture %s; contexts of more than %d tokens differ from the model's", a.Name, window)
		}
	}
	return l
}

// factorsInTensors says that the file has the divisors of longrope.
func factorsInTensors(_ *reader, _ Arch, h Hyper) (l Loss) {
	if h.Meaning.Rotation.Scaling == LongRoPEScaling {
		l.InTensor = true
		l.Patch = func(m *Model) { m.rotations(func(r *Rotation) { r.Short, r.Long = nil, nil }) }
	}
	return l
}
