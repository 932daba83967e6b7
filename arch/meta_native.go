package arch

import "math"

// metaNative serves Meta's own releases: Llama 1 to 3.3 and Code Llama. Rotated dimensions pair neighbours there, as in the
// file. Which of the models it is shows in what params.json says of rotation.
var metaNative = Arch{
	Name:       "llama",
	Classes:    []string{nativeMeta},
	Native:     true,
	Vocabulary: Vocabulary{Writer: MetaFiles, Roles: []Role{{"bos", "<s>"}, {"eos", "</s>"}, {"unk", "<unk>"}}},
	Defaults:   map[string]Defaults{"": {Keys: Keys{"norm_eps": 1e-5, "rope_theta": 1e4}, windows: everyLayer}},
	losses:     []lossRule{assumedContext},
	Params:     llamaParams,
	Tensors:    nativeTensors,
	Ignore:     []string{"rope.freqs"},
	Extra:      llamaExtra,
	Source:     Convention{Rope: RopeInterleaved},
	File:       Convention{Rope: RopeInterleaved},

	sizes: func(c *reader, h *Hyper) {
		h.FF = metaFF(h.Embed, c.int("multiple_of"), c.float("ffn_dim_multiplier"))
		h.Context = metaContext(c.bool("use_scaled_rope"), h.Rope.Base, h.Eps)
		if c.bool("use_scaled_rope") {
			h.Rope.Scaling, h.Rope.Factor = "llama3", 8
			if h.Embed <= 3072 { // Llama 3.2 with 1 and 3 billion weights
				h.Rope.Factor = 32
			}
			h.Rope.LowFreqFactor, h.Rope.HighFreqFactor, h.Rope.OriginalContext = 1, 4, 8192
		}
	},
}

// metaFF is the width of the feed-forward network: two thirds of four times
// that of the model, and rounded up.
func metaFF(embed, multiple int, by float64) int {
	ff := 8 * embed / 3
	if by != 0 {
		ff = int(by * float64(ff))
	}
	multiple = max(multiple, 1)
	return (ff + multiple - 1) / multiple * multiple
}

// metaContext is the context that a model was trained for, by its rotation and
// its epsilon, which between Llama 1 and 2 alone differs.
func metaContext(scaled bool, base, eps float64) int {
	switch {
	case scaled:
		return 131072 // Llama 3.1 and later
	case base == 1e6:
		return 16384 // Code Llama
	case base > 1e4:
		return 8192 // Llama 3
	case math.Abs(eps-1e-6) < 1e-9:
		return 2048 // Llama 1
	}
	return 4096 // Llama 2
}
