package arch

import (
	"math"
	"slices"
)

// minicpm serves MiniCPM 1 and 2: Llama's decoder with the multipliers of
// Granite, which follow from the depth and width of the model and of the small
// one that its parameters were tuned on. Its code is not part of transformers,
// so that config.json has to say everything.
var minicpm = Arch{
	Name:     "minicpm",
	Classes:  []string{"MiniCPMForCausalLM"},
	Defaults: map[string]Defaults{"": {Keys: Keys{"rms_norm_eps": 1e-6, "rope_theta": 1e4}, AsStated: true}},
	Params: []Param{
		number("embedding_scale", 1, "scale_emb"),
		f32("residual_scale", func(h Hyper) float64 { return h.Value("residual_scale") }),
		f32("logit_scale", func(h Hyper) float64 { return h.Value("logit_scale") }),
	},
	Tensors: slices.Concat(trunk, attention(permuted), mlp("mlp", "", ff)),
	Ignore:  []string{inverseFrequencies},
	Graph:   Graph{Input: granite.Graph.Input, Layer: granite.Graph.Layer, Output: granite.Graph.Output},
	Source:  Convention{Rope: RopeHalf},
	File:    Convention{Rope: RopeInterleaved},

	fromConfig: func(c *reader, h *Hyper) {
		h.set("residual_scale", c.float("scale_depth")/math.Sqrt(float64(h.Layers)))
		h.set("logit_scale", float64(h.Embed)/float64(c.need("dim_model_base")))
	},
	fromFile: func(g *fileReader, h *Hyper) {
		h.set("residual_scale", g.float("residual_scale"))
		h.set("logit_scale", g.float("logit_scale"))
	},
}
