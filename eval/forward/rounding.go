package forward

import (
	"math"

	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/formats/gguf"
)

// RoundActivations makes products round their activations as ggml's do on a
// processor, to 8 bits for quantized weights and to the weights' own type for
// 16-bit ones. The model then gives the numbers of llama.cpp instead of its
// own; it is off at first, and of no effect on a checkpoint.
func (m *Model) RoundActivations(on bool) { m.rounded = on }

// rounding replaces a row of activations by what is left of it.
type rounding struct {
	name  string
	round func(row []float32)
}

// roundings holds the roundings by the type that ggml gives activations.
var roundings = map[gguf.Type]*rounding{
	gguf.TypeF16:  roundF16,
	gguf.TypeBF16: roundBF16,
	gguf.TypeQ8_0: roundQ8_0,
	gguf.TypeQ8_1: roundQ8_0, // which adds the sum of a block
	gguf.TypeQ8_K: roundQ8_K,
}

var (
	roundQ8_0 = &rounding{"Q8_0", blocks(32, func(b []float32) { eightBits(b, true) })}
	roundQ8_K = &rounding{"Q8_K", blocks(256, func(b []float32) { eightBits(b, false) })}
	roundF16  = &rounding{"F16", each(func(v float32) float32 { return dtype.F16ToF32(dtype.F32ToF16(v)) })}
	roundBF16 = &rounding{"BF16", each(func(v float32) float32 { return dtype.BF16ToF32(dtype.F32ToBF16(v)) })}
)

func blocks(n int, round func([]float32)) func([]float32) {
	return func(row []float32) {
		for len(row) > 0 {
			some := min(n, len(row))
			round(row[:some])
			row = row[some:]
		}
	}
}

func each(round func(float32) float32) func([]float32) {
	return func(row []float32) {
		for i, v := range row {
			row[i] = round(v)
		}
	}
}

// eightBits rounds a block to multiples of a 127th of its largest value. The
// short blocks of ggml keep that step as a half, the long ones as it is.
func eightBits(block []float32, half bool) {
	largest := float32(0)
	for _, v := range block {
		largest = max(largest, float32(math.Abs(float64(v))))
	}
	if largest == 0 {
		return
	}
	step := largest / 127
	kept := step
	if half {
		kept = dtype.F16ToF32(dtype.F32ToF16(step))
	}
	for i, v := range block {
		block[i] = kept * float32(math.RoundToEven(float64(v*(1/step))))
	}
}

// multiplyRounded computes products of rounded activations, those of each
// rounding together.
func (r *run) multiplyRounded(x []float32, tokens int, outs []output) error {
	var kinds []*rounding
	groups := map[*rounding][]output{}
	for _, o := range outs {
		kind := o.w.rounding
		if groups[kind] == nil {
			kinds = append(kinds, kind)
		}
		groups[kind] = append(groups[kind], o)
	}
	cols := outs[0].w.cols
	for _, kind := range kinds {
		in := x
		if kind != nil {
			in = append([]float32(nil), x[:tokens*cols]...)
			if err := r.rows(tokens, func(i int) { kind.round(in[i*cols : (i+1)*cols]) }); err != nil {
				return err
			}
		}
		if err := r.products(in, tokens, groups[kind]); err != nil {
			return err
		}
	}
	return nil
}
