package arch

import (
	"slices"

	"github.com/f190792d/mq/formats/fault"
)

// Hyper holds the hyperparameters of a model, free of naming conventions:
// FromConfig reads them from config.json, FromGGUF from the key-values of a
// file. The two readers are independent of each other, so that a key written
// wrongly shows as a difference. 0 means that a parameter is absent.
type Hyper struct {
	Class string // class of config.json; empty when read from GGUF
	Arch  string // general.architecture

	Layers     int     // decoder layers, without multi-token-prediction layers
	MTPLayers  int     // multi-token-prediction layers that are kept
	Context    int     // longest sequence of the training, tokens
	Embed      int     // hidden size
	FF         int     // width of the dense feed-forward layer
	Heads      int     // query heads
	KVHeads    int     // key and value heads
	Keyless    []bool  // layers that have none, but another mixer than attention; nil: no key tells layers apart
	HeadDim    int     // dimensions of a query or key head
	ValueDim   int     // dimensions of a value head
	HasHeadDim bool    // config.json or its class states head_dim
	HasKVHeads bool    // the same of the key heads
	Vocab      int     // rows of the embedding
	TokenTypes int     // rows of the embedding of token types
	Skipped    int     // rows before the first learned position of a checkpoint
	Eps        float64 // epsilon of the RMS norms
	LayerEps   float64 // epsilon that config.json states for norms of another kind
	Tied       bool    // the output matrix is the embedding
	Untied     bool    // config.json says that it is not
	LocalDim   int     // dimensions of a head in layers with a window; 0: the same
	SharedKeys int     // last layers that use keys and values of others
	LayerEmbed int     // width of the embedding that each layer has of its own; 0: none
	ByLayer    ByLayer

	DroppedLayers    int     // layers after the last that are left out: multi-token prediction
	Deepstack        int     // layers that take image features
	Pictures         []int   // layers that text passes by, not counted among Layers
	TemperatureScale float64 // growth of the attention's temperature with the position

	Rope Rope
	MoE  MoE
	MLA  MLA

	Delta    Delta
	SSM      SSM
	Index    Index
	Compress Compress
	Streams  Streams

	// Folded are multipliers of activations that a file has in its weights.
	Folded    map[string]float64
	Unwritten map[string]float64 // numbers of a checkpoint that show in a file's tensors alone
	Values    map[string]float64 // parameters of the architecture alone, by the key of the file
	Meaning   Meaning

	Stated map[string]any // what a described architecture computes with of config.json, by its keys; nil of a file
}

// ByLayer holds sizes of layers that are not all alike; nil: they are.
type ByLayer struct{ Heads, KVHeads, FF []int }

// Meaning is what the side that hyperparameters were read from makes of them
// beyond what is stated: transformers' class of a config.json, ggml of a
// file. The graph is built of it.
type Meaning struct {
	Rotation    Rotation
	Local       *Rotation // of layers with a window; nil: the same
	Scale       float64   // of the attention's scores; 0: 1/sqrt(HeadDim)
	LatentScale float64   // factor of the scores of latent attention
	LatentEps   float64   // epsilon of the norms within latent attention
	Router      Router

	KeysOf     []int  // 1 + the layer whose keys and values a layer uses, 0: its own; nil: all their own
	Window     int    // keys that a query of a sliding layer sees; 0: all
	Sliding    []bool // by layer; nil: all
	Chunk      int    // positions of a chunk in rotated layers; 0: no chunks
	NoRope     []bool // layers that are not rotated; nil: none
	Activation Activation
	UnitHead   bool // rotated queries and keys are scaled to unit root mean square
	Warming    Temperature
	WarmRope   bool // layers that are rotated have the temperature, too

	Cuts []float64 // by layer: see [Dense.Cut]; minus infinity: none

	Limits, SharedLimits []float64 // by layer, of experts and of all else: see [Dense.Limit]

	Pooling Pooling
}

// Rope holds the rotary embedding's parameters.
type Rope struct {
	Base                                                            float64
	LocalBase                                                       float64 // of layers with a window; 0: the same
	Dim                                                             int     // rotated dimensions of a head
	LocalDim                                                        int     // of one of layers with a window, where they are told apart
	Sections                                                        []int   // of them for time, height, width and the rest
	Scaling                                                         string  // "", "linear", "yarn", "llama3", "longrope", "dynamic"
	Factor                                                          float64
	OriginalContext                                                 int
	LowFreqFactor, HighFreqFactor                                   float64 // llama3
	BetaFast, BetaSlow, AttnFactor, ExtFactor, MScale, MScaleAllDim float64 // yarn
	Exact                                                           bool    // yarn: see [Rotation]
	Share                                                           float64 // of the pairs that turn, the first of a head; 0: all
}

