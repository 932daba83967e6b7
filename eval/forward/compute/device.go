package compute

import "context"

// Device is an engine that multiplies and attends. Its methods may be called
// from several goroutines at once. Activations are in host memory.
type Device interface {
	// Keep announces a matrix that products will use until the model is
	// closed. An engine with memory of its own may hold a copy there.
	Keep(m *Matrix) error

	// Multiply computes several products of the same activations.
	Multiply(ctx context.Context, b Batch, products ...Product) error

	// Attend computes softmax(q·kᵀ)·v of every head for the queries of some
	// sequences, and returns when all of the output is written.
	Attend(ctx context.Context, a *Attention, q Queries, sequences []Sequence) error
}

// Batch is what matrices are multiplied with: rows of activations that lie
// one after the other, [Rows, columns of the matrices].
type Batch struct {
	X    []float32
	Rows int

	Alter   Alteration // of the weights; nil: none
	Rounded bool       // activations are rounded as ggml's products do
	Paired  bool       // products of pairs are made, in as many digits but not to the same bits
}

// Product asks for Y = X·Wᵀ + Bias, [rows of the batch, W.Rows]. Bias may be
// nil.
type Product struct {
	W    *Matrix
	Y    []float32
	Bias []float32
}

// Attention is the shape and the rule of an attention product.
type Attention struct {
	Heads, KVHeads int     // numbers of heads; KVHeads divides Heads
	Dim, ValueDim  int     // dimensions of a key and of a value
	Scale          float32 // of the scores
	Softcap        float32 // scores become Softcap·tanh(score/Softcap); 0: they stay
	Mask           Mask
	Temperature    func(position int) float32 // further factor of the scores; nil: 1
	Sinks          []float32                  // by query head: the score of a key without a value; nil: none
	Slopes         []float32                  // by query head: what the score of a key loses for each position of distance; nil: none
}

// Mask says which keys the query at a position sees. The zero value is causal
// attention to all positions before.
type Mask struct {
	Full   bool // positions after the query's too
	Window int  // 0: all; keys that a causal query sees, its own included; a full one sees Window/2 on each side
	Chunk  int  // queries see keys of their own chunk of so many positions; 0: all
}

// Keys returns the range of keys that the query at a position of a sequence
// of so many sees.
func (m Mask) Keys(position, length int) (first, end int) {
	end = position + 1
	if m.Full {
		end = length
	}
	switch {
	case m.Window > 0 && m.Full:
		first, end = max(0, position-m.Window/2), min(length, position+m.Window/2+1)
	case m.Window > 0:
		first = max(0, position-m.Window+1)
	}
	if m.Chunk > 0 {
		start := position / m.Chunk * m.Chunk
		first, end = max(first, start), min(end, start+m.Chunk)
	}
	return first, end
}

// Queries are the rotated queries of a batch, [rows, Heads·Dim], and where
// results go, [rows, Heads·ValueDim].
type Queries struct {
	Q, Out []float32

	// Seen says by row of the batch which keys a query sees of those that the
	// mask leaves; a nil row sees all of them, and so does a nil Seen.
	Seen [][]bool

	// Compressed says by row which of the sequence's compressed keys it sees too;
	// nil: there are none.
	Compressed [][]bool
}

// Sequence is the part of a batch that belongs to one sequence, with the keys
// and values of all its positions.
type Sequence struct {
	First, Rows int       // rows of the batch
	Past        int       // position of the first
	K, V        []float32 // [Past + Rows, KVHeads·Dim] and [Past + Rows, KVHeads·ValueDim]
	Compressed  []float32 // [compressed keys, Dim], which are their own values
}
