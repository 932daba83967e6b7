package gguf

import "context"

// Stream is a tensor whose bytes are produced on demand, row by row: from a
// file, or from a checkpoint's tensors through a transform. It is what the
// converter yields, the quantizer maps and the writer drains, so that no
// tensor is ever held whole.
type Stream struct {
	TensorInfo

	// ReadRows fills dst with whole rows starting at row first, in the
	// encoding that Type names. Rows are counted over all outer dimensions
	// (Rows() of them). It may be called from several goroutines at once
	// and ends with ctx, returning its cause.
	ReadRows func(ctx context.Context, dst []byte, first int64) error

	// Floats is ReadRows for the weights of the same rows as F32, where the
	// source has these without making blocks of them; else nil.
	Floats func(ctx context.Context, dst []byte, first int64) error
}
