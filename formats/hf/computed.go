package hf

import (
	"context"
	"io"
	"math"

	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/formats/fault"
)

// Computed returns a tensor of type F32 whose values read gives: n elements
// from one on, little endian. It stands for what stored tensors of a file make
// up together, such as a matrix that was quantized.
func Computed(name, file string, shape []int64, read func(ctx context.Context, p []byte, first int64) error) (Tensor, error) {
	elements := int64(1)
	for _, n := range shape {
		if n < 0 || n > 0 && elements > math.MaxInt64/4/n {
			return Tensor{}, fault.Op("hf").File(file).Tensor(name).Corrupt("invalid shape %v", shape)
		}
		elements *= n
	}
	return Tensor{Name: name, DType: dtype.F32, Shape: shape, File: file, Size: 4 * elements, computed: read}, nil
}

// readComputed computes whole elements, len(p) bytes of the wanted ones.
func (t Tensor) readComputed(ctx context.Context, p []byte, off int64, wanted int) (int, error) {
	if off%4 != 0 || len(p)%4 != 0 {
		return 0, fault.Op("hf").File(t.File).Tensor(t.Name).Invalid("%d bytes from byte %d are not whole elements", len(p), off)
	}
	if err := t.computed(ctx, p, off/4); err != nil {
		return 0, err
	}
	if len(p) < wanted {
		return len(p), io.EOF
	}
	return len(p), nil
}