// MoE holds the parameters of mixture-of-experts layers; Experts is 0 in a
// dense model.
type MoE struct {
	Experts, Used      int
	FF                 int     // width of one expert
	StatesFF           bool    // config.json says so
	Shared             int     // number of shared experts
	SharedFF           int     // width of the shared experts together
	Groups, GroupsUsed int     // of experts, for grouped routing
	Gating             int     // a gating function; 0 is the architecture's own
	Scale              float64 // of the experts' weights
	Normalize          bool    // weights of the chosen experts sum to 1

	LeadingDense int    // layers before the first with experts
	Step         int    // every so many layers, one has experts
	DenseOnly    []int  // layers without experts beside those
	Listed       []bool // whether each layer has experts, where config.json lists it; those after follow the three above

	HashLayers int     // first layers whose experts follow from the token alone
	Clamp      float64 // limit of gate and up projection; 0 is none
}

// The gating functions of experts, numbered as in the file.
const (
	Softmax      = 1
	Sigmoid      = 2
	SqrtSoftplus = 4 // sqrt(log(1 + exp x))
)

// In reports whether a layer has experts.
func (m MoE) In(layer int) bool {
	if layer < len(m.Listed) {
		return m.Experts > 0 && m.Listed[layer]
	}
	return m.Experts > 0 && layer >= m.LeadingDense && (layer+1)%max(m.Step, 1) == 0 && !slices.Contains(m.DenseOnly, layer)
}

// MLA holds the parameters of multi-head latent attention, where a head's
// first dimensions are not rotated and its last, [Rope].Dim of them, are.
type MLA struct {
	QueryRank int // 0 where queries are not compressed
	KVRank    int // 0 in every other kind of attention
	NopeDim   int // dimensions of a head that are not rotated
}

// Delta holds the parameters of gated delta networks, the linear attention of
// Qwen3-Next and later; KeyHeads is 0 in every other model.
type Delta struct {
	Kernel               int // width of the convolution
	KeyHeads, ValueHeads int // a key head serves ValueHeads/KeyHeads value heads
	KeyDim, ValueDim     int // dimensions of one head
	Interval             int // every so many layers, one has full attention
	Recurrent            []bool
}

// SSM holds the parameters of state-space layers, as Mamba 2 has them; Heads is
// 0 in every other model.
type SSM struct {
	Kernel        int // width of the convolution
	Inner, State  int // channels, and numbers that each remembers
	Heads, Groups int
}

// Index holds the parameters of the indexer of sparse attention.
type Index struct {
	Heads, Dim int
	TopK       int // keys that a query sees
	Paired     bool
	Shared     []bool // layers that take the choice of the one before

	StatesPredictions bool // config.json tells the number of prediction layers
}

// Compress holds the parameters of attention over compressed positions
// (DeepSeek V4); Ratios is nil in every other kind of attention.
type Compress struct {
	Ratios   []int   // by layer: positions that one key stands for; 0 keeps to the window
	RopeBase float64 // of layers with compressed positions
	Window   int     // positions that a query sees as they are, its own included

	OutGroups, OutRank int // groups of heads that the output compresses apart, and to how much
}

// Ratio returns the ratio of a layer.
func (c Compress) Ratio(layer int) int {
	if layer < len(c.Ratios) {
		return c.Ratios[layer]
	}
	return 0
}

// The ratios that exist: windows that overlap by one, whose keys an indexer
// chooses from, and windows apart from each other, which a query sees all of.
const (
	Overlapping = 4
	Separate    = 128
)

// Value returns a parameter that the architecture alone has, 0 where there is
// none.
func (h Hyper) Value(key string) float64 { return h.Values[key] }

// Multiplier returns a multiplier of activations, 1 where there is none.
func (h Hyper) Multiplier(key string) float64 {
	if x, ok := h.Folded[key]; ok {
		return x
	}
	return 1
}

// note keeps a number that shows in a file's tensors alone.
func (h *Hyper) note(key string, value float64) {
	if h.Unwritten == nil {
		h.Unwritten = map[string]float64{}
	}
	h.Unwritten[key] = value
}

