package arch

// Model is what a model of given hyperparameters computes, resolved to plain
// data: no function is left in it, so that two models can be compared field by
// field. [Describe] makes one from an [Arch] and its [Hyper].
type Model struct {
	Input  Input
	Layers []Layer
	Output Output
}

// Input is what happens to tokens before the first layer.
type Input struct {
	Scale      float64 // of the embedding; 0 means 1
	Norm       *Norm   // of the embedding, "token_embd_norm"; nil: none
	Positions  bool    // learned absolute positions are added ("position_embd.weight")
	TokenTypes bool    // the embedding of token type 0 is added ("token_types.weight")
}

// Output is what happens behind the last layer.
type Output struct {
	Norm    *Norm
	Scale   float64 // of the logits; 0 means 1
	Softcap float64 // logits become cap·tanh(logits/cap); 0: none
	Kind    OutputKind
	Pooling Pooling // of embeddings
}

// OutputKind enumerates the heads of models.
type OutputKind uint8

// The heads.
const (
	Logits     OutputKind = iota // of the next token
	Classifier                   // scores of the classes of "cls.output"
	Embeddings                   // one vector for a sequence
)

// Pooling says how the positions of a sequence become one vector, numbered as
// in the file.
type Pooling uint8

// The poolings.
const (
	NoPooling   Pooling = 0
	MeanPooling Pooling = 1
	CLSPooling  Pooling = 2
	LastPooling Pooling = 3
)

// Layer is one decoder or encoder layer. With Parallel false it computes
//
//	x = x + MixScale·MixPost(Mixer(MixNorm(x)))
//	x = x + FeedScale·FeedPost(Feed(FeedNorm(x)))
//
// where a norm that is nil leaves its input alone and a part that is nil is
// left out with its norms.
type Layer struct {
	Mixer               Mixer
	Feed                Feed
	MixNorm, MixPost    *Norm
	FeedNorm, FeedPost  *Norm
	MixScale, FeedScale float64 // of a branch before it is added; 0 means 1
	SkipScale           float64 // of the residual stream under both sums; 0 means 1

	// Parallel adds both parts to the layer's input: x + Mixer(MixNorm(x)) +
	// Feed(FeedNorm(x)). FeedNorm nil: the feed-forward part shares MixNorm.
	Parallel bool

	// AfterSum puts MixPost and FeedPost behind the residual sums instead of
	// before (BERT).
	AfterSum bool

	Streams *Streams // hyper-connections in place of sums; nil: none
}

// Norm is a normalization and the tensor of its weights.
type Norm struct {
	Name string // of the tensor in the file without ".weight", e.g. "blk.{i}.attn_norm"; empty: no weights
	Kind NormKind
	Eps  float64
}

// NormKind enumerates the normalizations. A layer norm has a bias where the
// model has its tensor.
type NormKind uint8

// The normalizations.
const (
	RMSNorm   NormKind = iota // x / rms(x) · w (Zhang and Sennrich 2019, arXiv:1910.07467)
	LayerNorm                 // (x - mean(x)) / std(x) · w + b (Ba et al. 2016, arXiv:1607.06450)
)

// Mixer lets the positions of a sequence see each other: [*Attention],
// [*LatentAttention], [*CompressedAttention], [*DeltaNet], [*StateSpace],
// [*ShortConv] or [Mixers].
type Mixer interface{ mixer() }

// Mixers run side by side on the same input and are added (Falcon-H1).
type Mixers []Mixer

// Attention is attention in which groups of query heads share a key and value
// head (Ainslie et al. 2023, arXiv:2305.13245). Tensors: attn_q, attn_k, attn_v
// or attn_qkv, attn_output, each with a bias where the model has one.
type Attention struct {
	Heads, KVHeads int
	Dim, ValueDim  int     // of one head
	Scale          float64 // of the scores; 0 means 1/sqrt(Dim)
	Softcap        float64 // scores become cap·tanh(score/cap); 0: none
	Mask           Mask
	Rope           *Rotation // nil: positions are not rotated
	ALiBi          float64   // largest slope of a linear bias (Press et al. 2021, arXiv:2108.12409); 0: none
	Clamp          float64   // limit of queries, keys and values; 0: none
	HeadNorm       HeadNorm  // of queries and keys
	ValueNorm      bool      // values are scaled to unit root mean square
	Unit           bool      // rotated queries and keys are scaled to unit root mean square
	Gate           Gate      // of the heads' results
	Sinks          bool      // each head has a score without a value ("attn_sinks")
	Temperature    *Temperature
	KeysOf         int  // 1 + the layer whose keys and values it uses; 0: its own
	KeyIsValue     bool // the key projection gives the values too
}

// Mask says which keys a query sees.
type Mask struct {
	Kind   MaskKind
	Window int // keys that a causal query sees, its own included, or that a full one sees in all; 0: all
	Chunk  int // queries see keys of their own chunk of positions; 0: all
}

// MaskKind enumerates the masks.
type MaskKind uint8

// The masks.
const (
	Causal MaskKind = iota // queries see their own position and those before
	Full                   // queries see all positions
)

// Rotation is a rotary position embedding (Su et al. 2021, arXiv:2104.09864)
// with its parameters; how dimensions pair is a convention of the checkpoint
// or the file.
type Rotation struct {
	Rope
	Factors string // tensor of factors by pair in the file, e.g. "rope_freqs.weight"; empty: none
}

