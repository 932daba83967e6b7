package hf

// wrappers are the keys under which configurations of multimodal models keep
// the language model's own; a dotted key reaches into objects.
var wrappers = []string{"text_config", "llm_config", "lm_config", "language_config", "thinker_config.text_config"}

// Text returns the language model's part of a multimodal configuration. Where
// there is none the configuration is the language model's: it returns c itself
// and false.
func (c Config) Text() (Config, bool) {
	for _, key := range wrappers {
		if text, ok := c.Sub(key); ok {
			return text, true
		}
	}
	return c, false
}
