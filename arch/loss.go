package arch

import (
	"fmt"
	"slices"
	"strings"

	"github.com/f190792d/mq/formats/hf"
)

// Loss is a part of a model that its file has no key for, or that llama.cpp
// passes by or computes otherwise.
type Loss struct {
	Kind  LossKind
	Text  string       // a sentence for people; empty where the file says the same in another way, or nobody can notice
	Patch func(*Model) // makes of the checkpoint's model the file's; nil: they compute alike
}

// LossKind enumerates what can be lost.
type LossKind uint8

// The kinds. Where the file tells enough, mq computes what the model does, and
// only the warning remains.
const (
	Noted          LossKind = iota // in the file; llama.cpp computes it otherwise
	NoWindow                       // queries see all positions
	FixedChunks                    // Llama 4 has its published chunks and temperature
	NoTemperature                  // the attention's temperature does not grow
	NoScaling                      // positions are rotated without the scaling
	OwnNormalizing                 // whether experts' weights sum to 1 is the architecture's own choice
	OwnMultiplier                  // YaRN's magnitudes cancel out
	Silent                         // nothing that could be noticed
	InTensor                       // nothing: a tensor of the file says it
)

// Losses lists what a file of a checkpoint cannot express.
func Losses(config hf.Config, h Hyper) []Loss {
	a, _ := ByClass(h.Class)
	c := newReader(config)
	c.assumed = a.assumed(h.Class, c.string("model_type")).Keys.config()
	var all []Loss
	for _, rule := range lossRules {
		if text := rule.applies(c, a, h); text != "" {
			loss := Loss{Kind: rule.kind, Text: text}
			if rule.patch != nil {
				loss.Patch = rule.patch(a)
			}
			all = append(all, loss)
		}
	}
	if !a.writes("attention.sliding_window") { // a window as long as the context is not missed
		all = append(all, Loss{Kind: Silent, Patch: func(m *Model) { m.attentions(func(at *Attention) { at.Mask.Window = 0 }) }})
	}
	if h.Rope.Scaling == "llama3" && len(a.Extra) > 0 { // a tensor in the file
		all = append(all, Loss{Kind: InTensor, Patch: unscaled})
	}
	return all
}

