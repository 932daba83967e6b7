package hf

// Reading says what a checkpoint is taken for, whatever its config.json says.
// The zero value leaves it to config.json.
type Reading struct {
	Class string // in place of architectures

	// Description describes an architecture, for package arch; empty: none is
	// given.
	Description string
	File        string // that it was read from
}

// Reading says what the folder's model is taken for.
func (f *Folder) Reading() Reading { return f.reading }

// As returns the configuration of the same model under another reading.
func (c Config) As(r Reading) Config {
	c.reading = r
	return c
}

// Reading says what the model is taken for.
func (c Config) Reading() Reading { return c.reading }
