package decode

import (
	"context"
	"math"
	"slices"

	"github.com/f190792d/mq/formats/dtype"
)

// e2m1 decodes a 4-bit float: a sign, two bits of exponent, one of mantissa.
func e2m1(code int) float32 {
	exponent, mantissa := code>>1&3, float64(code&1)
	v := mantissa / 2
	if exponent > 0 {
		v = math.Ldexp(1+mantissa/2, exponent-1)
	}
	if code&8 != 0 {
		v = -v
	}
	return float32(v)
}

// fourBit: NVFP4 of ModelOpt and compressed-tensors, MXFP4 of gpt-oss.
func fourBit(p *parts) (*matrix, error) {
	if p.codes.DType != dtype.U8 && p.codes.DType != dtype.I8 || len(p.codes.Shape) < 2 {
		return nil, nil
	}
	shape := slices.Clone(p.codes.Shape)
	last := len(shape) - 1
	if _, ok := p.known("_scales"); ok {
		if last < 2 || shape[last] != 16 {
			return nil, p.wrong()
		}
		shape[last-1] *= 32
		return p.floats4(shape[:last], "_scales", 32, nil)
	}
	shape[last] *= 2
	scale, _ := p.known(".weight_scale")
	if factor, _, err := p.numbers(".weight_scale_2"); factor != nil || err != nil {
		if err != nil {
			return nil, err
		}
		return p.floats4(shape, ".weight_scale", 16, func(v, s float32) float32 { return float32(v*s) * factor[0] })
	}
	if global, _, err := p.numbers(".weight_global_scale"); global != nil || err != nil {
		if err != nil {
			return nil, err
		}
		return p.floats4(shape, ".weight_scale", 16, func(v, s float32) float32 { return v * float32(s/global[0]) })
	}
	if scale.DType == dtype.F8E4M3 {
		return p.floats4(shape, ".weight_scale", 16, nil)
	}
	return p.floats4(shape, ".weight_scale", 32, nil)
}

// floats4 reads 4-bit floats, the first of two in the low half of a byte, with
// a scale for each group: an exponent for 32 of them, else an E4M3 number.
func (p *parts) floats4(shape []int64, scales string, size int64, times func(v, s float32) float32) (*matrix, error) {
	raw, err := p.bytes(scales)
	if err != nil {
		return nil, err
	}
	cols, count := shape[len(shape)-1], int64(1)
	for _, n := range shape[:len(shape)-1] {
		count *= n
	}
	if cols%size != 0 || int64(len(raw)) != count*(cols/size) {
		return nil, p.wrong()
	}
	if times == nil {
		times = func(v, s float32) float32 { return v * s }
	}
	scale := dtype.F8E4M3ToF32
	if size == 32 {
		scale = dtype.E8M0ToF32
	}
	return &matrix{shape, func(ctx context.Context, dst []float32, first, n int64) error {
		codes := make([]byte, n*cols/2)
		if _, err := p.codes.ReadAt(ctx, codes, first*cols/2); err != nil {
			return err
		}
		for i := range dst {
			g := (first*cols + int64(i)) / size
			dst[i] = times(e2m1(bitsAt(codes, 4*i, 4)), scale(raw[g]))
		}
		return nil
	}}, nil
}

// floats8 reads E4M3 numbers with an exponent for each group of 32.
func (p *parts) floats8(shape []int64, scales string) (*matrix, error) {
	raw, err := p.bytes(scales)
	if err != nil {
		return nil, err
	}
	cols, count := shape[len(shape)-1], int64(1)
	for _, n := range shape[:len(shape)-1] {
		count *= n
	}
	if cols%32 != 0 || int64(len(raw)) != count*cols/32 {
		return nil, p.wrong()
	}
	return &matrix{shape, func(ctx context.Context, dst []float32, first, n int64) error {
		codes := make([]byte, n*cols)
		if _, err := p.codes.ReadAt(ctx, codes, first*cols); err != nil {
			return err
		}
		for i, c := range codes {
			dst[i] = dtype.F8E4M3ToF32(c) * dtype.E8M0ToF32(raw[(first*cols+int64(i))/32])
		}
		return nil
	}}, nil
}
