package arch

// Mixer lets the positions of a sequence see each other: [*Attention],
// [*LatentAttention], [*CompressedAttention], [*DeltaNet], [*StateSpace],
// [*ShortConv] or [Mixers].
type Mixer interface{ mixer() }

// Mixers run side by side on the same input and are added (Falcon-H1).
type Mixers []Mixer

// Attention is attention in which groups of query heads share a key and value
// head (Ainslie et al. 2023, arXiv:2305.13245). Tensors: attn_q, attn_k and
// attn_v, or attn_qkv with queries above keys above values, and attn_output,
// each with a bias where the model has one.
type Attention struct {
	Heads, KVHeads int
	Dim, ValueDim  int     // of one head
	Scale          float64 // of the scores
	Softcap        float64 // scores become cap·tanh(score/cap); 0: none
	Mask           Mask
	Rope           *Rotation // nil: positions are not rotated
	ALiBi          float64   // exponent of a linear bias, whose least slope is 2^-ALiBi (Press et al. 2021, arXiv:2108.12409: 8); 0: none
	Clamp          float64   // limit of queries, keys and values; 0: none
	HeadNorm       HeadNorm  // of queries and keys
	ValueNorm      bool      // values are scaled to unit root mean square
	ValueScale     float64   // of values; 0: 1
	Unit           float64   // epsilon with which rotated queries and keys are scaled to unit root mean square; 0: they are not
	Gate           Gate      // of the heads' results
	Sinks          bool      // each head has a score without a value ("attn_sinks")
	Temperature    *Temperature
	KeysOf         int  // 1 + the layer whose keys and values it uses; 0: its own
	KeyIsValue     bool // the key projection gives the values too
	ValueOptional  bool // so it does where the model has no attn_v
}

// Mask says which keys a query sees.
type Mask struct {
	Kind   MaskKind
	Window int // keys that a causal query sees, its own included; a full one sees Window/2 on each side; 0: all
	Chunk  int // queries see keys of their own chunk of positions; 0: all
}

// MaskKind enumerates the masks.
type MaskKind uint8

// The masks.
const (
	Causal MaskKind = iota // queries see their own position and those before
	Full                   // queries see all positions
)

// Gate is what scales the result of attention.
type Gate uint8

// The gates.
const (
	NoGate      Gate = iota
	QueryGate        // sigmoid of rows after each query head in attn_q
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
// arXiv:2405.04434). Tensors: attn_q, or attn_q_a, attn_q_a_norm and attn_q_b;
// attn_kv_a_mqa [KVRank+Rope.Dim, …], attn_kv_a_norm, attn_output; attn_k_b
// [Heads·NopeDim, KVRank] and attn_v_b [Heads·ValueDim, KVRank], of which the
// file holds the former as [Heads, KVRank, NopeDim].
type LatentAttention struct {
	Attention             // Dim counts NopeDim and Rope.Dim after it; KVHeads equals Heads
	QueryRank, KVRank int // QueryRank 0: queries are not compressed
	NopeDim           int // dimensions of a head that are not rotated
	NormEps           float64
	Joined            bool     // attn_kv_b holds, head by head, what attn_k_b has above what attn_v_b has
	Index             *Indexer // of the keys that a query sees; nil: all
}

// CompressedAttention is attention over a window and over compressed older
// positions (DeepSeek V4). Its last Rope.Dim dimensions of a head rotate, and
// each query head is scaled to unit root mean square.
type CompressedAttention struct {
	Attention
	QueryRank          int
	Ratio              int  // positions that one key stands for; 0 keeps to the window
	Overlap            bool // windows of compressed positions overlap by one
	OutGroups, OutRank int  // groups of heads that the output compresses apart, and to how much
	NormEps            float64
	Index              *Indexer // of the compressed keys that a query sees; nil: all
}

// Indexer picks the keys that a query sees, TopK of them, with small heads of
// its own (DeepSeek-AI 2025, DeepSeek-V3.2). Tensors: indexer.….
type Indexer struct {
	Heads, Dim, TopK int
	Paired           bool // rotated dimensions pair as the attention's do, not by halves
	Shared           bool // the choice of the last layer that chose; no tensors
}

// DeltaNet is a gated delta network (Yang et al. 2024, arXiv:2412.06464). Of
// its value heads, those that follow each other belong to one key head, unless
// a [Convention] says otherwise. Tensors: attn_qkv with queries above keys above
// values, attn_gate, ssm_conv1d, ssm_dt.bias, ssm_a, ssm_norm, ssm_out, and
// ssm_beta and ssm_alpha or what Joined says.
type DeltaNet struct {
	Kernel               int // width of the convolution
	KeyHeads, ValueHeads int
	KeyDim, ValueDim     int // of one head
	NormEps              float64
	Joined               bool // ssm_ba holds, key head by key head, the strengths of its value heads above their time steps
}

// StateSpace is a selective state-space layer (Dao and Gu 2024,
// arXiv:2405.21060; Version 1: Gu and Dao 2023, arXiv:2312.00752). Tensors:
// ssm_in, ssm_conv1d, ssm_a, ssm_d, ssm_out; version 2: ssm_dt.bias; version 1:
// ssm_x and ssm_dt.
type StateSpace struct {
	Version        int
	Kernel         int     // width of the convolution
	Inner, State   int     // channels, and numbers that each remembers
	Heads, Groups  int     // of version 2
	TimeStepRank   int     // of version 1
	NormEps        float64 // of version 2's result, group by group ("ssm_norm"), or of version 1's time steps, B and C, without weights; 0: no norm
	NormBeforeGate bool
	NormOptional   bool // only where the model has the tensor

	StepFrom, StepTo float64 // limits of the time steps of version 2; 0: none
}

// ShortConv is a gated short convolution (LFM2). Tensors: shortconv.in_proj with
// B above C above x, shortconv.conv, shortconv.out_proj.
type ShortConv struct{ Kernel int }

func (*Attention) mixer()           {}
func (*LatentAttention) mixer()     {}
func (*CompressedAttention) mixer() {}
func (*DeltaNet) mixer()            {}
func (*StateSpace) mixer()          {}
func (*ShortConv) mixer()           {}
func (Mixers) mixer()               {}