// HeadNorm is a normalization of queries and keys: attn_q_norm, attn_k_norm.
type HeadNorm struct {
	Over  HeadNormOver
	Kind  NormKind
	After bool // the rotation, not before it
	Eps   float64
}

// HeadNormOver says what is normalized together.
type HeadNormOver uint8

// What a head norm covers.
const (
	NoHeadNorm HeadNormOver = iota
	EachHead                // one weight vector for all heads, [Dim]
	WholeRow                // all heads of a position together, [Heads·Dim]
	OwnWeights              // each head by itself with its own weights, [Heads, Dim]
)

// Gate is what scales the result of attention.
type Gate uint8

// The gates.
const (
	NoGate      Gate = iota
	QueryGate        // sigmoid of rows behind each query head in attn_q
	ElementGate      // sigmoid of attn_gate, an element each
	PerHeadGate      // sigmoid of attn_gate, a head each
)

// Temperature scales queries by 1 + Scale·ln(1 + ⌊(position+Offset)/Floor⌋)
// (Nakanishi 2025, arXiv:2501.19399).
type Temperature struct {
	Scale         float64
	Offset, Floor int
}

// LatentAttention is multi-head latent attention (DeepSeek-AI 2024,
// arXiv:2405.04434).
type LatentAttention struct {
	Attention             // Dim counts rotated and other dimensions; KVHeads equals Heads
	QueryRank, KVRank int // QueryRank 0: queries are not compressed
	NopeDim           int // dimensions of a head that are not rotated
	NormEps           float64
	Index             *Index // of the keys that a query sees; nil: all
}

// CompressedAttention is attention over a window and over compressed older
// positions (DeepSeek V4).
type CompressedAttention struct {
	Attention
	QueryRank          int
	Ratio              int // positions that one key stands for; 0 keeps to the window
	OutGroups, OutRank int // groups of heads that the output compresses apart, and to how much
	Index              *Index
}

// DeltaNet is a gated delta network (Yang et al. 2024, arXiv:2412.06464).
type DeltaNet struct{ Delta }

// StateSpace is a selective state-space layer (Dao and Gu 2024,
// arXiv:2405.21060; Version 1: Gu and Dao 2023, arXiv:2312.00752).
type StateSpace struct {
	Version        int
	Kernel         int // width of the convolution
	Inner, State   int
	Heads, Groups  int // of version 2
	TimeStepRank   int // of version 1
	NormEps        float64
	NormBeforeGate bool
}

// ShortConv is a gated short convolution (LFM2).
type ShortConv struct{ Kernel int }

func (*Attention) mixer()           {}
func (*LatentAttention) mixer()     {}
func (*CompressedAttention) mixer() {}
func (*DeltaNet) mixer()            {}
func (*StateSpace) mixer()          {}
func (*ShortConv) mixer()           {}
func (Mixers) mixer()               {}

// Feed is the part of a layer that treats each position by itself: [*Dense],
// [*Experts] or [Feeds].
type Feed interface{ feed() }

// Feeds run side by side on the same input and are added.
type Feeds []Feed

// Dense is down(act(gate(x))·up(x)), or down(act(up(x))) where Gated is false.
// Tensors: ffn_gate, ffn_up, ffn_down with Suffix.
type Dense struct {
	Suffix     string
	Width      int
	Gated      bool
	Fused      bool // ffn_up holds gate above up
	Activation Activation
	Limit      float64 // of gates above and of the rest on both sides; 0: none
}

// Experts is a mixture of experts (Shazeer et al. 2017, arXiv:1701.06538).
type Experts struct {
	Count, Width int
	Gated        bool
	Activation   Activation
	Limit        float64
	Router       Router
	Shared       *Dense // for every position; nil: none
	SharedGate   bool   // the sigmoid of ffn_gate_inp_shexp scales it
	Hashed       bool   // the experts of a token stand in a table
}

// Router chooses experts.
type Router struct {
	Used               int
	Score              Score
	Normalize          bool    // weights of the chosen experts sum to 1
	Scale              float64 // of the weights; 0 means 1
	Groups, GroupsUsed int     // of experts, for grouped routing; 0: none
	GroupMax           bool    // groups rank by their best expert, not by their two best
	Before             bool    // weights scale the experts' input
}

// Score turns router logits into scores, numbered as in the file.
type Score uint8

// The scores.
const (
	SoftmaxScore       Score = 1
	SigmoidScore       Score = 2
	ChosenSoftmaxScore Score = 3 // softmax over the chosen experts alone
	SqrtSoftplusScore  Score = 4 // sqrt(log(1 + exp x))
)

func (*Dense) feed()   {}
func (*Experts) feed() {}
func (Feeds) feed()    {}

// Activation enumerates the activation functions.
type Activation uint8

// The activations.
const (
	SiLU      Activation = iota // x·σ(x)
	GELU                        // x·Φ(x)
	GELUTanh                    // its approximation by tanh
	GELUQuick                   // x·σ(1.702·x)
	ReLU
	ReLUSquared
	XIELU // Huang and Schlag 2024, arXiv:2411.13010
	OAI   // gpt-oss: (up+1)·gate·σ(1.702·gate)
)