var lossRules = []struct {
	kind    LossKind
	applies func(c *reader, a Arch, h Hyper) string // a sentence, or empty
	patch   func(a Arch) func(*Model)
}{
	{Noted, func(c *reader, a Arch, h Hyper) string {
		if !strings.HasPrefix(a.Classes[0], NativeMistral) || c.states("max_position_embeddings") {
			return ""
		}
		return fmt.Sprintf("params.json states no max_position_embeddings: the file says %d, as Mistral's own code assumes; a key-value %s.context_length of your own goes before it", h.Context, a.Name)
	}, nil},
	{NoWindow, func(c *reader, a Arch, h Hyper) string {
		window := h.Meaning.Window
		if window == 0 || h.Context != 0 && window >= h.Context || a.writes("attention.sliding_window") || !slices.Contains(h.Meaning.Sliding, true) {
			return ""
		}
		return fmt.Sprintf("sliding_window: a file of architecture %s has no window, so llama.cpp attends to all positions; contexts of more than %d tokens differ from the model's", a.Name, window)
	}, nil},
	{FixedChunks, func(c *reader, a Arch, h Hyper) string {
		if a.Name != "llama4" {
			return ""
		}
		return c.otherThan()
	}, fixedChunks},
	{NoTemperature, func(_ *reader, a Arch, h Hyper) string {
		if h.TemperatureScale == 0 || a.writes("attention.temperature_scale") {
			return ""
		}
		return fmt.Sprintf("llama_4_scaling_beta: the reference converter writes no key for it, so llama.cpp leaves out the attention's temperature; contexts of more than %d tokens differ from the model's", h.Rope.OriginalContext)
	}, func(Arch) func(*Model) {
		return func(m *Model) { m.attentions(func(at *Attention) { at.Temperature = nil }) }
	}},
	{NoScaling, func(c *reader, a Arch, h Hyper) string {
		switch s := h.Rope.Scaling; {
		case s == "dynamic":
			return fmt.Sprintf("rope_scaling: a file has no key for the type dynamic, so llama.cpp does not stretch positions; contexts of more than %d tokens differ from the model's", h.Context)
		case s == "longrope":
			return "rope_scaling: the reference converter leaves the factors of longrope out for this architecture, so llama.cpp rotates positions without them: its results differ from the model's in every context"
		case s == "llama3" && len(a.Extra) == 0:
			return fmt.Sprintf("rope_scaling: a file of architecture %s has no factors of type llama3, so llama.cpp rotates positions without them: its results differ from the model's in every context", a.Name)
		}
		return ""
	}, func(Arch) func(*Model) { return unscaled }},
	{OwnNormalizing, func(c *reader, a Arch, h Hyper) string {
		if h.MoE.Experts == 0 || a.writes("expert_weights_norm") || h.MoE.Normalize == a.Graph.NormalizeExperts {
			return ""
		}
		return fmt.Sprintf("norm_topk_prob is %v: a file of architecture %s has no key for it, and llama.cpp takes it as %v: its results differ from the model's", h.MoE.Normalize, a.Name, a.Graph.NormalizeExperts)
	}, func(a Arch) func(*Model) {
		return func(m *Model) { m.routers(func(r *Router) { r.Normalize = a.Graph.NormalizeExperts }) }
	}},
	{OwnMultiplier, func(_ *reader, a Arch, h Hyper) string {
		if a.Name != "deepseek2" || h.Rope.Scaling != "yarn" || h.Rope.AttnFactor != 0 || h.Rope.MScale == 0 || h.Rope.MScaleAllDim == 0 || h.Rope.MScale == h.Rope.MScaleAllDim {
			return ""
		}
		return fmt.Sprintf("rope_scaling: mscale is %v and mscale_all_dim %v; a file has one of them, and llama.cpp takes both as %v: its results differ from the model's", h.Rope.MScale, h.Rope.MScaleAllDim, h.Rope.MScaleAllDim)
	}, func(Arch) func(*Model) {
		return func(m *Model) { m.rotations(func(r *Rotation) { r.Magnitude = 1 }) }
	}},
	{Noted, func(_ *reader, _ Arch, h Hyper) string {
		if h.Rope.ggufScaling() != "yarn" || h.Rope.AttnFactor == 0 || h.Compress.Ratios != nil {
			return ""
		}
		return fmt.Sprintf("rope_scaling: llama.cpp multiplies attention_factor, %v, with what the factor implies instead of putting it in its place: its results differ from the model's", h.Rope.AttnFactor)
	}, nil},
	{Noted, func(c *reader, a Arch, h Hyper) string {
		if h.Class != "DeepseekV2ForCausalLM" || c.string("topk_method") != "group_limited_greedy" || h.MoE.Groups < 2 || h.MoE.Experts <= h.MoE.Groups {
			return ""
		}
		return "topk_method: llama.cpp ranks groups of experts by their two best scores, the model by the best: now and then other experts are chosen"
	}, nil},
}

// writes tells whether files of an architecture may have a key.
func (a Arch) writes(key string) bool {
	return slices.ContainsFunc(slices.Concat(common, a.Params), func(p Param) bool { return p.Key == key })
}

// computes reports whether files of an architecture may have a tensor that no
// checkpoint stores.
func (a Arch) computes(target string) bool {
	return slices.ContainsFunc(a.Extra, func(e Extra) bool { return e.Target == target })
}

// otherThan tells where Llama 4 deviates from the published models.
func (c *reader) otherThan() string {
	chunk, floor, scale := Llama4Chunk, Llama4Chunk, Llama4Temperature
	if c.has("attention_chunk_size") {
		chunk = c.int("attention_chunk_size")
	}
	if c.has("floor_scale") {
		floor = c.int("floor_scale")
	}
	if c.has("attn_scale") {
		scale = c.float("attn_scale")
	}
	if c.has("attn_temperature_tuning") && !c.bool("attn_temperature_tuning") && c.err == nil { // early ones have a number
		scale = 0
	}
	if chunk == Llama4Chunk && floor == Llama4Chunk && scale == Llama4Temperature {
		return ""
	}
	return fmt.Sprintf("attention_chunk_size is %d, floor_scale %d and attn_scale %v: a file has no keys for them, and llama.cpp takes %d, %d and %v: long contexts differ from the model's",
		chunk, floor, scale, Llama4Chunk, Llama4Chunk, Llama4Temperature)
}

// fixedChunks makes Llama 4's attention that of the published models.
func fixedChunks(Arch) func(*Model) {
	return func(m *Model) {
		m.attentions(func(a *Attention) {
			if a.Rope != nil {
				a.Mask.Chunk = Llama4Chunk
				return
			}
			a.Temperature = &Temperature{Scale: Llama4Temperature, Offset: 1, Floor: Llama4Chunk}
		})
	}
}
