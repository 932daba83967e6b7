package compute

import (
	"math"

	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/formats/gguf"
)

// Rounding is how ggml's products round their activations on a processor: to 8
// bits for quantized weights, and to the weights' own type for those of 16.
type Rounding struct {
	round func(row []float32)
}

// roundings holds the roundings by the type that ggml gives activations.
var roundings = map[gguf.Type]*Rounding{
	gguf.TypeF16:  {each(func(v float32) float32 { return dtype.F16ToF32(dtype.F32ToF16(v)) })},
	gguf.TypeBF16: {each(func(v float32) float32 { return dtype.BF16ToF32(dtype.F32ToBF16(v)) })},
	gguf.TypeQ8_0: {blocks(32, func(b []float32) { eightBits(b, true) })},
	gguf.TypeQ8_1: {blocks(32, func(b []float32) { eightBits(b, true) })}, // which adds the sum of a block
	gguf.TypeQ8_K: {blocks(256, func(b []float32) { eightBits(b, false) })},
}

// RoundingTo returns the rounding of activations to a type, nil for none.
func RoundingTo(t gguf.Type) *Rounding { return roundings[t] }

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
