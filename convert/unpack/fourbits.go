package unpack

import (
	"context"
	"sync/atomic"

	"github.com/f190792d/mq/convert/transform"
	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/hf"
)

// fourBitCodecs read numbers of type E2M1, two in a byte, the first in the
// low half, with a scale for each group: an exponent for 32 (MXFP4; OCP
// Microscaling Formats 1.0), or an E4M3 number for 16 (NVFP4).
var fourBitCodecs = []codec{
	{main: ".weight", types: []dtype.DType{dtype.I8, dtype.U8}, with: []string{".weight_scale_2"}, parts: []string{".weight_scale", ".weight_scale_2"}, plain: ".weight", open: openModelOpt},
	{main: ".weight", types: []dtype.DType{dtype.I8, dtype.U8}, with: []string{".scale"}, parts: []string{".scale"}, plain: ".weight", open: openPairs},
	{main: "_blocks", types: []dtype.DType{dtype.U8}, with: []string{"_scales"}, parts: []string{"_scales"}, plain: "_blocks", open: openBlocks},
}

// fourBits is a matrix of 4-bit numbers.
type fourBits struct {
	codes, scales hf.Tensor
	shape         []int64 // of the numbers
	group         int64
	exponents     bool                       // scales are exponents, else E4M3 numbers
	factor        []float32                  // of each matrix; nil for none
	scaled        func(s, f float32) float32 // what a scale and a factor make; nil: s·f, last
}

// openModelOpt reads NVFP4 of ModelOpt, where one more factor is the tensor's.
func openModelOpt(m *module) (Tensor, error) {
	scales, err := m.part(".weight_scale", dtype.F8E4M3)
	if err != nil {
		return Tensor{}, err
	}
	second, err := m.part(".weight_scale_2", dtype.F32)
	if err != nil {
		return Tensor{}, err
	}
	factor, err := m.small(second, 1<<16)
	if err != nil {
		return Tensor{}, err
	}
	return m.fourBits(fourBits{codes: m.main, scales: scales, shape: doubled(m.main.Shape), group: 16, factor: factor})
}

// openPairs reads MXFP4 of DeepSeek V4.
func openPairs(m *module) (Tensor, error) {
	scales, err := m.part(".scale", dtype.F8E8M0)
	if err != nil {
		return Tensor{}, err
	}
	return m.fourBits(fourBits{codes: m.main, scales: scales, shape: doubled(m.main.Shape), group: 32, exponents: true})
}

// openBlocks reads MXFP4 of gpt-oss: blocks of 16 bytes are a dimension. The
// matrices keep the name of their blocks, since they lie the other way round
// than those that go without it.
func openBlocks(m *module) (Tensor, error) {
	scales, err := m.part("_scales", dtype.U8)
	if err != nil {
		return Tensor{}, err
	}
	d := len(m.main.Shape)
	if d < 3 || m.main.Shape[d-1] != 16 {
		return Tensor{}, m.corrupt("shape %v is not that of blocks of 16 bytes", m.main.Shape)
	}
	shape := append([]int64(nil), m.main.Shape[:d-1]...)
	shape[d-2] *= 32
	return m.fourBits(fourBits{codes: m.main, scales: scales, shape: shape, group: 32, exponents: true})
}

// doubled is the shape of numbers that lie two in a byte.
func doubled(shape []int64) []int64 {
	out := append([]int64(nil), shape...)
	if len(out) > 0 {
		out[len(out)-1] *= 2
	}
	return out
}

func (m *module) fourBits(f fourBits) (Tensor, error) {
	d := len(f.shape) - 1
	if d < 1 || elements(f.shape) == 0 || f.group < 1 || f.shape[d]%f.group != 0 {
		return Tensor{}, m.corrupt("shape %v is not that of 4-bit numbers in groups of %d", m.main.Shape, f.group)
	}
	if err := m.shaped(f.scales, append(append([]int64(nil), f.shape[:d]...), f.shape[d]/f.group)...); err != nil {
		return Tensor{}, err
	}
	matrices := elements(f.shape[:d-1])
	if f.factor != nil && int64(len(f.factor)) != 1 && int64(len(f.factor)) != matrices {
		return Tensor{}, m.corrupt("%d factors for %d matrices", len(f.factor), matrices)
	}
	return Tensor{Shape: f.shape, Rows: f.floats(), Exact: f.exact}, nil
}

// magnitudes are the numbers of type E2M1.
var magnitudes = [16]float32{0, 0.5, 1, 1.5, 2, 3, 4, 6, 0, -0.5, -1, -1.5, -2, -3, -4, -6}

func (f *fourBits) cols() int64 { return f.shape[len(f.shape)-1] }
func (f *fourBits) rows() int64 { return elements(f.shape) / f.cols() }

// of returns the factor of the matrix of a row.
func (f *fourBits) of(row int64) float32 {
	if len(f.factor) == 1 {
		return f.factor[0]
	}
	return f.factor[row/f.shape[len(f.shape)-2]]
}

// weight is what a code stands for under a scale and a factor.
func (f *fourBits) weight(v, scale, factor float32) float32 {
	switch {
	case f.scaled != nil:
		return v * f.scaled(scale, factor)
	case f.factor != nil:
		return float32(v*scale) * factor
	}
	return v * scale
}

// weights are what the codes stand for under every scale and one factor.
type weights struct {
	factor float32
	of     [256][16]float32
}

// under returns the weights of a factor; those of the last one are kept.
func (f *fourBits) under(kept *atomic.Pointer[weights], factor float32) *weights {
	if w := kept.Load(); w != nil && w.factor == factor {
		return w
	}
	w := &weights{factor: factor}
	for b := range w.of {
		s := dtype.F8E4M3ToF32(byte(b))
		if f.exponents {
			s = dtype.E8M0ToF32(byte(b))
		}
		for c, v := range magnitudes {
			w.of[b][c] = f.weight(v, s, factor)
		}
	}
	kept.Store(w)
	return w
}

// floats are the rows of the weights.
func (f fourBits) floats() transform.Rows {
	cols, kept := f.cols(), new(atomic.Pointer[weights])
	return rowwise(cols, f.rows(), func(ctx context.Context, dst []float32, row int64) error {
		factor := float32(1)
		if f.factor != nil {
			factor = f.of(row)
		}
		width := int64(f.codes.DType.Bits()) / 8 // of a stored element
		w, group := f.under(kept, factor), f.group/2
		return withRaw(ctx, f.scales, row*cols/f.group, cols/f.group, func(scales []byte) error {
			return withRaw(ctx, f.codes, row*cols/2/width, cols/2/width, func(codes []byte) error {
				for g, s := range scales {
					values := &w.of[s]
					out, from := dst[int64(g)*f.group:][:f.group], codes[int64(g)*group:][:group]
					for i, c := range from {
						out[2*i], out[2*i+1] = values[c&15], values[c>>4]
					}
				}
				return nil
			})
		})
	})
}

// exact are the rows as blocks of the same numbers.
func (f fourBits) exact(ctx context.Context) (Packed, bool, error) {
	if f.exponents {
		if f.group != 32 || f.cols()%32 != 0 {
			return Packed{}, false, nil
		}
		codes := rowsAs(f.codes, dtype.U8, f.cols()/2)
		return Packed{Type: gguf.TypeMXFP4, Rows: transform.MXFP4(codes, rowsAs(f.scales, dtype.U8, f.cols()/32))}, true, nil
	}
	return f.nvfp4(ctx)
}