func (h *Hyper) set(key string, value float64) {
	if h.Values == nil {
		h.Values = map[string]float64{}
	}
	h.Values[key] = value
}

// Far beyond any model; they keep what follows from a lying header small.
const (
	mostLayers  = 1 << 12
	mostExperts = 1 << 14
	widestHead  = 1 << 16
)

// check refuses hyperparameters that contradict each other. at is the place of
// a key of config.json, or of the key that means it in a file.
func (h Hyper) check(at func(config, file string) fault.Place) error {
	switch {
	case h.Layers > mostLayers:
		return at("num_hidden_layers", "block_count").Corrupt("%d layers are out of range", h.Layers)
	case h.MoE.Experts > mostExperts:
		return at("num_experts", "expert_count").Corrupt("%d experts are out of range", h.MoE.Experts)
	case h.HeadDim > widestHead:
		return at("head_dim", "attention.key_length").Corrupt("a head of %d dimensions is out of range", h.HeadDim)
	case h.Heads == 0: // nothing of attention
	case h.KVHeads > h.Heads || h.Heads%h.KVHeads != 0:
		return at("num_key_value_heads", "attention.head_count_kv").Corrupt("%d query heads are not a multiple of %d key heads", h.Heads, h.KVHeads)
	case h.HeadDim < 2 || h.HeadDim%2 != 0:
		return at("head_dim", "attention.key_length").Corrupt("a head of %d dimensions cannot be rotated in pairs", h.HeadDim)
	case h.Rope.Dim < 0 || h.Rope.Dim > h.HeadDim || h.Rope.Dim%2 != 0:
		return at("partial_rotary_factor", "rope.dimension_count").Corrupt("%d of %d dimensions of a head cannot be rotated in pairs", h.Rope.Dim, h.HeadDim)
	case h.MoE.Used > h.MoE.Experts:
		return at("num_experts_per_tok", "expert_used_count").Corrupt("%d experts are used of %d", h.MoE.Used, h.MoE.Experts)
	}
	return h.checkCompressed(at)
}

// checkCompressed refuses attention over compressed positions that no file or
// graph can express.
func (h Hyper) checkCompressed(at func(config, file string) fault.Place) error {
	c, ratios := h.Compress, at("compress_ratios", "attention.compress_ratios")
	if c.Ratios == nil {
		return nil
	}
	if len(c.Ratios) < h.Layers {
		return ratios.Corrupt(" has %d entries for %d layers", len(c.Ratios), h.Layers)
	}
	for layer, n := range c.Ratios {
		if n != 0 && n != Overlapping && n != Separate {
			return ratios.Unsupported("layer %d: a ratio of %d is none of 0, %d and %d", layer, n, Overlapping, Separate)
		}
	}
	if s := h.Streams; s.Count < 1 || s.Count > 64 || s.Iterations > 1<<10 {
		return at("hc_mult", "hyper_connection.count").Corrupt("invalid hyper-connections: %d streams, %d iterations", s.Count, s.Iterations)
	}
	if c.OutGroups < 1 || c.OutGroups > h.Heads || h.Heads%c.OutGroups != 0 || h.KVHeads != 1 {
		return at("o_groups", "attention.output_group_count").Corrupt("invalid attention: %d query heads in %d groups on %d key heads", h.Heads, c.OutGroups, h.KVHeads)
	}
	return nil
}

// first returns the first value that is not 0.
func first[T int | float64](values ...T) T {
	for _, v := range values {
		if v != 0 {
			return v
		}
	}
	return 0
}

// each asks a question of every layer.
func each(layers int, f func(layer int) bool) []bool {
	all := make([]bool, min(layers, mostLayers))
	for i := range all {
		all[i] = f(i)
	}
	return all
}

// at returns the value of a layer.
func at(layers []bool, layer int, otherwise bool) bool {
	if layer < len(layers) {
		return layers[layer]
	}
	return otherwise
}

// sizeOf returns the size of a layer.
func sizeOf[T any](layers []T, layer int, otherwise T) T {
	if layer < len(layers) {
		return layers[layer]
	}
	return otherwise
}

// differing returns sizes that are not all alike, and nil for others.
func differing(sizes []int) []int {
	if slices.ContainsFunc(sizes, func(n int) bool { return n != sizes[0] }) {
		return sizes
	}
	return nil
}
