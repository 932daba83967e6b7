package arch

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
	Vocab      int     // rows of the embedding
	Eps        float64 // epsilon of the RMS norms
	Tied       bool    // the output matrix is the embedding

	Rope Rope
	MoE  MoE
}

// Rope holds the rotary embedding's parameters.
type Rope struct {
	Base                                                            float64
	Dim                                                             int    // rotated dimensions of a head
	Scaling                                                         string // "", "linear", "yarn", "llama3", "longrope", "dynamic"
	Factor                                                          float64
	OriginalContext                                                 int
	LowFreqFactor, HighFreqFactor                                   float64 // llama3
	BetaFast, BetaSlow, AttnFactor, ExtFactor, MScale, MScaleAllDim float64 // yarn
}

// MoE holds the parameters of mixture-of-experts layers; Experts is 0 in a
// dense model.
type MoE struct {
	Experts, Used int
	FF            int // width of one expert
}
