package unpack

import (
	"context"
	"math"

	"github.com/f190792d/mq/convert/transform"
	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/hf"
)

// Tensor is a tensor of a checkpoint as a model knows it: a stored one, or a
// matrix that several stored ones make up.
type Tensor struct {
	Name   string // in the checkpoint, as if it were not quantized
	File   string
	Shape  []int64     // outermost dimension first
	Stored dtype.DType // of the tensor with the codes
	Rows   transform.Rows
	Also   []string // the stored tensors beside the first that Rows takes in
	Merged bool     // an adapter has changed it

	// Exact finds the block type that holds every weight, exactly or [Packed]
	// with rounded factors, from the
	// scales and zero points alone. It is nil for tensors that are not
	// quantized and for methods that no block type can follow.
	Exact func(ctx context.Context) (Packed, bool, error)
}

// Packed is a matrix in a block type of GGUF.
type Packed struct {
	Type gguf.Type
	Rows transform.Rows // of bytes: a row is an encoded row

	// Factors are what the decoded weights are still to be multiplied with,
	// one for each matrix; nil for none.
	Factors []float32

	// Rounded says that factors are reciprocals of the checkpoint's, rounded:
	// weights agree to the last digits of a float32 alone.
	Rounded bool
}

// near reports whether a weight is another, or differs from it as it may
// where factors are rounded.
func near(x, want float32, rounded bool) bool {
	const digits = 1 << 22
	return x == want || rounded && math.Abs(float64(x)-float64(want))*digits <= math.Abs(float64(want))
}

// Checkpoint is a checkpoint whose quantized matrices have been found.
type Checkpoint struct {
	Tensors   []Tensor        // in the order of the checkpoint
	Method    hf.Quantization // how it was quantized
	Quantized int             // number of matrices that a codec reads
}

// plain is a tensor that is used as it is stored.
func plain(t hf.Tensor) Tensor {
	return Tensor{Name: t.Name, File: t.File, Shape: t.Shape, Stored: t.DType, Rows: RowsOf(t)}
}

// RowsOf reads a stored tensor.
func RowsOf(t hf.Tensor) transform.Rows {
	r := transform.Rows{DType: t.DType, Columns: 1, Count: 1}
	for i, n := range t.Shape {
		if i == len(t.Shape)-1 {
			r.Columns = n
		} else {
			r.Count *= n
		}
	}
	r.Read = func(ctx context.Context, p []byte, off int64) error {
		_, err := t.ReadAt(ctx, p, off)
		return err
	}
	return r
}
