package decode

import (
	"context"

	"github.com/f190792d/mq/formats/dtype"
)

// bitmask: the weights that are not zero, and a bit for each of all, with
// scales for the tensor or its rows where they have 8 bits.
func bitmask(p *parts) (*matrix, error) {
	sizes, _, err := p.numbers(".shape")
	if err != nil {
		return nil, err
	}
	mask, err := p.bytes(".bitmask")
	if err != nil {
		return nil, err
	}
	scales, _, err := p.numbers(".weight_scale")
	if err != nil {
		return nil, err
	}
	if len(sizes) != 2 || sizes[0] < 1 || sizes[1] < 1 {
		return nil, p.wrong()
	}
	rows, cols := int64(sizes[0]), int64(sizes[1])
	width, size := (cols+7)/8, int64(p.codes.DType.Bits())/8
	begin := make([]int64, rows+1) // of every row's weights
	if int64(len(mask)) != rows*width || scales != nil && int64(len(scales)) != 1 && int64(len(scales)) != rows {
		return nil, p.wrong()
	}
	for r := range rows {
		begin[r+1] = begin[r]
		for c := range cols {
			begin[r+1] += int64(bitsAt(mask[r*width:], int(c), 1))
		}
	}
	if begin[rows]*size != p.codes.Size {
		return nil, p.wrong()
	}
	return &matrix{[]int64{rows, cols}, func(ctx context.Context, dst []float32, first, n int64) error {
		clear(dst)
		raw := make([]byte, (begin[first+n]-begin[first])*size)
		if _, err := p.codes.ReadAt(ctx, raw, begin[first]*size); err != nil && len(raw) > 0 {
			return err
		}
		values := make([]float32, int64(len(raw))/size)
		if err := dtype.ToFloat32(values, raw, p.codes.DType); err != nil {
			return err
		}
		for i := range dst {
			r, c := first+int64(i)/cols, int64(i)%cols
			if bitsAt(mask[r*width:], int(c), 1) == 0 {
				continue
			}
			dst[i], values = values[0], values[1:]
			if scales != nil {
				dst[i] *= scales[r%int64(len(scales))]
			}
		}
		return nil
	}}, nil
}
