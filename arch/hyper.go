package arch

import "slices"

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
	HeadDim    int     // dimensions of a query or key head
	ValueDim   int     // dimensions of a value head
	HasHeadDim bool    // config.json or its class states head_dim
	HasKVHeads bool    // the same of the key heads
	Vocab      int     // rows of the embedding
	Eps        float64 // epsilon of the RMS norms
	LayerEps   float64 // epsilon that config.json states for norms of another kind
	Tied       bool    // the output matrix is the embedding
	Untied     bool    // config.json says that it is not

	DroppedLayers    int     // layers behind the last that are left out: multi-token prediction
	Deepstack        int     // layers that take image features
	Pictures         []int   // layers that text passes by, not counted among Layers
	TemperatureScale float64 // growth of the attention's temperature with the position

	Rope Rope
	MoE  MoE
	MLA  MLA

	Delta    Delta
	Index    Index
	Compress Compress
	Streams  Streams

	Values  map[string]float64 // parameters of the architecture alone, by the key of the file
	Meaning Meaning
}

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

	Window     int    // keys that a query of a sliding layer sees; 0: all
	Sliding    []bool // by layer; nil: all
	Chunk      int    // positions of a chunk in rotated layers; 0: no chunks
	NoRope     []bool // layers that are not rotated; nil: none
	Activation Activation
	UnitHead   bool // rotated queries and keys are scaled to unit root mean square
	Warming    Temperature
	WarmRope   bool // layers that are rotated have the temperature, too

	Pooling Pooling
}

// Rope holds the rotary embedding's parameters.
type Rope struct {
	Base                                                            float64
	LocalBase                                                       float64 // of layers with a window; 0: the same
	Dim                                                             int     // rotated dimensions of a head
	Sections                                                        []int   // of them for time, height, width and the rest
	Scaling                                                         string  // "", "linear", "yarn", "llama3", "longrope", "dynamic"
	Factor                                                          float64
	OriginalContext                                                 int
	LowFreqFactor, HighFreqFactor                                   float64 // llama3
	BetaFast, BetaSlow, AttnFactor, ExtFactor, MScale, MScaleAllDim float64 // yarn
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
	Listed       []bool // whether each layer has experts, where config.json lists it; those behind follow the three above

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
