package arch

import (
	"encoding/json"
	"maps"

	"github.com/f190792d/mq/formats/hf"
)

// Defaults is what a Hugging Face class assumes where config.json is silent.
// internal/tiny holds it to transformers' configuration classes.
type Defaults struct {
	Keys       Keys // by the key of config.json; null there is a value of its own: none
	StatesHead bool // a head_dim that follows from the other sizes counts as stated
	AsStated   bool // no key-value for a number of key heads that config.json leaves out

	// windows reports whether a layer's queries see the keys of sliding_window
	// alone; nil: the class has no windows.
	windows func(c *reader, h Hyper, layer int) bool
}

// Keys holds values by the keys of config.json.
type Keys map[string]any

// and returns the keys with others added or replaced.
func (k Keys) and(more Keys) Keys {
	all := maps.Clone(k)
	maps.Copy(all, more)
	return all
}

// config returns the keys as a configuration.
func (k Keys) config() hf.Config {
	text, err := json.Marshal(k)
	if err != nil {
		return hf.Config{}
	}
	config, err := hf.ParseConfig(text, "the class's defaults")
	if err != nil {
		return hf.Config{}
	}
	return config
}

// assumed returns the defaults of a class whose text model has a model_type.
func (a Arch) assumed(class, kind string) Defaults {
	for _, key := range []string{class + " with " + kind, class} {
		if d, ok := a.Defaults[key]; ok {
			return d
		}
	}
	return a.Defaults[""]
}

// everyLayer is the rule of classes whose layers all slide.
func everyLayer(*reader, Hyper, int) bool { return true }

// whereUsed is that of classes that ask whether windows are used, and no more.
func whereUsed(c *reader, _ Hyper, _ int) bool { return c.bool("use_sliding_window") }

// fromLayer names the layers, or says from which on they slide.
func fromLayer(c *reader, _ Hyper, layer int) bool {
	if kinds := c.strings("layer_types"); len(kinds) > 0 {
		return c.bool("use_sliding_window") && layer < len(kinds) && kinds[layer] == slidingLayer
	}
	return c.bool("use_sliding_window") && layer >= c.int("max_window_layers")
}

// evenLayers names the layers, or has every second one slide up to some layer.
func evenLayers(c *reader, _ Hyper, layer int) bool {
	if kinds := c.strings("layer_types"); len(kinds) > 0 {
		return c.bool("use_sliding_window") && layer < len(kinds) && kinds[layer] == slidingLayer
	}
	return c.bool("use_sliding_window") && layer%2 == 0 && layer < c.int("max_window_layers")
}

// unrotatedLayers names the layers, or has those slide that are not rotated.
func unrotatedLayers(c *reader, h Hyper, layer int) bool {
	if kinds := c.strings("layer_types"); len(kinds) > 0 {
		return c.bool("use_sliding_window") && layer < len(kinds) && kinds[layer] == slidingLayer
	}
	return c.bool("use_sliding_window") && at(c.noRope(h.Layers), layer, false)
}

// listedLayers names the layers with a window, or has all but every so many
// slide.
func listedLayers(every int) func(*reader, Hyper, int) bool {
	return func(c *reader, _ Hyper, layer int) bool {
		if kinds := c.strings("layer_types"); len(kinds) > 0 {
			return layer < len(kinds) && kinds[layer] == slidingLayer
		}
		return (layer+1)%first(c.int("sliding_window_pattern"), every) != 0
	}
}

// slidingPattern is the key of the list of layers with a window.
const slidingPattern = "attention.sliding_window_pattern"

// windowParams are the window and the layers that have it.
var windowParams = []Param{
	u32("attention.sliding_window", func(h Hyper, _ int) int { return h.Meaning.Window }),
	{Key: slidingPattern, From: func(h Hyper) (any, bool) { return h.Meaning.Sliding, h.Meaning.Window > 0 }},
}

// slidingLayer is what layer_types calls layers with a window.
const slidingLayer = "sliding_attention"
