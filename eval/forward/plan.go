package forward

import (
	"math"

	"github.com/f190792d/mq/arch"
)

// attentionPlan says what is special about the attention of one layer. The
// zero value sees all earlier positions, rotated.
type attentionPlan struct {
	window      int  // keys that a query sees, itself included; 0: all
	chunk       int  // queries see keys of their own chunk of positions; 0: all
	unrotated   bool // positions are not embedded
	unit        bool // rotated queries and keys are scaled to unit root mean square
	temperature func(position int) float32
}

// first returns the first key that a query sees, nil where it is always 0.
func (p attentionPlan) first() func(position int) int {
	switch {
	case p.window > 0:
		return func(position int) int { return max(0, position-p.window+1) }
	case p.chunk > 0:
		return func(position int) int { return position / p.chunk * p.chunk }
	}
	return nil
}

// warming is the temperature of long contexts (Nakanishi 2025,
// arXiv:2501.19399): 1 + scale·ln(1 + ⌊(position+offset)/floor⌋).
func warming(scale float64, offset, floor int) func(int) float32 {
	if scale == 0 || floor <= 0 {
		return nil
	}
	return func(position int) float32 {
		return float32(1 + scale*math.Log1p(float64((position+offset)/floor)))
	}
}

// unrotated tells whether the graph leaves positions out of a layer.
func unrotated(g arch.Graph, layer int) bool {
	return g.NoRopeEvery > 0 && (layer+1)%g.NoRopeEvery == 0
}

// attention plans a layer as llama.cpp does.
func (g *ggufSource) attention(layer int) attentionPlan {
	h := g.h
	p := attentionPlan{unrotated: unrotated(g.a.Graph, layer)}
	switch h.Arch {
	case "llama4":
		window, stated := g.file.KVs().Uint("llama4.attention.sliding_window")
		if stated && window == 0 { // every layer is rotated and sees all
			return attentionPlan{unit: h.MoE.Experts != arch.Llama4Maverick}
		}
		if p.unrotated {
			p.temperature = warming(arch.Llama4Temperature, 1, arch.Llama4Chunk)
		} else {
			p.chunk, p.unit = arch.Llama4Chunk, h.MoE.Experts != arch.Llama4Maverick
		}
	default:
		p.temperature = warming(h.TemperatureScale, 0, h.Rope.OriginalContext)
	}
	return p
}

// attention plans a layer as transformers does from config.json.
func (c *checkpoint) attention(layer int) attentionPlan {
	p := attentionPlan{
		unrotated:   unrotated(c.a.Graph, layer),
		temperature: warming(c.h.TemperatureScale, 0, c.h.Rope.OriginalContext),
	}
	kind := ""
	if kinds, err := c.config.Strings("layer_types"); err == nil && layer < len(kinds) {
		kind = kinds[layer]
	}
	if c.lost[arch.NoTemperature] {
		p.temperature = nil
	}
	if window, err := c.config.Int("sliding_window"); err == nil && window > 0 && c.slides(kind, layer) && !c.lost[arch.NoWindow] {
		p.window = int(window)
	}
	if rotated, err := c.config.Ints("no_rope_layers"); err == nil && layer < len(rotated) {
		p.unrotated = rotated[layer] == 0
	}
	if c.h.Arch == "llama4" {
		tuned, err := c.config.BoolOr("attn_temperature_tuning", true)
		tuned = tuned || err != nil // a number in early configurations
		normed, _ := c.config.BoolOr("use_qk_norm", true)
		chunk, _ := c.config.IntOr("attention_chunk_size", arch.Llama4Chunk)
		scale, _ := c.config.FloatOr("attn_scale", arch.Llama4Temperature)
		floor, _ := c.config.IntOr("floor_scale", arch.Llama4Chunk)
		if c.lost[arch.FixedChunks] {
			tuned, chunk, scale, floor = true, arch.Llama4Chunk, arch.Llama4Temperature, arch.Llama4Chunk
		}
		p.unit = normed && !p.unrotated
		if p.temperature = nil; tuned && p.unrotated {
			p.temperature = warming(scale, 1, int(floor))
		}
		if kind == "chunked_attention" || kind == "" && !p.unrotated {
			p.chunk = int(chunk)
		}
	}
	return p
}

// slides tells whether a layer's window is in use. Mistral and Mixtral slide
// everywhere; others name the layers, or say from which on.
func (c *checkpoint) slides(kind string, layer int) bool {
	if kind != "" {
		return kind == "sliding_attention"
	}
	if c.config.Has("use_sliding_window") {
		use, _ := c.config.BoolOr("use_sliding_window", false)
		from, _ := c.config.IntOr("max_window_layers", 0)
		return use && layer >= int(from)
	}
	return true
}
