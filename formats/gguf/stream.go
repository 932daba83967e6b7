package gguf

import (
	"context"
	"slices"
)

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

	// Ahead, of a source that the system can read ahead, has it begin with n
	// bytes from row first, which may lie past the tensor's end, in the one
	// after it. It is nil where only ReadRows brings bytes nearer.
	Ahead func(first, n int64)
}

// ReadAhead reports whether the system can read all streams ahead.
func ReadAhead(streams []Stream) bool {
	return !slices.ContainsFunc(streams, func(s Stream) bool { return s.Ahead == nil })
}
