package arch

// Which layers have a window and which are not rotated: the rules of classes
// where config.json does not list them, and those of files.

// slidingLayer is what layer_types calls layers with a window.
const slidingLayer = "sliding_attention"

// slidingPattern is the key of a file that lists the layers with a window.
const slidingPattern = "attention.sliding_window_pattern"

// unrotatedEvery is llama.cpp's interval of unrotated layers.
const unrotatedEvery = 4

// everyFourth marks the layers that llama.cpp does not rotate.
func everyFourth(layers int) []bool {
	return each(layers, func(i int) bool { return (i+1)%unrotatedEvery == 0 })
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

// lateLayers names the layers, or has those slide from some layer on.
func lateLayers(c *reader, _ Hyper, layer int) bool {
	if kinds := c.strings("layer_types"); len(kinds) > 0 {
		return layer < len(kinds) && kinds[layer] == slidingLayer
	}
	return layer >= c.int("max_window_layers")
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

// noRope reads which layers are not rotated: one in four, as files imply.
func (c *reader) noRope(layers int) []bool {
	for layer, rotated := range c.ints("no_rope_layers") {
		if want := (layer+1)%unrotatedEvery != 0; want != (rotated == 1) {
			c.keep(c.place("no_rope_layers").Unsupported("layer %d deviates from one unrotated layer in %d, which a GGUF file implies", layer, unrotatedEvery))
		}
	}
	if n := c.int("no_rope_layer_interval"); !c.states("no_rope_layers") && n != 0 && n != unrotatedEvery {
		c.keep(c.place("no_rope_layer_interval").Unsupported("one unrotated layer in %d, but a GGUF file implies one in %d (key \"no_rope_layers\")", n, unrotatedEvery))
	}
	return everyFourth(layers)
}

// rotatesWindows leaves layers without a window unrotated, in models that have
// windows.
func (h *Hyper) rotatesWindows() {
	m := &h.Meaning
	if m.Window > 0 {
		m.NoRope = each(h.Layers, func(i int) bool { return !at(m.Sliding, i, false) })
	}
}

// window reads a window that all layers have but one in so many.
func (g *fileReader) window(h *Hyper, otherwise, every int) {
	m := &h.Meaning
	if m.Window = otherwise; g.kvs.Has(g.prefix + "attention.sliding_window") {
		m.Window = g.int("attention.sliding_window")
	}
	m.Sliding = each(h.Layers, func(i int) bool { return (i+1)%every != 0 })
	if stated, ok := g.kvs.Bools(g.prefix + slidingPattern); ok {
		m.Sliding = each(h.Layers, func(i int) bool { return at(stated, i, false) })
	}
}

// ofLayers returns a number that config.json states for every layer: that of
// the first with a window, or of the first without, which may stand there for
// all.
func (c *reader) ofLayers(sliding bool, keys ...string) float64 {
	layer, key, ok := c.find(keys)
	if value, _ := layer.Value(key); !ok || !isList(value) {
		if sliding {
			return 0
		}
		return c.amount(keys...)
	}
	kinds := c.strings("layer_types")
	for i, x := range c.floats(key) {
		if (sizeOf(kinds, i, "") == slidingLayer) == sliding {
			return x
		}
	}
	return 0
}
