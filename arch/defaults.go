package arch

import (
	"encoding/json"
	"maps"

	"github.com/f190792d/mq/formats/hf"
)

// Defaults is what a Hugging Face class assumes where config.json is silent,
// or not asked.
// internal/tiny holds it to transformers' configuration classes.
type Defaults struct {
	Keys       Keys // by the key of config.json; null there is a value of its own: none
	Always     Keys // what the class computes with, whatever config.json says
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
