package arch

// Norm is a normalization and the tensor of its weights.
type Norm struct {
	Name string // of the tensor in the file without ".weight", e.g. "blk.{i}.attn_norm"; empty: no weights
	Kind NormKind
	Eps  float64
	Else string // the tensor to take where the model has none of that name
	Bare bool   // the tensor's name has no ".weight"
}

// NormKind enumerates the normalizations. A layer norm has a bias where the
// model has its tensor.
type NormKind uint8

// The normalizations.
const (
	RMSNorm   NormKind = iota // x / rms(x) · w (Zhang and Sennrich 2019, arXiv:1910.07467)
	LayerNorm                 // (x - mean(x)) / std(x) · w + b (Ba et al. 2016, arXiv:1607.06450)
)

// HeadNorm is a normalization of queries and keys: attn_q_norm, attn_k_norm.
type HeadNorm struct {
	Over  HeadNormOver
	Kind  NormKind
	After bool // the rotation, not before it
	Eps   float64

	Optional bool // only where the model has the tensors
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
