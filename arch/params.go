package arch

// number is a parameter that the architecture alone has; its class assumes
// otherwise where config.json is silent, a file 0.
func number(key string, otherwise float64, config ...string) Param {
	p := f32(key, func(h Hyper) float64 { return h.Value(key) })
	p.Config, p.Default = config, otherwise
	return p
}

// whole is a count, 0 where nothing says it.
func whole(key string, config ...string) Param {
	p := number(key, 0, config...)
	p.From = func(h Hyper) (any, bool) { n := h.Value(key); return uint32(n), n != 0 }
	return p
}

// truth is a parameter that the architecture alone has and that is true or
// false; a file that is silent means what the class does.
func truth(key string, otherwise bool, config ...string) Param {
	p := Param{Key: key, Config: config, Truth: true, From: func(h Hyper) (any, bool) { return h.Value(key) != 0, true }}
	if otherwise {
		p.Default, p.Implied = 1, 1
	}
	return p
}

// implying says what a file means that is silent.
func (p Param) implying(value float64) Param {
	p.Implied = value
	return p
}

func oneIf(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// always is a key-value that is written even where it is 0.
func always(key string, get Dim) Param {
	return Param{Key: key, From: func(h Hyper) (any, bool) { return uint32(get(h, 0)), true }}
}

// u32 is a count that is left out where it is 0. One that differs by layer is
// written as a list.
func u32(key string, get Dim) Param {
	return Param{Key: key, From: func(h Hyper) (any, bool) {
		n := get(h, 0)
		for layer := range min(h.Layers, mostLayers) {
			if get(h, layer) != n {
				return perLayer(h, get), true
			}
		}
		return uint32(n), n != 0
	}}
}

// perLayer lists the count of each layer.
func perLayer(h Hyper, get Dim) []int32 {
	list := make([]int32, min(h.Layers+h.MTPLayers, mostLayers))
	for layer := range list {
		list[layer] = int32(get(h, layer))
	}
	return list
}

// statedBase is the base of the rotation where it is not the one that files
// imply: the reference converter leaves the key out for some architectures.
var statedBase = Param{Key: "rope.freq_base", From: func(h Hyper) (any, bool) { return float32(h.Rope.Base), h.Rope.Base != 1e4 }}

// f32 is a key-value that is left out where it is 0.
func f32(key string, get func(Hyper) float64) Param {
	return Param{Key: key, From: func(h Hyper) (any, bool) { x := get(h); return float32(x), x != 0 }}
}

// scaled gives a rope parameter under the given kinds of scaling alone.
func scaled(get func(Rope) float64, kinds ...string) func(Hyper) float64 {
	return func(h Hyper) float64 {
		for _, kind := range kinds {
			if h.Rope.ggufScaling() == kind {
				return get(h.Rope)
			}
		}
		return 0
	}
}

// noBOS says that no text begins with BOS, before the tokenizer does.
var noBOS = Param{Key: "tokenizer.ggml.add_bos_token", From: func(Hyper) (any, bool) { return false, true }}

// windowParams are the window and the layers that have it.
var windowParams = []Param{
	u32("attention.sliding_window", func(h Hyper, _ int) int { return h.Meaning.Window }),
	{Key: slidingPattern, From: func(h Hyper) (any, bool) { return h.Meaning.Sliding, h.Meaning.Window > 0 }},
}
